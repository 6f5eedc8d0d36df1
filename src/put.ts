import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { partialPath } from "./destination.ts";
import { RcloneFailure } from "./rclone/failure.ts";
import type { Remote } from "./remote.ts";
import { withSubprocesses } from "./subprocess.ts";

/** How long removing what a failed upload left may take, in milliseconds: it must fit into a grace period. */
export const discardWithin = 5000;

/** Writes a small object, which appears whole or not at all. The name is free. */
export async function put(remote: Remote, path: string, text: string, runId: string): Promise<void> {
  const { atomic } = await remote.traits();
  const place = atomic ? path : partialPath(path, runId);
  try {
    await write(remote, place, text);
  } catch (error) {
    // On a disk that is full its beginning would stay.
    if (place !== path) await remote.discard(place, AbortSignal.timeout(discardWithin)).catch(() => {});
    throw error;
  }
  if (place === path) return;
  try {
    await remote.move(place, path, { replace: true });
  } catch (error) {
    // The answer may have been lost after the deed.
    const now = await remote.read(path).catch(() => undefined);
    if (now !== text) throw error;
  }
}

/** How often a small object is written: after hours of uploading no trouble that passes is to undo it all. */
const writeTries = 3;

/** Before it is written again, in milliseconds. */
const pauseBetweenTries = 1000;

/** What has taken longer than this to fail, in milliseconds, does not pass quickly. */
const triesWithin = 10_000;

async function write(remote: Remote, place: string, text: string): Promise<void> {
  const start = performance.now();
  for (let triesLeft = writeTries - 1; ; triesLeft--) {
    try {
      await withSubprocesses(undefined, async (children) => {
        await pipeline(Readable.from([Buffer.from(text)]), await remote.write(place, children));
      });
      return;
    } catch (error) {
      const mayPass = error instanceof RcloneFailure && !error.forbidden;
      if (!mayPass || triesLeft === 0 || performance.now() - start > triesWithin) throw error;
      await delay(pauseBetweenTries);
    }
  }
}
