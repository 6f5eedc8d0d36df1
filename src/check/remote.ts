import type { Context } from "../context.ts";
import { refuseNamesakes, reserve } from "../destination.ts";
import { targetName } from "../engines/engine.ts";
import { formatBytes } from "../format.ts";
import type { RemoteTraits } from "../remote.ts";
import { mayNotFit } from "../stream-chunks.ts";
import { mountHint } from "../vanishing.ts";
import type { ExpectedDump } from "./expected-dumps.ts";
import type { Note } from "./finding.ts";

/**
 * Notes what kind of store it is, how the dumps get there, and whether they fit and stay.
 * @throws BackupError `remote` if rclone cannot tell, `configuration` if it takes the names of two dumps for one
 */
export async function findRemote(
  context: Context,
  dumps: readonly ExpectedDump[],
  note: Note,
): Promise<RemoteTraits> {
  const { remote, config, signal, vanishing } = context;
  const traits = await remote.traits(signal);
  const wanted = dumps.map(({ path }) => ({ path, runId: "" }));
  if (config.overwrite)
    await refuseNamesakes(
      remote,
      wanted.map(({ path }) => path),
      signal,
    );
  // Where nothing may be replaced the names have to be free, and it has to be possible to tell.
  else await reserve(remote, wanted, { overwrite: false, signal });
  const detail = describeUpload(traits, config);
  const fate = traits.folder === undefined ? undefined : vanishing(traits.folder);
  if (fate !== undefined)
    note({ state: "warning", detail: `${detail}; backups are ${fate}`, hint: mountHint });
  else if (config.spoolFolder !== undefined) note({ state: "ok", detail });
  else note(await examineLengths(context, dumps, detail));
  return traits;
}

function describeUpload(
  { description, streams, atomic }: RemoteTraits,
  { spoolFolder }: Context["config"],
): string {
  const manner = spoolFolder
    ? "from the spool folder"
    : streams
      ? "streamed"
      : "spooled by rclone to its temporary folder";
  const placing = atomic ? "straight to the final name" : "under a temporary name, then moved";
  return `${description}: ${manner}, ${placing}`;
}

/** Whether the dumps are short enough for a stream. Of those that may not be, or of which it cannot be told, the first is named. */
async function examineLengths(
  { remote, signal }: Context,
  dumps: readonly ExpectedDump[],
  detail: string,
): Promise<Parameters<Note>[0]> {
  for (const { target, bytes } of dumps.filter((dump) => dump.target.scope !== "globals")) {
    const limit = await remote.streamLimit(bytes, signal);
    const name = targetName(target);
    if (bytes === undefined && limit.most !== undefined)
      return { state: "ok", detail: `${detail}, at most ${formatBytes(limit.most)} of ${name}` };
    const excess = mayNotFit(bytes, limit);
    if (excess) {
      const { message, hint } = excess;
      return { state: "warning", detail: `${detail}; ${name} may not fit: ${message}`, hint };
    }
  }
  return { state: "ok", detail };
}
