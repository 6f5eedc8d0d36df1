import { jobOfPartial } from "./destination.ts";
import { isSameObject, type Remote, type StoredObject } from "./remote.ts";
import type { Spool } from "./spool.ts";
import { removeTemporaryFolder, temporaryFoldersOf } from "./temporary-folder.ts";

/** Clears away what runs of these jobs abandoned, and returns what that was. */
export type Sweep = (jobs: ReadonlySet<string>) => Promise<string[]>;

/**
 * Notes what earlier runs of these jobs left of uploads that did not finish. The sweep, at the end of a good run,
 * removes what has not changed since: that nobody is writing any more.
 */
export async function noteAbandonedUploads(
  remote: Remote,
  jobs: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<Sweep> {
  const ofJobs = (objects: StoredObject[], of: ReadonlySet<string>): StoredObject[] =>
    objects.filter(({ path }) => of.has(jobOfPartial(path) ?? ""));
  const before = ofJobs(await remote.list("*.partial", signal), jobs);
  return async (good) => {
    const candidates = ofJobs(before, good);
    if (candidates.length === 0) return [];
    const now = await remote.find(candidates.map(({ path }) => path));
    const abandoned = candidates
      .filter((object) => isSameObject(object, now.get(object.path)))
      .map(({ path }) => path);
    // Together: one that cannot be removed is no obstacle to the others.
    await remote.removeAll(abandoned);
    return abandoned;
  };
}

/** The same for the dumps in the spool folder that were never finished. */
export function noteAbandonedDumps(spool: Spool, jobs: ReadonlySet<string>): Promise<Sweep> {
  return noteUnchanging(
    (of) => spool.unfinished(of),
    (runId) => spool.remove(runId),
    jobs,
  );
}

/** The same for what rclone spooled in the temporary folder. */
export function noteAbandonedFolders(jobs: ReadonlySet<string>): Promise<Sweep> {
  return noteUnchanging(temporaryFoldersOf, removeTemporaryFolder, jobs);
}

/** @param look gives what there is of some jobs, each with a mark that changes while it is being written */
async function noteUnchanging(
  look: (jobs: ReadonlySet<string>) => Map<string, string> | Promise<Map<string, string>>,
  remove: (name: string) => void | Promise<void>,
  jobs: ReadonlySet<string>,
): Promise<Sweep> {
  const before = await look(jobs);
  return async (good) => {
    const now = await look(good);
    const abandoned = [...before].filter(([name, mark]) => now.get(name) === mark).map(([name]) => name);
    for (const name of abandoned) await remove(name);
    return abandoned;
  };
}
