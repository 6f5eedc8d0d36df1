import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { BackupError } from "./errors.ts";
import { encodeManifest, type Manifest, manifestPath } from "./manifest.ts";
import { RcloneFailure } from "./rclone-failure.ts";
import type { Remote } from "./remote.ts";
import { withSubprocesses } from "./subprocess.ts";

/** Where an object is going to lie, and where it is uploaded to until it is whole. */
export interface Destination {
  /** The final name. */
  readonly path: string;
  /** Where the upload goes: the final name itself, if the remote is atomic and the name is free. */
  readonly place: string;
  /** Whether an object or a manifest of the name existed. */
  readonly taken: boolean;
  readonly runId: string;
}

/** The name of an upload under way: never a leading dot, which some FTP servers hide. */
function partialPath(path: string, runId: string): string {
  return `${path}.${runId}.partial`;
}

/** The job that an unfinished upload belongs to; undefined for a path that is none of ours. */
export function jobOfPartial(path: string): string | undefined {
  return /\.([0-9a-f]{8})-[0-9a-z]+\.partial$/.exec(path)?.[1];
}

/**
 * Looks whether names are free, and settles where to upload to. This is also the first time that the store is asked.
 * @throws BackupError `upload` if a name is taken and may not be replaced, `remote` if the store does not answer
 */
export async function reserve(
  remote: Remote,
  wanted: readonly { path: string; runId: string }[],
  { overwrite, signal }: { overwrite: boolean; signal?: AbortSignal | undefined },
): Promise<Destination[]> {
  const { atomic } = await remote.traits(signal);
  const found = await existing(
    remote,
    wanted.flatMap(({ path }) => [path, manifestPath(path)]),
    signal,
  );
  return wanted.map(({ path, runId }) => {
    const taken = found.has(path) || found.has(manifestPath(path));
    if (taken && !overwrite)
      throw new BackupError("upload", `${path} exists already, and BACKUP_OVERWRITE=false`, {
        hint: "put the time into BACKUP_FILE_NAME, for instance ${DB}-%Y-%m-%dT%H-%M-%SZ, or let it be replaced",
      });
    return { path, runId, taken, place: atomic && !taken ? path : partialPath(path, runId) };
  });
}

/** Credentials that may only write cannot ask; then nothing is known to exist. */
async function existing(
  remote: Remote,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, unknown>> {
  try {
    return await remote.find(paths, signal);
  } catch (error) {
    if (error instanceof RcloneFailure && error.forbidden) return new Map();
    throw error;
  }
}

/**
 * Turns an uploaded object into a backup: its size is checked, it gets its final name, the manifest is written last.
 *
 * An earlier backup of the same name stays whole until the new object is complete beside it. Its manifest goes before
 * its bytes do, so that none ever describes bytes that are not there; if the move then fails it is put back. From
 * there on nothing is cancelled: it takes a moment, and stopping half-way would leave neither backup.
 * @returns the manifest as it was written
 */
export async function commit(
  remote: Remote,
  { path, place, taken, runId }: Destination,
  manifest: Omit<Manifest, "readBack">,
  { overwrite }: { overwrite: boolean },
): Promise<Manifest> {
  const readBack = await checkSize(remote, place, manifest.stored.bytes);
  if (place !== path) {
    const previous = taken ? await takeManifest(remote, path) : undefined;
    try {
      await remote.move(place, path, { replace: overwrite });
    } catch (error) {
      if (previous) await restoreManifest(remote, path, previous, runId);
      throw error;
    }
  }
  const committed = { ...manifest, readBack };
  await put(remote, manifestPath(path), encodeManifest(committed), runId);
  return committed;
}

/** Whether the object is known to have the size of what was sent; false if these credentials cannot ask. */
async function checkSize(remote: Remote, place: string, expected: number): Promise<boolean> {
  let bytes: number | undefined;
  try {
    bytes = (await remote.find([place])).get(place)?.bytes;
  } catch (error) {
    if (error instanceof RcloneFailure && error.forbidden) return false;
    throw error;
  }
  if (bytes === expected) return true;
  throw new BackupError(
    "upload",
    `${place} is ${bytes === undefined ? "not there" : `${bytes} bytes long`} after ${expected} bytes were uploaded`,
    {
      hint: "the store or something before it loses data: try again, and look at its logs",
    },
  );
}

interface Previous {
  readonly text: string;
  /** The size of the object that it stands beside. */
  readonly bytes: number | undefined;
}

/** Removes the manifest of the object that is about to be replaced. */
async function takeManifest(remote: Remote, path: string): Promise<Previous | undefined> {
  const name = manifestPath(path);
  const found = await remote.find([name, path]);
  if (!found.has(name)) return undefined;
  const text = await remote.read(name);
  await remote.remove(name);
  return { text, bytes: found.get(path)?.bytes };
}

/** Only beside the object that it was taken from. */
async function restoreManifest(
  remote: Remote,
  path: string,
  previous: Previous,
  runId: string,
): Promise<void> {
  const object = (await remote.find([path])).get(path);
  if (object && object.bytes === previous.bytes) await put(remote, manifestPath(path), previous.text, runId);
}

/** Writes a small object, which appears whole or not at all. The name is free. */
export async function put(remote: Remote, path: string, text: string, runId: string): Promise<void> {
  const { atomic } = await remote.traits();
  const place = atomic ? path : partialPath(path, runId);
  await withSubprocesses(undefined, async (children) => {
    await pipeline(Readable.from([Buffer.from(text)]), await remote.write(place, children));
  });
  if (place !== path) await remote.move(place, path, { replace: true });
}
