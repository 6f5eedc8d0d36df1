import { randomBytes } from "node:crypto";
import type { Context } from "../context.ts";
import { BackupError } from "../errors.ts";
import { RcloneFailure } from "../rclone/failure.ts";
import type { Note } from "./finding.ts";
import { putTrialObject, trialText } from "./trial-object.ts";
import { tryWritingOnly } from "./write-only-trial.ts";

/**
 * Writes an object, looks at it, and removes it, as far as these credentials may.
 * @throws BackupError `upload` if it cannot be written, or reads back differently; `remote` if the store is in trouble
 */
export async function tryWriting(context: Context, note: Note): Promise<void> {
  const { remote, signal } = context;
  const path = `rcdump-check-${randomBytes(6).toString("hex")}.txt`;
  const mayLook = await isAllowed(remote.find([path], signal));
  if (!mayLook) return tryWritingOnly(context, note);
  await putTrialObject(remote, path, trialText);
  let seen: string | undefined;
  const mayRead = await isAllowed(remote.read(path, signal).then((text) => (seen = text)));
  const mayRemove = await isAllowed(remote.remove(path));
  if (mayRead && seen !== trialText)
    throw new BackupError("upload", "what was written reads back differently");
  if (mayRead && mayRemove)
    return note({ state: "ok", detail: "an object can be written, read and removed" });
  const denied = [...(mayRead ? [] : ["read"]), ...(mayRemove ? [] : ["removed"])];
  note({
    state: "warning",
    detail: `an object can be written, but not ${denied.join(" or ")}${mayRemove ? "" : `: ${path} stays there`}`,
    hint: `backups under names that are free can be made; ${mayRead ? "" : "verify, restore, "}prune and a name that is taken need other credentials`,
  });
}

/** Whether credentials sufficed; other failures are the caller's. */
async function isAllowed(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof RcloneFailure && error.forbidden) return false;
    throw error;
  }
}
