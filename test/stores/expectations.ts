import type { RemoteTraits } from "../../src/remote.ts";
import type { SubjectName } from "./subject.ts";

/** How a kind of store differs from others. */
export interface Expectation {
  readonly traits: Omit<RemoteTraits, "description">;
  /** What rclone calls it. */
  readonly description: RegExp;
  /** The longest name of an object that can be stored and replaced, if it is less than 200 characters. */
  readonly longestName?: number;
  /** Whether a slow network can be put before it. */
  readonly slowly?: true;
  /** Whether there is no way to see an upload that goes on. */
  readonly hidesUploads?: true;
  /** What stays of an upload when rclone itself is killed, out of our reach. */
  readonly leavesWhenKilled?: "parts" | "segments" | "hidden chunks" | "what rclone cannot remove";
}

/** An object appears when its upload is complete. */
const bucket = {
  atomic: true,
  local: false,
  concurrent: true,
  streams: true,
  ignoresCase: false,
  keepsParts: false,
};
const s3 = { ...bucket, keepsParts: true };
/** A file grows while it is written. */
const files = { ...bucket, atomic: false, concurrent: false };
const disk = { ...files, local: true };
const memory = { ...disk, local: true };

export const expected: Record<SubjectName, Expectation> = {
  "memory, as S3": {
    traits: { ...memory, atomic: true, keepsParts: true },
    description: /memory/,
    hidesUploads: true,
  },
  "memory, as files": { traits: memory, description: /memory/ },
  local: { traits: disk, description: /^Local file system/ },
  s3: { traits: s3, description: /^S3 bucket backups/, slowly: true },
  "s3 by policy": { traits: s3, description: /^S3 bucket backups/ },
  "s3 of swift": { traits: s3, description: /^S3 bucket backups/, slowly: true },
  swift: {
    traits: bucket,
    description: /^Swift container backups/,
    leavesWhenKilled: "segments",
    slowly: true,
  },
  azure: {
    traits: bucket,
    description: /^Azure container backups/,
    hidesUploads: true,
    slowly: true,
  },
  sftp: { traits: files, description: /^sftp:/, slowly: true },
  "sftp, absolute": { traits: files, description: /^sftp:/ },
  ftp: { traits: files, description: /^ftp:/, slowly: true },
  smb: { traits: { ...files, ignoresCase: true }, description: /^smb:/, slowly: true },
  "webdav of apache": {
    traits: { ...files, streams: false },
    description: /^webdav/,
    hidesUploads: true,
    slowly: true,
  },
  "webdav of rclone": {
    traits: { ...files, streams: false },
    description: /^webdav/,
    hidesUploads: true,
    slowly: true,
  },
  "crypt over local": { traits: files, description: /^Encrypted/, longestName: 99 },
  "crypt over s3": { traits: bucket, description: /^Encrypted/, leavesWhenKilled: "parts" },
  chunker: { traits: files, description: /^Chunked/, leavesWhenKilled: "hidden chunks", longestName: 187 },
  compress: {
    traits: files,
    description: /^Compressed/,
    leavesWhenKilled: "what rclone cannot remove",
    longestName: 196,
  },
  union: { traits: files, description: /^union/ },
  combine: { traits: files, description: /^combine/ },
  alias: { traits: disk, description: /^Local file system/ },
};
