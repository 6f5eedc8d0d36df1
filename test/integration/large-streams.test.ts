/**
 * Streams into a store that takes few chunks of each: twelve, where S3 takes 10,000. rclone knows such stores by `max_upload_parts`.
 */
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { watchMemory } from "../fixtures/memory.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";

const maxParts = 12;
let server: PostgresServer;
let s3: S3Server;

beforeAll(async () => {
  [server, s3] = await Promise.all([startPostgres(), startS3("store", { maxParts })]);
  await server.createDatabase("app");
  // 40 MB that nothing compresses; a dump of them has 80 MB, for it writes them as digits. Twelve chunks of 5 MiB are 63 MB.
  await server.psql(
    "app",
    `CREATE TABLE noise (bytes bytea); ALTER TABLE noise ALTER bytes SET STORAGE external;
     INSERT INTO noise SELECT string_agg(sha512(random()::text::bytea), '') FROM generate_series(1, 625000) n GROUP BY n % 100`,
  );
});
afterAll(() => Promise.all([server.stop(), s3.stop()]));

/** A bucket of its own. */
async function settings(bucket: string, variables: Variables = {}): Promise<Variables> {
  await s3.createBucket(bucket);
  return {
    ...s3.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_COMPRESSION: "none",
    BACKUP_FILE_NAME: "${DB}",
    UPLOAD_PREFIX: bucket,
    RCLONE_S3_MAX_UPLOAD_PARTS: String(maxParts),
    ...variables,
  };
}

async function rclone(env: Variables, ...args: readonly string[]): Promise<string> {
  return (await execa("rclone", args, { env: { PATH: process.env["PATH"], ...env }, extendEnv: false }))
    .stdout;
}

/** The names and sizes of all objects. */
const objects = async (env: Variables, bucket: string): Promise<string[]> =>
  (await rclone(env, "lsf", "--format=ps", `store:${bucket}`)).split("\n").filter((line) => line !== "");

/** Exactly what was stored is what the manifest says, and ends as a dump does. */
async function expectWhole(env: Variables, object: string): Promise<void> {
  const manifest = JSON.parse(await rclone(env, "cat", `${object}.manifest.json`)) as {
    stored: { bytes: number };
  };
  expect(manifest.stored.bytes).toBeGreaterThan(80_000_000);
  expect(JSON.parse(await rclone(env, "size", "--json", object))).toMatchObject({
    bytes: manifest.stored.bytes,
  });
  expect(await rclone(env, "cat", "--tail=200", object)).toContain("PostgreSQL database dump complete");
}

const own = { RCLONE_S3_CHUNK_SIZE: "5Mi" };
const warning = "the store takes at most 62.9 MB as one stream in chunks of the size that is set";
const hint =
  "unset chunk_size, so that it is chosen to fit; or set BACKUP_SPOOL_DIR to a folder that has room for the dump";

describe("with chunks of the size that rclone takes by itself", () => {
  test("a dump fails at the store's limit: it is told before, and nothing is left", async () => {
    const env = await settings("small", own);
    const { exitCode, log, message } = await rcdump(env);
    expect(exitCode).toBe(21);
    expect(log[0]).toMatchObject({
      level: "warn",
      database: "app",
      msg: `the dump of app may not fit: ${warning}`,
      hint,
    });
    expect(message).toMatch(/^upload to store failed: .*Part number must be an integer between 1 and 12/);
    expect(message).toMatch(/hint: the dump has more chunks than the store takes: unset chunk_size/);
    expect(await objects(env, "small")).toEqual([]);
    expect(await s3.pendingUploads("small")).toEqual([]);
  });

  test("check says so", async () => {
    const { exitCode, stdout } = await rcdump(await settings("checked", own), ["check"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`app may not fit: ${warning}\n`);
    expect(stdout).toContain(`→ ${hint}`);
  });

  test("by way of the spool folder it is stored: rclone knows then how long it is", async () => {
    const env = await settings("staged", { ...own, BACKUP_SPOOL_DIR: temporaryFolder("spool") });
    const { exitCode, log } = await rcdump(env);
    expect({ exitCode, levels: log.map(({ level }) => level) }).toEqual({ exitCode: 0, levels: ["info"] });
    await expectWhole(env, "store:staged/app.sql");
  });
});

describe("with chunks of the size that rcdump chooses", () => {
  test("the same dump is stored, in bounded memory", async () => {
    const env = await settings("chosen");
    const run = startRcdump(env);
    const peak = watchMemory(run.pid);
    const { exitCode, log } = await run.outcome;
    const { bytes, processes } = peak();
    expect({ exitCode, levels: log.map(({ level }) => level) }).toEqual({ exitCode: 0, levels: ["info"] });
    expect(bytes, processes.join(" ")).toBeLessThan(300_000_000);
    await expectWhole(env, "store:chosen/app.sql");
    expect((await rcdump(env, ["check"])).stdout).not.toContain("may not fit");
  });

  test("also through crypt over alias", async () => {
    const { stdout: password } = await execa("rclone", ["obscure", "a passphrase for this test"]);
    const env = await settings("crypt", {
      RCLONE_CONFIG_CRYPT_TYPE: "crypt",
      RCLONE_CONFIG_CRYPT_REMOTE: "beneath:",
      RCLONE_CONFIG_CRYPT_PASSWORD: password,
      RCLONE_CONFIG_BENEATH_TYPE: "alias",
      RCLONE_CONFIG_BENEATH_REMOTE: "store:crypt",
      REMOTE_NAME: "crypt",
      UPLOAD_PREFIX: "",
    });
    expect((await rcdump(env)).exitCode).toBe(0);
    await expectWhole(env, "crypt:app.sql");
  });
});

test("a size in rclone's configuration file is found there", async () => {
  const file = join(temporaryFolder("config"), "rclone.conf");
  const create = ["config", "create", "store", "s3", "chunk_size=6Mi", "--non-interactive"];
  await rclone({ RCLONE_CONFIG: file }, ...create);
  const env = await settings("file", { RCLONE_CONFIG: file });
  expect((await rcdump(env, ["check"])).stdout).toContain("app may not fit: the store takes at most 75.5 MB");
});
