import { put } from "../put.ts";
import { BackupError } from "../errors.ts";
import { RcloneFailure } from "../rclone/failure.ts";
import type { Remote } from "../remote.ts";

/** What is written, for whoever comes upon it. */
export const trialText = "rcdump check: this may be removed\n";

/**
 * Writes a small object.
 * @throws BackupError `upload` if the credentials may not; what else is wrong as the remote says it
 */
export async function putTrialObject(remote: Remote, path: string, text: string): Promise<void> {
  try {
    await put(remote, path, text, "check");
  } catch (error) {
    if (!(error instanceof RcloneFailure && error.forbidden)) throw error;
    throw new BackupError("upload", error.message, { hint: error.hint, cause: error });
  }
}
