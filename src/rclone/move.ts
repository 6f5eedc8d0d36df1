import { setTimeout as delay } from "node:timers/promises";
import { RcloneFailure } from "./failure.ts";
import { run } from "../subprocess.ts";
import { quickStart, type Rclone } from "./rclone.ts";

/**
 * A move is the last thing but one of a backup and is not cancelled, so it has to end by itself. rclone multiplies its retries: with
 * its own settings it would wait for a store that hangs for more than a day.
 */
const boundedPatience = {
  ...quickStart,
  RCLONE_LOW_LEVEL_RETRIES: "3",
  RCLONE_RETRIES: "2",
  RCLONE_TIMEOUT: "2m",
};

/** How often a rename is tried whose object is still where it was. */
const tries = 3;

/** Before it is tried again, in milliseconds. */
const pause = 1000;

/**
 * Gives an object another name.
 * @param how.atomic whether the store copies and removes; others rename
 * @param how.isThere whether an object of the first name is there; undefined if that cannot be told
 */
export async function moveObject(
  rclone: Rclone,
  from: string,
  to: string,
  how: {
    replace: boolean;
    atomic: boolean;
    isThere: () => Promise<boolean | undefined>;
  },
): Promise<void> {
  const { replace, atomic, isThere } = how;
  // Without --ignore-times rclone takes two objects of one size for the same where there are no times to compare, and drops the new one.
  const policy = replace ? ["--ignore-times"] : ["--ignore-existing", "--error-on-no-transfer"];
  // If the answer to a rename is lost and rclone asks again, there are servers (those made with golang.org/x/net/webdav) that remove what
  // has the name, and only then notice that nothing is there any more to be renamed. So it is looked at before.
  const once = atomic ? [] : ["--low-level-retries=1", "--retries=1"];
  const args = ["moveto", ...policy, ...once, rclone.address(from), rclone.address(to)];
  const command = rclone.command("upload", args, boundedPatience);
  for (let triesLeft = atomic ? 1 : tries; ;) {
    try {
      await run(command);
      return;
    } catch (error) {
      if (!(error instanceof RcloneFailure)) throw error;
      triesLeft--;
      const isLeft = await isThere();
      // rclone 1.60 counts no transfer for a rename, and says of one that took place that nothing was moved.
      if (error.nameTaken && isLeft === false) return;
      if (isLeft !== true || triesLeft === 0 || error.nameTaken || error.forbidden) throw error;
      await delay(pause);
    }
  }
}
