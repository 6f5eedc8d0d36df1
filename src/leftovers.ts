import { jobOfPartial } from "./destination.ts";
import { isSameObject, type Remote, type StoredObject } from "./remote.ts";
import type { Spool } from "./spool.ts";

/** Clears away what runs of these jobs abandoned, and returns what that was. */
export type Sweep = (jobs: ReadonlySet<string>) => Promise<string[]>;

/**
 * Notes what earlier runs of these jobs left of uploads that did not finish. The sweep, at the end of a good run,
 * removes what has not changed since: that nobody is writing any more.
 */
export async function noteAbandonedUploads(remote: Remote, jobs: ReadonlySet<string>): Promise<Sweep> {
  const ofJobs = (objects: StoredObject[], of: ReadonlySet<string>): StoredObject[] =>
    objects.filter(({ path }) => of.has(jobOfPartial(path) ?? ""));
  const before = ofJobs(await remote.list("*.partial"), jobs);
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
export async function noteAbandonedDumps(spool: Spool, jobs: ReadonlySet<string>): Promise<Sweep> {
  const before = await spool.unfinished(jobs);
  return async (good) => {
    const now = await spool.unfinished(good);
    const abandoned = [...before]
      .filter(([runId, state]) => now.get(runId) === state)
      .map(([runId]) => runId);
    for (const runId of abandoned) await spool.remove(runId);
    return abandoned;
  };
}
