/** BACKUP_TIMEOUT: databases and stores that hang are given up, and nothing half-done is left. */
import { execa } from "execa";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { marker, survivors } from "../faults/campaign/processes.ts";
import { type Outcome, rcdump, type Variables } from "../fixtures/cli.ts";
import { type FaultyProxy, requests, startFaultyProxy } from "../fixtures/faulty-proxy.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";
import { filesIn, localStore } from "../fixtures/store.ts";

let server: PostgresServer;
let s3: S3Server;

beforeAll(async () => {
  [server, s3] = await Promise.all([startPostgres(), startS3()]);
  await s3.createBucket("backups");
  for (const name of ["app", "locked"]) {
    await server.createDatabase(name);
    await server.psql(name, "CREATE TABLE t AS SELECT n, md5(n::text) FROM generate_series(1, 1000) n");
  }
});
afterAll(() => Promise.all([server.stop(), s3.stop()]));

/** Runs a backup of which no process must be left when it has ended. */
async function backUp(variables: Variables): Promise<Outcome> {
  const run = randomUUID();
  const outcome = await rcdump({
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "${DB}",
    [marker]: run,
    ...variables,
  });
  expect(await survivors(run, 1000)).toEqual([]);
  return outcome;
}

describe("a value that will not do", () => {
  test.for(["0", "-1", "1.5", "1h", "604801", "forever"])("%s", async (value) => {
    const { exitCode, message } = await backUp({ ...localStore().env, BACKUP_TIMEOUT: value });
    expect({ exitCode, message }).toEqual({
      exitCode: 2,
      message: `there is a problem with the settings\n  - BACKUP_TIMEOUT is "${value}"; write whole seconds from 1 to 604800`,
    });
  });
});

describe.concurrent("a table that is locked", () => {
  beforeAll(async () => {
    const holder = execa("psql", ["-XqAt", "-d", "locked"], {
      env: server.env,
      stdin: "pipe",
      reject: false,
    });
    holder.stdin.write("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n");
    await once(holder.stdout, "data");
    return async () => {
      holder.stdin.end();
      await holder;
    };
  });

  test.for(["streamed", "staged"])("fails by itself, %s, and the session is ended", async (manner) => {
    const store = localStore();
    const spool = temporaryFolder("spool");
    const variables = { ...store.env, ...(manner === "staged" && { BACKUP_SPOOL_DIR: spool }) };
    const { exitCode, message } = await backUp({
      ...variables,
      BACKUP_DATABASES: "locked,app",
      BACKUP_TIMEOUT: "10",
      PGAPPNAME: manner,
    });
    expect(exitCode).toBe(3);
    expect(message).toBe(
      "1 of 2 dumps failed\n  - locked: BACKUP_TIMEOUT=10 was reached waiting for the dump, of which 0 B had come; see what holds the dump up, such as a lock on a table, or raise BACKUP_TIMEOUT",
    );
    expect(store.files()).toEqual(["app.sql.gz", "app.sql.gz.manifest.json"]);
    expect(filesIn(spool)).toEqual([]);
    const sessions = `SELECT count(*) FROM pg_stat_activity WHERE datname = 'locked' AND application_name = '${manner}'`;
    expect(await server.psql("postgres", sessions)).toBe("0");
  });
});

describe.concurrent("a store that hangs", () => {
  /** A bucket's folder of its own with a good backup in it, seen through a proxy. */
  async function withEarlier(): Promise<
    AsyncDisposable & { proxy: FaultyProxy; variables: Variables; listing: () => Promise<string> }
  > {
    const prefix = `backups/${randomUUID()}`;
    const proxy = await startFaultyProxy(s3.port);
    const variables = { ...s3.through(proxy.port), UPLOAD_PREFIX: prefix };
    expect((await backUp(variables)).exitCode).toBe(0);
    const listing = async (): Promise<string> =>
      (await execa("rclone", ["lsf", "-R", "--format=pst", `store:${prefix}`], { env: s3.env })).stdout;
    return { proxy, variables, listing, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
  }

  const waitingForStore =
    /^BACKUP_TIMEOUT=10 was reached waiting for the store, with \d+(\.\d+)? kB dumped\n {2}hint: see that the store is up and takes what it is sent, or raise BACKUP_TIMEOUT/;

  test("streamed: is given up, and the earlier backup stays", async () => {
    await using store = await withEarlier();
    const before = await store.listing();
    store.proxy.inject("hang", { when: requests.upload });
    const { exitCode, message } = await backUp({ ...store.variables, BACKUP_TIMEOUT: "10" });
    expect(store.proxy.hits()).toBeGreaterThan(0);
    expect(exitCode).toBe(21);
    expect(message).toMatch(waitingForStore);
    expect(await store.listing()).toBe(before);
  });

  test("staged: the dump waits in the spool folder, and the next run sends it", async () => {
    await using store = await withEarlier();
    const before = await store.listing();
    const spool = temporaryFolder("spool");
    const variables = { ...store.variables, BACKUP_SPOOL_DIR: spool };
    store.proxy.inject("hang", { when: requests.upload });
    const { exitCode, message } = await backUp({ ...variables, BACKUP_TIMEOUT: "10" });
    expect(exitCode).toBe(21);
    expect(message).toMatch(waitingForStore);
    expect(message).toMatch(/; the dump stays in the spool folder, and the next run sends it$/);
    expect(await store.listing()).toBe(before);
    expect(filesIn(spool)).toHaveLength(2);
    store.proxy.clear();
    const next = await backUp(variables);
    expect(next.exitCode).toBe(0);
    expect(next.stderr).toContain("kept from an earlier run");
    expect(filesIn(spool)).toEqual([]);
  });

  test("between the move and the manifest: what is begun there is finished", async () => {
    await using store = await withEarlier();
    const before = await store.listing();
    store.proxy.inject("hang", { when: requests.manifest, times: 1 });
    // rclone gives the request up by itself, later than the dump's time is over, and tries again.
    const patience = { RCLONE_TIMEOUT: "11s" };
    const { exitCode, message } = await backUp({ ...store.variables, ...patience, BACKUP_TIMEOUT: "10" });
    expect(store.proxy.hits()).toBe(1);
    expect({ exitCode, message }).toEqual({ exitCode: 0, message: "" });
    const after = await store.listing();
    expect(after).not.toBe(before);
    expect(after.split("\n")).toHaveLength(2);
    const verified = await backUp({ ...store.variables });
    expect(verified.exitCode).toBe(0);
  });
});
