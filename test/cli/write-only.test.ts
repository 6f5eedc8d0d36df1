/** Credentials that may not do everything: those that may only write, and those that may not remove. Object Lock. */
import { execa } from "execa";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { pathWith } from "../fixtures/programs.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";
import { filesIn, type StoredManifest } from "../fixtures/store.ts";
import { restrict, type Statement } from "../fixtures/write-only.ts";

const bucket = ["arn:aws:s3:::backups", "arn:aws:s3:::locked"];
const objects = bucket.map((name) => `${name}/*`);
const allow = (Action: string[], Resource: string[]): Statement => ({ Effect: "Allow", Action, Resource });

const policies = {
  owner: [allow(["s3:*"], ["*"])],
  /** The least that a backup can be made with. */
  writer: [allow(["s3:PutObject"], objects)],
  /** What an immutable bucket comes to. */
  keeper: [
    allow(["s3:*"], ["*"]),
    { Effect: "Deny", Action: ["s3:DeleteObject", "s3:DeleteObjectVersion"], Resource: objects },
  ],
  /** The right to create buckets is what most lack. */
  usual: [
    allow(["s3:ListBucket"], bucket),
    allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], objects),
  ],
} satisfies Record<string, Statement[]>;

let database: PostgresServer;
let s3: S3Server;
let users: Record<keyof typeof policies, Variables>;

beforeAll(async () => {
  [database, s3] = await Promise.all([startPostgres(), startS3()]);
  await s3.createBucket("backups");
  await createLockedBucket("locked");
  users = await restrict(s3, policies);
  for (const [name, rows] of Object.entries({ small: 10, large: 200_000 })) {
    await database.createDatabase(name);
    await database.psql(name, `CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, ${rows}) n`);
  }
});
afterAll(() => Promise.all([database.stop(), s3.stop()]));

/** One in which every object is kept for a day, whatever becomes of its name. */
async function createLockedBucket(name: string): Promise<void> {
  const put = async (path: string, body?: string): Promise<void> => {
    const headers = { "x-amz-bucket-object-lock-enabled": "true" };
    const response = await fetch(`${s3.endpoint}/${path}`, { method: "PUT", headers, ...(body && { body }) });
    if (!response.ok) throw new Error(`PUT ${path}: ${response.status} ${await response.text()}`);
  };
  await put(name);
  await put(
    `${name}?object-lock`,
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
  );
}

/** A folder of its own, and what a user makes of it. */
function folder(user: keyof typeof policies, inBucket = "backups") {
  const prefix = `${inBucket}/${randomUUID()}/nested`;
  const variables: Variables = {
    ...database.env,
    ...users[user],
    UPLOAD_PREFIX: prefix,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "small,large",
    BACKUP_COMPRESSION: "none",
    BACKUP_FILE_NAME: "${DB}-%Y",
    RCLONE_LOW_LEVEL_RETRIES: "1",
    RCLONE_RETRIES: "1",
  };
  const run = (args: string[], more: Variables = {}): Promise<Outcome> =>
    rcdump({ ...variables, ...more }, args);
  const owner = async (...args: string[]): Promise<string> =>
    (await execa("rclone", args, { env: { ...users.owner } as Record<string, string> })).stdout;
  return {
    prefix,
    run,
    asOwner: (args: string[], more: Variables = {}) => run(args, { ...users.owner, ...more }),
    rclone: owner,
    listing: () => owner("lsf", "-R", "--format=pst", `store:${prefix}`),
    manifest: async (object: string) =>
      JSON.parse(await owner("cat", `store:${prefix}/${object}.manifest.json`)) as StoredManifest,
  };
}

describe.concurrent("credentials that may only write", () => {
  test.for(["streamed", "staged"])("make backups, %s, that others can verify", async (manner) => {
    const at = folder("writer");
    const spool = temporaryFolder("spool");
    const more = manner === "staged" ? { BACKUP_SPOOL_DIR: spool } : {};
    expect(await at.run([], more)).toMatchObject({ exitCode: 0, message: "" });
    expect(filesIn(spool)).toEqual([]);
    const year = new Date().getUTCFullYear();
    for (const name of ["small", "large"])
      expect(await at.manifest(`${name}-${year}.sql`)).toMatchObject({ readBack: false });
    const verified = await at.asOwner(["verify", "--all", "--deep"]);
    expect(verified).toMatchObject({ exitCode: 0, message: "" });
  });

  test.for(["streamed", "staged"])("are told by check, %s, with what else they cannot", async (manner) => {
    const at = folder("writer");
    const more = manner === "staged" ? { BACKUP_SPOOL_DIR: temporaryFolder("spool") } : {};
    const { exitCode, stdout } = await at.run(["check"], more);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /! +write +an object can be written, but these credentials may not look at what is there: rcdump-check\.txt stays there\n.*→ list, verify, restore, prune and status need other credentials\n/,
    );
    const again = await at.run(["check"], { ...more, BACKUP_FILE_NAME: "${DB}" });
    expect(again.stdout).toMatch(
      /; BACKUP_FILE_NAME has no time in it, and an earlier backup would be replaced before the new one is complete\n.*→ put the time into BACKUP_FILE_NAME; /,
    );
    expect((await at.listing()).split("\n")).toHaveLength(1);
  });

  test("are sent to the spool folder by check, if rclone is so old that it cannot stream with them", async () => {
    const old = pathWith({ rclone: 'exec rclone-1.60 "$@"' });
    const at = folder("writer");
    const { exitCode, message } = await at.run(["check"], { PATH: old });
    expect(exitCode).toBe(21);
    expect(message).toMatch(
      /^write: these credentials may write, but not stream: .*Forbidden\n {2}hint: set BACKUP_SPOOL_DIR to a local folder, or use a newer rclone$/,
    );
    const more = { PATH: old, BACKUP_SPOOL_DIR: temporaryFolder("spool") };
    expect(await at.run([], more)).toMatchObject({ exitCode: 0, message: "" });
  });

  test("cannot keep a name from being replaced, and say so before anything is dumped", async () => {
    const at = folder("writer");
    const { exitCode, message } = await at.run([], { BACKUP_OVERWRITE: "false" });
    expect(exitCode).toBe(21);
    expect(message).toMatch(
      /^BACKUP_OVERWRITE=false, and these credentials may not look whether a name is taken: .*AccessDenied.*\n {2}hint: let them list the folder, or put the time into BACKUP_FILE_NAME and leave BACKUP_OVERWRITE unset$/,
    );
    expect(await at.listing()).toBe("");
  });

  test("replace a backup of the same name by a whole one", async () => {
    const at = folder("writer");
    const one = { BACKUP_FILE_NAME: "x" };
    expect((await at.run([], { ...one, BACKUP_DATABASES: "small" })).exitCode).toBe(0);
    expect((await at.run([], { ...one, BACKUP_DATABASES: "large" })).exitCode).toBe(0);
    expect(await at.manifest("x.sql")).toMatchObject({ database: "large" });
    expect((await at.asOwner(["verify"])).exitCode).toBe(0);
  });

  test("fail where the policy does not let them write", async () => {
    const at = folder("writer");
    const { exitCode, message } = await at.run([], {
      BACKUP_DATABASES: "large",
      UPLOAD_PREFIX: "elsewhere/nested",
    });
    expect(exitCode).toBe(21);
    expect(message).toMatch(
      /^upload to store failed: .*(AccessDenied|NoSuchBucket).*\n {2}hint: (give these credentials the right to do this|create the bucket)/,
    );
  });

  test("need others to prune, list and verify", async () => {
    const at = folder("writer");
    const kept = await at.run([], { KEEP_LAST: "1" });
    expect(kept.exitCode).toBe(0);
    expect(kept.log.filter(({ level }) => level === "warn")).toEqual([
      expect.objectContaining({ msg: expect.stringMatching(/^could not prune: /) }),
    ]);
    for (const command of ["list", "verify", "status"]) {
      const { exitCode, message } = await at.run([command]);
      expect({ exitCode, message }).toMatchObject({
        exitCode: 20,
        message: expect.stringMatching(/AccessDenied.*\n {2}hint: give these credentials the right/),
      });
    }
  });
});

test("credentials that may not create a bucket are told what to set", async () => {
  const at = folder("usual");
  const { exitCode, message } = await at.run([], { BACKUP_DATABASES: "large" });
  expect(exitCode).toBe(21);
  expect(message).toMatch(/CreateBucket.*\n {2}hint: set RCLONE_S3_NO_CHECK_BUCKET=true/);
  const more = { BACKUP_DATABASES: "large", RCLONE_S3_NO_CHECK_BUCKET: "true" };
  expect(await at.run([], more)).toMatchObject({ exitCode: 0, message: "" });
  expect(await at.manifest(`large-${new Date().getUTCFullYear()}.sql`)).toMatchObject({ readBack: true });
});

describe.concurrent("where nothing may be removed", () => {
  test("backups are made, and check says what cannot be done", async () => {
    const at = folder("keeper");
    expect(await at.run([])).toMatchObject({ exitCode: 0, message: "" });
    const { exitCode, stdout } = await at.run(["check"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /! +write +an object can be written, but not removed: rcdump-check-\w+\.txt stays there\n.*→ backups under names that are free can be made; prune and a name that is taken need other credentials\n/,
    );
  });

  test("a name that is taken is not replaced, and its backup stays as it is", async () => {
    const at = folder("keeper");
    const one = { BACKUP_FILE_NAME: "x", BACKUP_DATABASES: "small" };
    expect((await at.run([], one)).exitCode).toBe(0);
    const before = await at.listing();
    const { exitCode, message, log } = await at.run([], { ...one, BACKUP_DATABASES: "large" });
    expect(exitCode).toBe(21);
    expect(message).toMatch(
      /^x\.sql is taken, and these credentials may not remove what is to be replaced: .*AccessDenied.*\n {2}hint: put the time into BACKUP_FILE_NAME, or let them remove objects$/,
    );
    expect(log.filter(({ level }) => level === "warn")).toHaveLength(1);
    const after = (await at.listing()).split("\n").filter((line) => !line.includes(".partial"));
    expect(after.join("\n")).toBe(before);
    expect((await at.asOwner(["verify"])).exitCode).toBe(0);
  });

  test("prune says that it may not, and all backups stay", async () => {
    const at = folder("keeper");
    for (const name of ["a", "b"])
      expect((await at.run([], { BACKUP_FILE_NAME: name, BACKUP_DATABASES: "small" })).exitCode).toBe(0);
    const before = await at.listing();
    const { exitCode, message } = await at.run(["prune"], { KEEP_LAST: "1" });
    expect(exitCode).toBe(20);
    expect(message).toMatch(
      /^these credentials may not remove the backup a\.sql: .*\n {2}hint: allow it, or unset KEEP_\* and leave the removal to rules of the store's own/,
    );
    const after = (await at.listing()).split("\n").filter((line) => !line.includes("rcdump-prune"));
    expect(after.join("\n")).toBe(before);
  });
});

describe.concurrent("a bucket with Object Lock", () => {
  test("takes backups, small and in parts, and keeps what is pruned until its time is over", async () => {
    const at = folder("usual", "locked");
    const noCreation = { RCLONE_S3_NO_CHECK_BUCKET: "true", RCLONE_S3_CHUNK_SIZE: "5Mi" };
    for (const name of ["a", "b"])
      expect(await at.run([], { ...noCreation, BACKUP_FILE_NAME: `\${DB}-${name}` })).toMatchObject({
        exitCode: 0,
        message: "",
      });
    const pruned = await at.run(["prune"], { ...noCreation, KEEP_LAST: "1" });
    expect(pruned).toMatchObject({ exitCode: 0, message: "" });
    expect(await at.listing()).not.toContain("large-a.sql");
    const versions = await at.rclone("lsf", "-R", "--s3-versions", `store:${at.prefix}`);
    const [version = ""] = /small-a-v[\d-]+\.sql$/m.exec(versions) ?? [];
    expect(version).not.toBe("");
    await expect(at.rclone("deletefile", "--s3-versions", `store:${at.prefix}/${version}`)).rejects.toThrow(
      "AccessDenied",
    );
  });
});
