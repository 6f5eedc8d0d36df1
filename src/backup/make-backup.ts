import { utimes } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { commit, UploadKept } from "../commit.ts";
import type { Context } from "../context.ts";
import type { Deadline } from "../deadline.ts";
import { type Destination, reserve } from "../destination.ts";
import { sizeOf } from "../dump-size.ts";
import { BackupError } from "../errors.ts";
import { jobOfRun, newRunId } from "../job.ts";
import { type Manifest, manifestPath, parseManifest } from "../manifest.ts";
import { discardWithin } from "../put.ts";
import { RcloneFailure } from "../rclone/failure.ts";
import type { Remote } from "../remote.ts";
import type { Spool, SpooledDump } from "../spool.ts";
import { type Job, runDump } from "./run-dump.ts";

/** Streams a dump to its destination and commits it. Nothing is left behind if it fails. */
export async function streamBackup(
  context: Context,
  job: Job,
  destination: Destination,
  deadline: Deadline,
): Promise<Manifest> {
  const { remote, config } = context;
  return discardOnFailure(context, destination, async () => {
    const manifest = await runDump(context, job, deadline, (children) =>
      remote.write(destination.place, children, {
        bytes: sizeOf(job.planned.target, job.server),
        runId: job.runId,
      }),
    );
    return commit(remote, destination, manifest, config);
  });
}

async function discardOnFailure<T>(
  { remote, log }: Context,
  { path, place }: Destination,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UploadKept) throw error;
    const signal = AbortSignal.timeout(discardWithin);
    try {
      await remote.discard(place, signal);
      // Whole as it may be, under this name it is of no use to anybody.
      if (place !== path) await remote.removeAll([place], signal);
    } catch (cause) {
      const { bucketMissing = false, forbidden = false } = cause instanceof RcloneFailure ? cause : {};
      const isUnseen = place === path;
      const who = forbidden
        ? "these credentials may not"
        : isUnseen
          ? "a lifecycle rule or `rcdump prune --incomplete` will"
          : "the next good run will";
      if (!bucketMissing)
        log.warn(`could not remove what the failed upload left at ${place}; ${who} (${String(cause)})`);
    }
    throw error;
  }
}

/** Writes a dump to the spool folder, then delivers it. What cannot be delivered stays there for the next run. */
export async function stageBackup(
  context: Context,
  job: Job,
  spool: Spool,
  deadline: Deadline,
): Promise<Manifest> {
  const { runId, planned } = job;
  let spooled: SpooledDump;
  try {
    const manifest = await runDump(context, job, deadline, () => spool.write(runId));
    spooled = await spool.finish(runId, planned.path, manifest);
  } catch (error) {
    await forget(context, spool, runId);
    throw error;
  }
  return deliver(context, spool, spooled, deadline);
}

/** Uploads a spooled dump, commits it, and takes it out of the spool. */
export async function deliver(
  context: Context,
  spool: Spool,
  spooled: SpooledDump,
  deadline: Deadline,
): Promise<Manifest> {
  const { remote, config } = context;
  const { signal } = deadline;
  const { runId, path, file, manifest } = spooled;
  deadline.follow(() => ({ awaited: "store", dumped: manifest.plain.bytes, spooled: true }));
  const stored = await findStored(remote, spooled, signal);
  if (stored) {
    if (stored.stored.sha256 !== manifest.stored.sha256)
      context.log.warn(`${path} is a newer backup than the dump that was kept, which is not sent any more`);
    await forget(context, spool, runId);
    return stored;
  }
  // Another run may be sending the same dump: each upload goes to a name of its own.
  const upload = { path, runId: newRunId(jobOfRun(runId), context.now()) };
  const [destination] = await reserve(remote, [upload], { overwrite: config.overwrite, signal });
  if (!destination) throw new Error("no destination was reserved");
  // rclone gives the object the file's time. An object that an earlier run uploaded of this very file must be told from the new one.
  await utimes(file, context.now(), context.now()).catch((cause: unknown) => {
    throw new BackupError("upload", `the dump of ${path} has gone from the spool folder`, {
      hint: "another run has sent it meanwhile, or somebody removed it",
      cause,
    });
  });
  const committed = await discardOnFailure(context, destination, async () => {
    await remote.send(file, destination.place, signal);
    return commit(remote, destination, manifest, config);
  });
  await forget(context, spool, runId);
  return committed;
}

/** Takes a dump out of the spool that is stored, or did not come about. Failing at that is no failure of the backup: the next run notices. */
async function forget({ log }: Context, spool: Spool, runId: string): Promise<void> {
  await spool.remove(runId).catch((error: unknown) => {
    log.warn(`could not remove a dump from the spool folder: ${String(error)}`);
  });
}

/**
 * The manifest that the name has, if there is nothing left to do: an earlier run committed this very dump and was cut off before it
 * could forget it, or a later one stored a newer dump of the same.
 */
async function findStored(
  remote: Remote,
  { path, manifest }: SpooledDump,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const name = manifestPath(path);
  try {
    if (!(await remote.find([name], signal)).has(name)) return undefined;
    const found = parseManifest(await remote.read(name, signal));
    const isNewer = isDeepStrictEqual(subject(found), subject(manifest)) && found.started > manifest.started;
    return isNewer || found.stored.sha256 === manifest.stored.sha256 ? found : undefined;
  } catch {
    // It cannot be read, or is damaged: then it is uploaded again, which is always right.
    signal.throwIfAborted();
    return undefined;
  }
}

/** What a backup is of. */
function subject({ engine, scope, database, server }: Omit<Manifest, "readBack">): unknown {
  return [engine, scope, database, server.host, server.port];
}
