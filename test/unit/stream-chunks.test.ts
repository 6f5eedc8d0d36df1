import { describe, expect, test } from "vitest";
import { mayNotFit, planStream } from "../../src/stream-chunks.ts";

const mebi = 1024 ** 2;
const giga = 1e9;
const tera = 1e12;

type Given = Parameters<typeof planStream>[0];

const s3 = (options: Readonly<Record<string, string>> = {}): Given => [{ type: "s3", options }];

/** What keeps rclone's memory in bounds whatever the chunks. */
const thrift = { RCLONE_USE_MMAP: "true", RCLONE_TRANSFERS: "1" };

/** The size of the chunks in MiB, and how many are in memory. */
function chunks(backends: Given, bytes: number | undefined, prefix = "S3"): [number, number] {
  const { environment } = planStream(backends, bytes);
  return [
    Number(environment[`RCLONE_${prefix}_CHUNK_SIZE`]?.replace(/Mi$/, "")),
    Number(environment[`RCLONE_${prefix}_UPLOAD_CONCURRENCY`]),
  ];
}

describe("S3", () => {
  test.each([
    ["100 MB", giga / 10, 5, 4],
    ["26 GB, the most of rclone's own chunks", 26.2 * giga, 5, 4],
    ["27 GB", 27 * giga, 6, 4],
    ["80 GB", 80 * giga, 16, 4],
    ["160 GB", 160 * giga, 31, 2],
    ["1 TB", tera, 191, 1],
    ["5 TB", 5 * tera, 954, 1],
    ["unknown", undefined, 32, 2],
  ])("%s", (_, bytes, chunk, concurrency) => {
    expect(chunks(s3(), bytes)).toEqual([chunk, concurrency]);
  });

  test("twice a database of any size fits into 10,000 parts of up to 5 GiB, until 10,000 of those are not enough", () => {
    for (let bytes = giga; bytes < 26 * tera; bytes *= 1.1) {
      const [chunk] = chunks(s3(), bytes);
      expect(chunk).toBeLessThanOrEqual(5 * 1024);
      expect(Math.ceil((2 * bytes) / (chunk * mebi))).toBeLessThanOrEqual(10_000);
      expect(mayNotFit(bytes, planStream(s3(), bytes))).toBeUndefined();
    }
    expect(chunks(s3(), 30 * tera)).toEqual([5 * 1024, 1]);
    expect(mayNotFit(30 * tera, planStream(s3(), 30 * tera))).toEqual({
      message: "the store takes at most 53.7 TB as one stream",
      hint: "set BACKUP_SPOOL_DIR to a folder that has room for the dump",
    });
  });

  test("no more than 64 MiB of chunks are in memory where one is not larger", () => {
    for (let bytes = giga; bytes < 26 * tera; bytes *= 1.1) {
      const [chunk, concurrency] = chunks(s3(), bytes);
      expect(chunk * concurrency).toBeLessThanOrEqual(Math.max(64, chunk));
    }
  });

  test("a store that takes fewer parts", () => {
    expect(chunks(s3({ provider: "Scaleway" }), 26 * giga)).toEqual([50, 1]);
    expect(chunks(s3({ max_upload_parts: "100" }), giga)).toEqual([20, 3]);
  });

  test.each([
    ["5M", 5 * mebi],
    ["64Mi", 64 * mebi],
    ["1G", 1024 * mebi],
    ["8192", 8 * mebi],
    ["5242880b", 5 * mebi],
  ])("a size that the user set stays: %s", (chunk_size, bytes) => {
    const plan = planStream(s3({ chunk_size }), tera);
    expect(plan).toEqual({ most: 10_000 * bytes, setByUser: true, environment: thrift });
  });

  test("one that is too small is told, and what to do", () => {
    const plan = planStream(s3({ chunk_size: "5M" }), 30 * giga);
    expect(mayNotFit(30 * giga, plan)).toEqual({
      message: "the store takes at most 52.4 GB as one stream in chunks of the size that is set",
      hint: "unset chunk_size, so that it is chosen to fit; or set BACKUP_SPOOL_DIR to a folder that has room for the dump",
    });
    expect(mayNotFit(26 * giga, plan)).toBeUndefined();
    expect(mayNotFit(undefined, plan)).toBeUndefined();
  });

  test("how many are sent at once stays, if the user set it", () => {
    expect(planStream(s3({ upload_concurrency: "9" }), tera).environment).toEqual({
      RCLONE_S3_CHUNK_SIZE: "191Mi",
      ...thrift,
    });
  });
});

test("stores of other kinds", () => {
  expect(chunks([{ type: "azureblob", options: {} }], 5 * tera, "AZUREBLOB")).toEqual([191, 1]);
  expect(chunks([{ type: "azureblob", options: {} }], 90 * giga, "AZUREBLOB")).toEqual([4, 16]);
  expect(chunks([{ type: "b2", options: {} }], giga, "B2")).toEqual([16, 4]);
  expect(chunks([{ type: "oracleobjectstorage", options: {} }], tera, "OOS")).toEqual([191, 1]);
});

test("stores that do not count", () => {
  const plan = { most: undefined, setByUser: false, environment: {} };
  for (const type of ["local", "sftp", "swift", "google cloud storage"])
    expect(planStream([{ type, options: {} }], 90 * tera)).toEqual(plan);
  expect(planStream([], undefined)).toEqual(plan);
  expect(mayNotFit(90 * tera, plan)).toBeUndefined();
});

describe("several stores below one remote", () => {
  test("each kind has chunks of its own; the tightest says how much it can be", () => {
    const both = [...s3({ chunk_size: "5M" }), { type: "azureblob", options: {} }];
    const plan = planStream(both, tera);
    expect(plan).toMatchObject({ most: 10_000 * 5 * mebi, setByUser: true });
    expect(plan.environment).toMatchObject({ RCLONE_AZUREBLOB_CHUNK_SIZE: "39Mi" });
    expect(plan.environment).not.toHaveProperty("RCLONE_S3_CHUNK_SIZE");
  });

  test("two of one kind share a variable, which never overrides what one of them was given", () => {
    expect(planStream([...s3(), ...s3({ chunk_size: "64M" })], tera)).toEqual({
      most: 10_000 * 5 * mebi,
      setByUser: true,
      environment: thrift,
    });
    expect(chunks([...s3(), ...s3({ max_upload_parts: "1000" })], 50 * giga)).toEqual([96, 1]);
  });
});
