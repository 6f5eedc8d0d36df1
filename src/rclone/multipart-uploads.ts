import { z } from "zod";
import type { Rclone } from "./rclone.ts";

/** By bucket. */
const uploadsByBucket = z.record(
  z.string(),
  z.array(z.object({ Key: z.string(), Initiated: z.string() })).nullable(),
);

/**
 * The paths of uploads to S3 that began before a moment and were neither finished nor aborted.
 * @param description the remote's, as rclone has it
 */
export async function listMultipartUploads(
  rclone: Rclone,
  description: string,
  before: Date,
  signal?: AbortSignal,
): Promise<string[]> {
  const [, folder = ""] = /^S3 bucket \S+ path (.*)$/s.exec(description) ?? [];
  const answer = await rclone.ask(["backend", "list-multipart-uploads", rclone.address("")], { signal });
  const uploads = Object.values(uploadsByBucket.parse(JSON.parse(answer))).flatMap((each) => each ?? []);
  // A store looks for what begins with the folder's name: that may be another folder.
  const start = folder === "" ? "" : `${folder}/`;
  return uploads
    .filter(({ Key, Initiated }) => Key.startsWith(start) && Date.parse(Initiated) < before.getTime())
    .map(({ Key }) => Key.slice(start.length));
}

/** Aborts those among the uploads to this path of S3 that began before a moment. */
export async function abortMultipartUploads(
  rclone: Rclone,
  path: string,
  before: Date,
  signal?: AbortSignal,
): Promise<void> {
  const age = Math.max(0, Math.ceil((Date.now() - before.getTime()) / 1000));
  await rclone.ask(["backend", "cleanup", "-o", `max-age=${age}s`, rclone.address(path)], { signal });
}
