import type { Context } from "../context.ts";
import { BackupError } from "../errors.ts";
import type { Note } from "./finding.ts";
import { putTrialObject, trialText } from "./trial-object.ts";

/** What may not be looked at may not be removed either: there is one such object for all times. */
const path = "rcdump-check.txt";

/** So long that rclone streams it as it streams a dump. */
const streamedLength = 200_000;

/**
 * Writes an object with credentials that may not look at it, and notes what they do not suffice for.
 * @throws BackupError `upload` if they may not write, or not in the way that a dump is written
 */
export async function tryWritingOnly({ remote, config }: Context, note: Note): Promise<void> {
  const { fileName, spoolFolder } = config;
  // From the spool folder a dump is not streamed.
  if (spoolFolder === undefined) await tryStreaming(remote);
  else await putTrialObject(remote, path, trialText);
  const isTimeless = fileName !== undefined && !fileName.includes("%");
  note({
    state: "warning",
    detail: `an object can be written, but these credentials may not look at what is there: ${path} stays there${isTimeless ? "; BACKUP_FILE_NAME has no time in it, and an earlier backup would be replaced before the new one is complete" : ""}`,
    hint: `${isTimeless ? "put the time into BACKUP_FILE_NAME; " : ""}list, verify, restore, prune and status need other credentials`,
  });
}

/** rclone 1.60 wants to see what it has streamed, but not what it has sent in one piece. */
async function tryStreaming(remote: Context["remote"]): Promise<void> {
  try {
    await putTrialObject(remote, path, trialText.padEnd(streamedLength));
  } catch (error) {
    const mayWrite = await putTrialObject(remote, path, trialText).then(
      () => true,
      () => false,
    );
    if (!mayWrite) throw error;
    throw new BackupError(
      "upload",
      `these credentials may write, but not stream: ${(error as Error).message}`,
      { hint: "set BACKUP_SPOOL_DIR to a local folder, or use a newer rclone", cause: error },
    );
  }
}
