import { z } from "zod";
import { RcloneFailure } from "./failure.ts";
import type { RemoteTraits } from "../remote.ts";
import { listObjects } from "./listing.ts";
import type { Rclone } from "./rclone.ts";

const backendFeatures = z.object({
  String: z.string(),
  Features: z.record(z.string(), z.boolean()),
});

/** How the remote stores, by what rclone says of its backend. */
export async function readTraits(rclone: Rclone, signal?: AbortSignal): Promise<RemoteTraits> {
  const { String: description, Features: has } = backendFeatures.parse(
    JSON.parse(await askFeatures(rclone, signal)),
  );
  // The rule that fitted every kind of remote tried: a bucket without a rename of its own commits by the upload's last request. SMB
  // calls its shares buckets, and is no such thing.
  const storesObjects = has["BucketBased"] === true && has["Move"] !== true && has["PartialUploads"] !== true;
  return {
    description,
    atomic: storesObjects,
    local: description.startsWith("Local file system"),
    folder: /^Local file system at (.*)$/s.exec(description)?.[1],
    concurrent: storesObjects,
    streams: has["PutStream"] === true,
    ignoresCase: has["CaseInsensitive"] === true,
    keepsParts: description.startsWith("S3 "),
  };
}

async function askFeatures(rclone: Rclone, signal?: AbortSignal): Promise<string> {
  try {
    return await rclone.ask(["backend", "features", rclone.address("")], { signal });
  } catch (error) {
    // Whatever goes wrong when rclone looks at the folder it tells as this; a listing says what it was.
    if (error instanceof RcloneFailure && /is a file not a directory/.test(error.message))
      await listObjects(rclone, ["--max-depth", "1"], { signal });
    throw error;
  }
}

/** Options for many objects at once. Connections are dear where each is a login: an SSH server refuses more than ten that are being opened. */
export function manyAtOnce({ concurrent }: RemoteTraits): string[] {
  const count = concurrent ? 64 : 8;
  return [`--checkers=${count}`, `--transfers=${count}`, "--use-server-modtime"];
}
