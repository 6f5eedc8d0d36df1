import { expect, test } from "vitest";
import { streamLimit } from "../../src/stream-limit.ts";

const mebi = 1024 ** 2;

test.each([
  [{}, 5 * mebi],
  [{ RCLONE_S3_CHUNK_SIZE: "16M" }, 16 * mebi],
  [{ RCLONE_S3_CHUNK_SIZE: "64Mi" }, 64 * mebi],
  [{ RCLONE_S3_CHUNK_SIZE: "1G" }, 1024 * mebi],
  [{ RCLONE_S3_CHUNK_SIZE: "8192" }, 8 * mebi],
])("a stream into S3 has at most 10,000 chunks: %j", (environment, chunk) => {
  expect(streamLimit("S3 bucket backups", environment)).toBe(10_000 * chunk);
});

test("a local folder has no limit of its own", () => {
  expect(streamLimit("Local file system at /backups", {})).toBeUndefined();
});
