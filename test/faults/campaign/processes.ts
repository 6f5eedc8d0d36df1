import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** The variable by which every process of one run is known: children inherit it. */
export const marker = "RCDUMP_CAMPAIGN_RUN";

export interface RunningProcess {
  readonly pid: number;
  readonly name: string;
  readonly args: readonly string[];
}

/** What a process of a run is there for. */
export type Role = "dump" | "compressor" | "upload" | "commit" | "question";

/** The processes of a run that are alive, wherever they hang in the tree. */
export function processesOf(run: string): RunningProcess[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => readProcess(pid, "environ").includes(`${marker}=${run}\0`))
    .flatMap((pid) => describe(Number(pid)) ?? []);
}

/** What a process has started, and that in turn, as far as it is alive. */
export function descendants(pid: number): RunningProcess[] {
  const children = readProcess(String(pid), `task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [...(describe(child) ?? []), ...descendants(child)]);
}

/** @returns undefined for a process that is none of a backup's stages */
export function roleOf({ name, args }: RunningProcess): Role | undefined {
  if (["pg_dump", "mariadb-dump"].includes(name)) return "dump";
  if (["igzip", "zstd"].includes(name)) return "compressor";
  if (name !== "rclone") return undefined;
  const [verb = "", ...rest] = args.slice(1);
  if (verb === "moveto" || rest.some((word) => word.includes(".manifest.json"))) return "commit";
  return verb === "rcat" || verb === "copyto" ? "upload" : "question";
}

/** What is left of a run when it had this many milliseconds to go. */
export async function survivors(run: string, within: number): Promise<RunningProcess[]> {
  const deadline = performance.now() + within;
  let left = processesOf(run);
  while (left.length > 0 && performance.now() < deadline) {
    await delay(20);
    left = processesOf(run);
  }
  return left;
}

/** @returns nothing of a process that has ended, waited for or not */
function describe(pid: number): [RunningProcess] | undefined {
  const status = readProcess(String(pid), "status");
  const name = /^Name:\s+(.*)$/m.exec(status)?.[1];
  if (name === undefined || /^State:\s+Z/m.test(status)) return undefined;
  return [{ pid, name, args: readProcess(String(pid), "cmdline").split("\0").slice(0, -1) }];
}

/** A file of a process; empty if it is gone meanwhile, or not ours to look at. */
function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
