import { BackupError } from "./errors.ts";
import { jobOfRun } from "./job.ts";
import { manifestPath } from "./manifest.ts";
import { RcloneFailure } from "./rclone/failure.ts";
import type { Remote } from "./remote.ts";

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
export function partialPath(path: string, runId: string): string {
  return `${path}.${runId}.partial`;
}

/** The run that an unfinished upload belongs to; undefined for a path that is none of ours. */
export function runOfPartial(path: string): string | undefined {
  return /\.([0-9a-f]{8}-[0-9a-z]{8}[0-9a-f]{4})\.partial$/.exec(path)?.[1];
}

/** The job that it belongs to. */
export function jobOfPartial(path: string): string | undefined {
  const runId = runOfPartial(path);
  return runId === undefined ? undefined : jobOfRun(runId);
}

/**
 * Looks whether names are free, and settles where to upload to. This is also the first time that the store is asked.
 * @throws BackupError `configuration` if two names are one to this store, `upload` if a name is taken and may not be replaced, `remote` if
 * the store does not answer
 */
export async function reserve(
  remote: Remote,
  wanted: readonly { path: string; runId: string }[],
  { overwrite, signal }: { overwrite: boolean; signal?: AbortSignal | undefined },
): Promise<Destination[]> {
  const { atomic } = await remote.traits(signal);
  const paths = wanted.map(({ path }) => path);
  await refuseNamesakes(remote, paths, signal);
  const found = await existing(
    remote,
    paths.flatMap((path) => [path, manifestPath(path)]),
    { overwrite, signal },
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

/**
 * Where the case of letters counts for nothing one database's backup would be stored over another's.
 * @throws BackupError `configuration` if that would be so with two of these paths, or with one and an object that is there
 */
export async function refuseNamesakes(
  remote: Remote,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  if (!(await remote.traits(signal)).ignoresCase) return;
  const there = (await remote.findAnyCase(paths, signal)).map(({ path }) => path);
  const taken = new Map(there.map((path) => [path.toLowerCase(), path]));
  for (const path of paths) {
    const other = taken.get(path.toLowerCase());
    if (other !== undefined && other !== path)
      throw new BackupError(
        "configuration",
        `${path} and ${other} are one name to this store, which takes no notice of the case of letters`,
        {
          hint: "back one of the two up in a run of its own, with another UPLOAD_PREFIX or BACKUP_FILE_NAME",
        },
      );
    taken.set(path.toLowerCase(), path);
  }
}

/** Credentials that may only write cannot ask; then nothing is known to exist, which will not do where nothing may be replaced. */
async function existing(
  remote: Remote,
  paths: readonly string[],
  { overwrite, signal }: { overwrite: boolean; signal?: AbortSignal | undefined },
): Promise<ReadonlyMap<string, unknown>> {
  const isRefusal = (error: unknown): error is RcloneFailure =>
    error instanceof RcloneFailure && error.forbidden;
  try {
    // A refusal that passes is none of the credentials', and what has the name would be replaced unseen for it.
    return await remote.find(paths, signal).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      return remote.find(paths, signal);
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (overwrite) return new Map();
    throw new BackupError(
      "upload",
      `BACKUP_OVERWRITE=false, and these credentials may not look whether a name is taken: ${error.message}`,
      {
        hint: "let them list the folder, or put the time into BACKUP_FILE_NAME and leave BACKUP_OVERWRITE unset",
        cause: error,
      },
    );
  }
}
