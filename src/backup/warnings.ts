import { existsSync } from "node:fs";
import type { Context } from "../context.ts";
import { sizeOf } from "../dump-size.ts";
import { type Server, targetName } from "../engines/engine.ts";
import { targetOf } from "../manifest.ts";
import type { PlannedDump } from "../plan.ts";
import type { SpooledDump } from "../spool.ts";
import { mayNotFit } from "../stream-chunks.ts";
import { mountHint } from "../vanishing.ts";

/** A container's own folder is easily taken for the volume that was to be mounted there. */
export async function warnOfVanishing({ remote, log, signal, vanishing }: Context): Promise<void> {
  // A store that does not answer may do so later, and is no folder.
  const folder = await remote.traits(signal).then(
    (traits) => traits.folder,
    () => undefined,
  );
  const fate = folder === undefined ? undefined : vanishing(folder);
  if (fate !== undefined) log.warn({ hint: mountHint }, `backups in ${folder} are ${fate}`);
}

/** A store that takes no more of a stream says so at the end of it only. */
export async function warnOfLimits(
  { remote, log, signal }: Context,
  server: Server,
  dumps: readonly PlannedDump[],
): Promise<void> {
  for (const { target } of dumps) {
    const bytes = sizeOf(target, server);
    const limit = mayNotFit(bytes, await remote.streamLimit(bytes, signal));
    if (limit)
      log.warn(
        { database: targetName(target), hint: limit.hint },
        `the dump of ${targetName(target)} may not fit: ${limit.message}`,
      );
  }
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
        hint: "back that up again with the BACKUP_FILE_NAME that it had, or copy the file there by hand and remove it and its .json",
      },
      `${file} is not sent, for the settings ask for no such dump: it is of ${subject}, to be stored as ${path}`,
    );
  }
}
