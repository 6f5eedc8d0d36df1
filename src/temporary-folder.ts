import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackupError, type Operation } from "./errors.ts";
import { jobOfRun } from "./job.ts";

const prefix = "rcdump-";

/** Whose folders no run is named by that has them: they are read at once. */
const manifests = "manifests";

/**
 * Makes a folder in the temporary folder that only this user can look into.
 * @param owner the id of the run whose dump lies there: by that a later run of the job knows what one that was killed has left
 * @throws BackupError if there is no place for one, as in a container whose file system is read-only
 */
export function makeTemporaryFolder(operation: Operation, owner = manifests): string {
  try {
    return mkdtempSync(join(tmpdir(), `${prefix}${owner}-`));
  } catch (cause) {
    throw noTemporaryFolder(operation, cause);
  }
}

/** Removes it with all that is in it. */
export function removeTemporaryFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** What to say when the temporary folder takes nothing. */
export function noTemporaryFolder(operation: Operation, cause: unknown): BackupError {
  return new BackupError(operation, `cannot write to the temporary folder ${tmpdir()}`, {
    hint: "mount a tmpfs there, or set TMPDIR to a folder that can be written to and has room",
    cause,
  });
}

/** The temporary folders of runs of these jobs, and those of manifests, each with a mark that changes while something is written there. */
export function temporaryFoldersOf(jobs: ReadonlySet<string>): Map<string, string> {
  const folders = foldersIn(tmpdir())
    .filter((name) => name.startsWith(prefix))
    .filter((name) => {
      const owner = name.slice(prefix.length).replace(/-[^-]*$/, "");
      return owner === manifests || jobs.has(jobOfRun(owner));
    })
    .map((name) => join(tmpdir(), name));
  return new Map(folders.map((folder) => [folder, markOf(folder)]));
}

/** None if there is no such folder, which streams do not need. */
function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((each) => each.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function markOf(folder: string): string {
  try {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return files.map((file) => `${file} ${stateOf(join(folder, file))}`).join("\n");
  } catch {
    return "gone";
  }
}

function stateOf(file: string): string {
  const state = statSync(file, { throwIfNoEntry: false });
  return `${state?.size} ${state?.mtimeMs}`;
}
