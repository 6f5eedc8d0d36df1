import { randomBytes } from "node:crypto";
import { z } from "zod";
import { put } from "./commit.ts";
import { newRunId } from "./job.ts";
import { manifestPath } from "./manifest.ts";
import { isSameObject, type Remote, type StoredObject } from "./remote.ts";

/*
 * A backup is removed in two steps, its manifest first. A prune that is cut off between the two leaves an object
 * without a manifest, and such an object is nobody's to remove: it may be anything. So a prune notes beforehand what it is about to
 * remove, and the next one finishes what is noted.
 */

const name = /(^|\/)rcdump-prune-[0-9a-f]{12}\.json$/;

const schema = z.object({
  writtenAt: z.iso.datetime(),
  objects: z.array(z.object({ path: z.string(), bytes: z.int(), modified: z.string() })),
});

/** How long a note is left that another prune may be working by, in milliseconds. */
const patience = 24 * 3600 * 1000;

/** Whether an object is such a note. */
export function isPruneJournal(path: string): boolean {
  return name.test(path);
}

/**
 * Removes backups. Cut off at any moment it leaves backups that are whole, and for the next prune what remains of the others.
 * @throws BackupError `remote` if the store refuses; then some of them are removed
 */
export async function removeBackups(
  remote: Remote,
  paths: readonly string[],
  { now, signal }: { now: Date; signal: AbortSignal },
): Promise<void> {
  const objects = [...(await remote.find(paths, signal)).values()];
  const journal = `rcdump-prune-${randomBytes(6).toString("hex")}.json`;
  const text = JSON.stringify({ writtenAt: now.toISOString(), objects });
  await put(remote, journal, `${text}\n`, newRunId(randomBytes(4).toString("hex"), now));
  await remote.removeAll(paths.map(manifestPath), signal);
  await remote.removeAll(paths, signal);
  await remote.removeAll([journal], signal);
}

/**
 * Finishes what earlier prunes were cut off in. Of what is noted only objects go that have no manifest and that nobody has
 * written anew.
 * @param present the sizes of everything in the remote, by path
 * @returns what was removed
 */
export async function finishEarlierPrunes(
  remote: Remote,
  present: ReadonlyMap<string, number>,
  { now, signal }: { now: Date; signal: AbortSignal },
): Promise<string[]> {
  const removed: string[] = [];
  for (const journal of [...present.keys()].filter(isPruneJournal)) {
    const note = readNote(await remote.read(journal, signal));
    const objects = note.objects.filter(({ path }) => present.has(path));
    const orphans = await stillTheSame(
      remote,
      objects.filter(({ path }) => !present.has(manifestPath(path))),
      signal,
    );
    await remote.removeAll(orphans, signal);
    removed.push(...orphans);
    const isSettled = orphans.length === objects.length;
    if (isSettled || now.getTime() - note.writtenAt.getTime() > patience)
      await remote.removeAll([journal], signal);
  }
  return removed;
}

/** A note that cannot be read is as old as can be: nothing is done by it, and it goes. */
function readNote(text: string): { writtenAt: Date; objects: StoredObject[] } {
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
