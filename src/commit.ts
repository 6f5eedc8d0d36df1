import type { Destination } from "./destination.ts";
import { BackupError } from "./errors.ts";
import { encodeManifest, type Manifest, manifestPath } from "./manifest.ts";
import { put } from "./put.ts";
import { RcloneFailure } from "./rclone/failure.ts";
import { isSameObject, type Remote, type StoredObject } from "./remote.ts";

/**
 * The new object is whole, under its temporary name, and the earlier one may be gone: it must not be cleared away. The
 * next good run of the job does that.
 */
export class UploadKept extends BackupError {
  constructor({ place, path }: Destination, cause: unknown) {
    super("upload", `${(cause as Error).message}, while ${path} was being replaced`, {
      hint: `the new dump is whole at ${place}: run again, or move it to ${path} by hand`,
      cause,
    });
  }
}

/**
 * Turns an uploaded object into a backup: its size is checked, it gets its final name, the manifest is written last.
 *
 * An earlier backup of the same name stays whole until the new object is complete beside it. Its manifest goes before
 * its bytes do, so that none ever describes bytes that are not there; if the earlier object is still there after a failure,
 * its manifest is put back. From there on nothing is cancelled: it takes a moment, and stopping half-way would leave
 * neither backup.
 * @returns the manifest as it was written
 * @throws UploadKept if the new object must stay where it is; after any other error it may be discarded
 */
export async function commit(
  remote: Remote,
  destination: Destination,
  manifest: Omit<Manifest, "readBack">,
  { overwrite }: { overwrite: boolean },
): Promise<Manifest> {
  const { path, place, runId } = destination;
  const readBack = await checkSize(remote, place, manifest.stored.bytes);
  if (place !== path) await replace(remote, destination, manifest.stored.bytes, overwrite);
  const committed = { ...manifest, readBack };
  const text = encodeManifest(committed);
  await put(remote, manifestPath(path), text, runId).catch((cause: unknown) => {
    if (!destination.taken) throw cause;
    throw new BackupError("upload", `${(cause as Error).message}, after ${path} was replaced`, {
      hint: `the new dump is whole at ${path}, without its manifest: run again, or restore it by --file ${path} --unverified`,
      cause,
    });
  });
  if (readBack) await checkSize(remote, manifestPath(path), Buffer.byteLength(text));
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
      hint: "the store or something before it loses data, or another run stores under this name: try again, and look at its logs",
    },
  );
}

/** What has the name before it is replaced. */
interface Earlier {
  readonly object: StoredObject | undefined;
  readonly manifest: string | undefined;
}

async function replace(
  remote: Remote,
  destination: Destination,
  bytes: number,
  overwrite: boolean,
): Promise<void> {
  const { path, place, taken } = destination;
  const earlier = taken ? await readEarlier(remote, path) : undefined;
  let failure: unknown;
  try {
    if (earlier?.manifest !== undefined) await remote.remove(manifestPath(path));
    // A name that was free and is not any more is another run's by now.
    await remote.move(place, path, { replace: overwrite && taken });
  } catch (error) {
    if (error instanceof RcloneFailure && error.nameTaken) throw error;
    const isForbidden = taken && error instanceof RcloneFailure && error.forbidden;
    failure = isForbidden ? mayNotReplace(path, error) : error;
  }
  await settle(remote, destination, bytes, earlier, failure);
}

function mayNotReplace(path: string, cause: RcloneFailure): BackupError {
  return new BackupError(
    "upload",
    `${path} is taken, and these credentials may not remove what is to be replaced: ${cause.message}`,
    { hint: "put the time into BACKUP_FILE_NAME, or let them remove objects", cause },
  );
}

async function readEarlier(remote: Remote, path: string): Promise<Earlier> {
  const name = manifestPath(path);
  const found = await remote.find([name, path]);
  return { object: found.get(path), manifest: found.has(name) ? await remote.read(name) : undefined };
}

/**
 * Looks at what a replacement has left. An answer may be lost after the deed; most remotes remove the object that has the
 * name before they rename the other; on S3 rclone calls the move of an object that is not there a success; and some store may call
 * done what it did not do. Returns if
 * the new object has its name. If the earlier one still has it, its manifest is put back beside it.
 * @param failure what the replacement failed with, if it did
 */
async function settle(
  remote: Remote,
  destination: Destination,
  bytes: number,
  earlier: Earlier | undefined,
  failure: unknown,
): Promise<void> {
  const { path, place, runId } = destination;
  const { atomic } = await remote.traits();
  let found: Map<string, StoredObject>;
  try {
    found = await remote.find([path, place, manifestPath(path)]);
  } catch {
    if (failure === undefined) return; // it may not be asked, and was said to go well
    throw new UploadKept(destination, failure);
  }
  const now = found.get(path);
  const unchanged = earlier?.object === undefined ? now === undefined : isSameObject(earlier.object, now);
  // Times of a second or a minute cannot tell two objects of one size apart. Then a rename that went well is believed, unless what it
  // was to take away is still there.
  const inDoubt = failure === undefined && !atomic ? found.has(place) : true;
  const moved = !(unchanged && inDoubt) && (failure === undefined || !found.has(place));
  if (moved && now?.bytes === bytes) return;
  const outcome = found.has(place)
    ? "is still there after the store said that it was moved"
    : "vanished before it had its name";
  const reason = failure ?? new BackupError("upload", `${place} ${outcome}`);
  if (!unchanged) throw found.has(place) ? new UploadKept(destination, reason) : reason;
  if (earlier?.manifest !== undefined && !found.has(manifestPath(path))) {
    await put(remote, manifestPath(path), earlier.manifest, runId).catch(() => {
      throw new UploadKept(destination, reason);
    });
  }
  throw reason;
}
