import { existsSync } from "node:fs";
import type { Context } from "../context.ts";
import { targetName } from "../engines/engine.ts";
import { targetOf } from "../manifest.ts";
import { RcloneFailure } from "../rclone/failure.ts";
import type { Spool, SpooledDump } from "../spool.ts";
import { deliver } from "./make-backup.ts";
import { attempt, type Outcome } from "./outcome.ts";

/**
 * Sends what earlier runs have kept in the spool folder. Once the store does not answer it is not asked about the others: that can take
 * minutes for each, and they are the more the longer the store is down.
 */
export async function deliverUnsent(
  context: Context,
  spool: Spool,
  dumps: readonly SpooledDump[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let silence: unknown;
  for (const spooled of dumps) {
    const name = `${spooled.path} (kept from an earlier run)`;
    const outcome = silence
      ? { name, job: "", error: silence }
      : await attempt(context, name, "", spooled.path, (deadline) =>
          deliver(context, spool, spooled, deadline),
        );
    outcomes.push(outcome);
    const { error } = outcome;
    if (error instanceof RcloneFailure && error.operation === "remote") silence = error;
  }
  return outcomes;
}

/**
 * Says which dumps of earlier runs are none of those that the settings ask for, in whichever shard, so that no run sends them. One
 * that has gone meanwhile was another job's that shares the folder.
 */
export function warnOfForgotten(dumps: readonly SpooledDump[], log: Context["log"]): void {
  for (const { file, path, manifest } of dumps) {
    if (!existsSync(file)) continue;
    const { host, port } = manifest.server;
    const subject = `${targetName(targetOf(manifest))} of ${host}:${port}`;
    log.warn(
      {
        file,
        hint: "back that up again with the REMOTE_NAME, UPLOAD_PREFIX and BACKUP_FILE_NAME that it had, or copy the file there by hand and remove it and its .json",
      },
      `${file} is not sent, for the settings ask for no such dump in this store: it is of ${subject}, to be stored as ${path}`,
    );
  }
}
