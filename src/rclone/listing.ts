import { z } from "zod";
import { SubprocessError } from "../program.ts";
import { RcloneFailure } from "./failure.ts";
import type { StoredObject } from "../remote.ts";
import type { Question, Rclone } from "./rclone.ts";

/**
 * rclone's exit code for a folder that does not exist. In that there is nothing then, but a union may lack it in one upstream
 * and have it in another; and a folder below may go while they are listed. rclone goes on after either. (What lay in a folder
 * that has gone is not listed: status sees it missing, and retention removes no more of the others for it.)
 */
const noSuchFolder = 3;

/** What rclone says of a folder that it could not list for another reason. */
const notListed = /^.*\bERROR\b.*error listing: (?!.*directory not found)/m;

/** Of a folder that every ext file system has at its root, and only root may read: nothing of ours is in it. rclone goes on. */
const notOurs = /\bERROR : (lost\+found: failed to open directory|Can't retry any of the errors)/;

/** A listing that was not cut off: with an end; of what does not exist rclone prints no more than the beginning. */
const wholeListing = /^(?:\s*\[?|.*\])\s*$/s;

const entry = z.object({ Path: z.string(), Size: z.int(), ModTime: z.string() });

/**
 * The objects in and below the folder.
 * @param filter options of rclone's that choose among them
 */
export async function listObjects(
  rclone: Rclone,
  filter: readonly string[],
  question: Question,
): Promise<StoredObject[]> {
  const args = ["lsjson", "-R", "--files-only", "--no-mimetype", ...filter, rclone.address("")];
  const answer = await evenIfMissing(rclone.ask(args, question), wholeListing);
  const entries = answer.includes("]") ? entry.array().parse(JSON.parse(answer)) : [];
  return entries.map(({ Path, Size, ModTime }) => ({ path: Path, bytes: Size, modified: ModTime }));
}

/**
 * An answer, or what was printed of one if all that went wrong was that a folder is missing, or a disk's own one may not be read.
 * @param whole what that must be like to count
 */
export async function evenIfMissing(answer: Promise<string>, whole = /^/): Promise<string> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RcloneFailure) || !(error.cause instanceof SubprocessError)) throw error;
    const { exitCode, stderr, stdout } = error.cause;
    const errors = stderr.split("\n").filter((line) => /\bERROR\b/.test(line));
    const isMissing = exitCode === noSuchFolder && !notListed.test(stderr);
    const isOthers = errors.length > 0 && errors.every((line) => notOurs.test(line));
    if (!(isMissing || isOthers) || !whole.test(stdout)) throw error;
    return stdout;
  }
}
