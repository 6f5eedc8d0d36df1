import { createHash, randomBytes } from "node:crypto";
import type { Server, Target } from "./engines/engine.ts";

/**
 * Eight hex digits that stay the same from run to run of one job, and differ between jobs that share a remote or a
 * spool folder: what a run left behind is sent or cleared away by the next run of its own job, and by no other.
 * @param where.folder of the remote, in rclone's notation, without what is secret in it
 */
export function jobId(
  engine: string,
  { host, port }: Server,
  target: Target,
  { folder, fileName }: { folder: string; fileName: string | undefined },
): string {
  return createHash("sha256")
    .update(JSON.stringify([engine, host, port, target, folder, fileName ?? null]))
    .digest("hex")
    .slice(0, 8);
}

/** A name for one run of a job that sorts by time. */
export function newRunId(job: string, startedAt: Date): string {
  // A machine without a clock begins in 1970.
  const time = startedAt.getTime().toString(36).padStart(8, "0");
  return `${job}-${time}${randomBytes(2).toString("hex")}`;
}

/** The job that a run is of, by its name. */
export function jobOfRun(runId: string): string {
  return runId.slice(0, 8);
}

/** No run began before this program did. */
const beginning = Date.UTC(2026, 0);

/** When a run began, by its name; undefined if that is no run's. (Milliseconds have eight digits to the base of 36 until 2059.) */
export function startOfRun(runId: string): Date | undefined {
  const time = /^[0-9a-f]{8}-([0-9a-z]{8})[0-9a-f]{4}$/.exec(runId)?.[1];
  const began = new Date(Number.parseInt(time ?? "", 36));
  return began.getTime() > beginning ? began : undefined;
}
