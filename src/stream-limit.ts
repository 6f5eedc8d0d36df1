import type { Environment } from "./environment.ts";

/**
 * Uploads of unknown size go in chunks of one size, and a store takes so many of them. Sources: Amazon S3 "Multipart
 * upload limits", rclone's `--s3-chunk-size`.
 */
const s3 = { parts: 10_000, chunk: 5 * 1024 * 1024 };

const units: Record<string, number> = { "": 1024, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * The most that can be streamed into one object, in bytes; undefined where there is no limit worth naming.
 * @param description the remote, as rclone describes it
 */
export function streamLimit(description: string, environment: Environment): number | undefined {
  if (!description.startsWith("S3 ")) return undefined;
  return s3.parts * (readSize(environment["RCLONE_S3_CHUNK_SIZE"] ?? "") ?? s3.chunk);
}

/** A size as rclone takes it: `16M`, `16Mi`, `16384`; a bare number is in KiB. */
function readSize(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([bkmg]?)(?:i?b?)?$/i.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) * (units[unit.toLowerCase()] ?? 1);
}
