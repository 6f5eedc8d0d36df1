import { randomBytes } from "node:crypto";
import { z } from "zod";
import { put } from "./put.ts";
import { newRunId } from "./job.ts";
import { checksumOf, manifestPath } from "./manifest.ts";
import { isSameObject, type Remote, type StoredObject } from "./remote.ts";

/*
 * A backup is removed in two steps, its manifest first. A prune that is cut off between the two leaves an object
 * without a manifest, and such an object is nobody's to remove: it may be anything. So a prune notes beforehand what it is about to
 * remove, and the next one finishes what is noted.
 */

const name = /(^|\/)rcdump-prune-[0-9a-f]{12}\.json$/;

/** How long a note may be another prune's that has not begun yet to remove, in milliseconds. */
const patience = 24 * 3600 * 1000;

const schema = z.object({
  writtenAt: z.iso.datetime(),
  objects: z.array(z.object({ path: z.string(), bytes: z.int(), modified: z.string() })),
});

/** Whether an object is such a note. */
export function isPruneJournal(path: string): boolean {
  return name.test(path);
}

/** A backup that is to be removed, as it was when that was decided. */
export interface Doomed {
  readonly path: string;
  readonly bytes: number;
  /** Its manifest's. */
  readonly checksum: string;
}

interface Moment {
  readonly now: Date;
  readonly signal: AbortSignal;
}

/**
 * Removes backups, but for those that were replaced since. Cut off at any moment it leaves backups that are whole, and for
 * the next prune what remains of the others.
 * @returns the paths of those that were removed
 * @throws BackupError `remote` if the store refuses; then some of them are removed
 */
export async function removeBackups(
  remote: Remote,
  doomed: readonly Doomed[],
  { now, signal }: Moment,
): Promise<string[]> {
  if (doomed.length === 0) return [];
  const objects = await withoutReplaced(remote, doomed, signal);
  if (objects.length === 0) return [];
  const paths = objects.map(({ path }) => path);
  const journal = `rcdump-prune-${randomBytes(6).toString("hex")}.json`;
  const text = JSON.stringify({ writtenAt: now.toISOString(), objects });
  await put(remote, journal, `${text}\n`, newRunId(randomBytes(4).toString("hex"), now));
  await remote.removeAll(paths.map(manifestPath), signal);
  // A run may have stored one anew meanwhile.
  const orphans = await stillTheSame(remote, objects, signal);
  await remote.removeAll(orphans, signal);
  await remote.removeAll([journal], signal);
  return orphans;
}

/** The objects of those backups whose manifest and size are still the ones that were judged. */
async function withoutReplaced(
  remote: Remote,
  doomed: readonly Doomed[],
  signal: AbortSignal,
): Promise<StoredObject[]> {
  const paths = doomed.map(({ path }) => path);
  const [found, texts] = await Promise.all([
    remote.find(paths, signal),
    remote.readEach(paths.map(manifestPath), signal),
  ]);
  return doomed.flatMap(({ path, bytes, checksum }) => {
    const object = found.get(path);
    const isSame = object?.bytes === bytes && checksumOf(texts.get(manifestPath(path)) ?? "") === checksum;
    return object && isSame ? [object] : [];
  });
}

/**
 * Finishes what earlier prunes were cut off in. Of what is noted only objects go that have no manifest and that nobody has
 * written anew.
 * @param present the sizes of everything in the remote, by path
 * @returns the paths of what was removed
 * @throws BackupError `remote` if the store refuses: then a prune must not leave one more note, which nobody could remove
 */
export async function finishEarlierPrunes(
  remote: Remote,
  present: ReadonlyMap<string, number>,
  { now, signal }: Moment,
): Promise<string[]> {
  const removed: string[] = [];
  // In a folder below it is of another job's, and its paths are relative to that.
  for (const journal of [...present.keys()].filter((path) => isPruneJournal(path) && !path.includes("/"))) {
    const note = await readNote(remote, journal, signal);
    if (note === undefined) continue;
    const objects = note.objects.filter(({ path }) => present.has(path));
    const orphans = await stillTheSame(
      remote,
      objects.filter(({ path }) => !present.has(manifestPath(path))),
      signal,
    );
    await remote.removeAll(orphans, signal);
    removed.push(...orphans);
    const isSettled = orphans.length === objects.length;
    const hasNotBegun = objects.every(({ path }) => present.has(manifestPath(path)));
    const isOld = now.getTime() - note.writtenAt.getTime() > patience;
    if (isSettled || (hasNotBegun && isOld)) await remote.removeAll([journal], signal);
  }
  return removed;
}

interface Note {
  readonly writtenAt: Date;
  readonly objects: readonly StoredObject[];
}

/** Undefined if another prune has finished with it meanwhile. Nothing is done by a note that is damaged, and it goes. */
async function readNote(remote: Remote, journal: string, signal: AbortSignal): Promise<Note | undefined> {
  let text: string;
  try {
    text = await remote.read(journal, signal);
  } catch (error) {
    if ((await remote.find([journal], signal)).has(journal)) throw error;
    return undefined;
  }
  try {
    const { writtenAt, objects } = schema.parse(JSON.parse(text));
    return { writtenAt: new Date(writtenAt), objects };
  } catch {
    return { writtenAt: new Date(0), objects: [] };
  }
}

async function stillTheSame(
  remote: Remote,
  objects: readonly StoredObject[],
  signal: AbortSignal,
): Promise<string[]> {
  if (objects.length === 0) return [];
  const now = await remote.find(
    objects.flatMap(({ path }) => [path, manifestPath(path)]),
    signal,
  );
  return objects
    .filter((object) => isSameObject(object, now.get(object.path)) && !now.has(manifestPath(object.path)))
    .map(({ path }) => path);
}
