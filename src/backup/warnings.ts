import type { Context } from "../context.ts";
import { sizeOf } from "../dump-size.ts";
import { type Server, targetName } from "../engines/engine.ts";
import type { PlannedDump } from "../plan.ts";
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
