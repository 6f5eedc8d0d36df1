/** A PostgreSQL server that fails while it is backed up. */
import { execa } from "execa";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { type DisturbedPostgres, startDisturbedPostgres } from "../fixtures/disturbed-postgres.ts";
import { disturb } from "../fixtures/disturbed-run.ts";
import { until } from "../fixtures/process.ts";
import { startS3 } from "../fixtures/s3.ts";
import { Session } from "../fixtures/session.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";

let postgres: DisturbedPostgres;

beforeAll(async () => {
  postgres = await startDisturbedPostgres({
    settings: {
      max_locks_per_transaction: 10,
      max_connections: 20,
      max_worker_processes: 0,
      max_wal_senders: 0,
      wal_level: "minimal",
    },
  });
});
afterAll(() => postgres.server.stop());

/** Has a statement executed by the administrator. */
async function admin(sql: string): Promise<void> {
  await postgres.server.psql("postgres", sql);
}

describe("the server goes away in the midst of a dump", () => {
  const deeds: Record<string, () => Promise<void>> = {
    "immediate shutdown, and up again": async () => {
      await postgres.server.shutDown("immediate");
      await postgres.server.startAgain();
    },
    "fast shutdown, and up again": async () => {
      await postgres.server.shutDown("fast");
      await postgres.server.startAgain();
    },
    "its backend is terminated": () =>
      admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump'"),
  };

  test.for(Object.keys(deeds))("%s", async (name) => {
    const dump = await stalledDump("pg_dump", { database: "app" });
    await disturb(postgres.source, {
      victim: "app",
      bystander: "crm",
      variables: { PATH: dump.path },
      strike: async () => {
        await dump.begun();
        await deeds[name]?.();
        await dump.goOn();
      },
      says: /dump of app failed: Dumping the contents of table "big" failed: .*(server closed the connection unexpectedly|terminating connection due to administrator command); the server, or the connection to it, went away: look at the server's log$/,
    });
  });

  test("on S3: the earlier backup stays, with nothing beside it and no upload begun", async () => {
    await using s3 = await startS3();
    await s3.createBucket("backups");
    const variables = {
      ...s3.env,
      ...postgres.source.env,
      UPLOAD_PREFIX: "backups",
      BACKUP_ENGINE: "postgres",
      BACKUP_DATABASES: "app",
      BACKUP_FILE_NAME: "app",
      BACKUP_COMPRESSION: "none",
    };
    const listing = async (): Promise<string> =>
      (await execa("rclone", ["lsf", "-R", "--format=pst", "store:backups"], { env: s3.env })).stdout;
    expect(await rcdump(variables)).toMatchObject({ exitCode: 0 });
    const earlier = await listing();
    const dump = await stalledDump("pg_dump");
    const run = startRcdump({ ...variables, PATH: dump.path });
    await dump.begun();
    await postgres.server.shutDown("immediate");
    await postgres.server.startAgain();
    await dump.goOn();
    expect(await run.outcome).toMatchObject({
      exitCode: 11,
      message: expect.stringContaining("server closed the connection unexpectedly"),
    });
    expect(await listing()).toBe(earlier);
    expect(await s3.pendingUploads("backups")).toEqual([]);
    expect(await rcdump(variables)).toMatchObject({ exitCode: 0 });
    expect(await listing()).not.toBe(earlier);
  });

  test("the query is cancelled", async () => {
    const dump = await stalledDump("pg_dump", { database: "app" });
    await disturb(postgres.source, {
      victim: "app",
      bystander: "crm",
      variables: { PATH: dump.path },
      strike: async () => {
        await dump.begun();
        await admin("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump'");
        await dump.goOn();
      },
      says: /canceling statement due to user request; somebody cancelled it with pg_cancel_backend: look at the server's log$/,
    });
  });
});

describe("the server does not give what a dump needs", () => {
  test("no room for temporary files", async () => {
    await disturb(postgres.source, {
      victim: "shop",
      bystander: "crm",
      // pg_dump sorts what it reads of the catalogue.
      arrange: () =>
        admin(
          "ALTER ROLE clerk IN DATABASE shop SET work_mem = '64kB'; ALTER ROLE clerk IN DATABASE shop SET temp_file_limit = 0",
        ),
      mend: () => admin("ALTER ROLE clerk IN DATABASE shop RESET ALL"),
      says: /temporary file size exceeds temp_file_limit \(0kB\); it has to sort more than it may: raise temp_file_limit or work_mem for this account \(ALTER ROLE\)$/,
    });
  });

  test("no room in its table of locks", async () => {
    const tables = (deed: string): Promise<string> =>
      postgres.server.psql(
        "shop",
        String.raw`SELECT format('${deed}', n) FROM generate_series(1, 2500) n \gexec`,
      );
    await disturb(postgres.source, {
      victim: "shop",
      bystander: "crm",
      arrange: async () => void (await tables("CREATE TABLE many_%s ()")),
      mend: async () => void (await tables("DROP TABLE many_%s")),
      says: /out of shared memory; raise max_locks_per_transaction on the server: each table and large object takes a lock$/,
    });
  });

  test("the password is changed between two databases", async () => {
    const dump = await stalledDump("pg_dump", { database: "shop", bytes: 10 });
    await disturb(postgres.source, {
      victim: "crm",
      bystander: "shop",
      variables: { PATH: dump.path, BACKUP_DATABASES: "shop,crm" },
      strike: async () => {
        await dump.begun();
        await admin(`ALTER ROLE clerk PASSWORD '${randomUUID()}'`);
        await dump.goOn();
      },
      mend: () => admin("ALTER ROLE clerk PASSWORD 'clerks-own-81'"),
      says: /password authentication failed for user "clerk"; correct PGUSER and PGPASSWORD \(or PGPASSWORD_FILE, PGPASSFILE, PGSERVICE\); --username wins over PGUSER$/,
    });
  });

  test("no connection free for the account", async () => {
    await admin(
      "CREATE ROLE narrow LOGIN PASSWORD 'narrows-own-81' CONNECTION LIMIT 1 IN ROLE pg_read_all_data",
    );
    const env = { ...postgres.server.env, PGUSER: "narrow", PGPASSWORD: "narrows-own-81" };
    const store = localStore();
    const variables = { ...store.env, ...env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: "crm" };
    const session = Session.onPostgres({ ...postgres.server, env }, "crm");
    await session.execute("SELECT 1");
    expect(await rcdump(variables)).toMatchObject({
      exitCode: 10,
      message: expect.stringMatching(
        /too many connections for role "narrow"\n {2}hint: the server has no connection free: raise its max_connections or the CONNECTION LIMIT of the role or database, lower BACKUP_CONCURRENCY, or wait for one with BACKUP_WAIT=60$/,
      ),
    });
    expect(store.files()).toEqual([]);
    await session[Symbol.asyncDispose]();
    expect(await rcdump({ ...variables, BACKUP_WAIT: "60" })).toMatchObject({ exitCode: 0 });
  });
});

describe("the account has a statement_timeout", () => {
  const variables = (): Variables => ({
    ...localStore().env,
    ...postgres.source.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "crm",
  });
  beforeAll(() => admin("ALTER ROLE clerk SET statement_timeout = '1s'"));
  afterAll(() => admin("ALTER ROLE clerk RESET ALL"));

  test.for<[command: string, program: string]>([
    ["check", "psql"],
    ["backup", "pg_dump"],
  ])("%s: %s goes on for longer", async ([command, program]) => {
    await using holder = Session.onPostgres(postgres.server, "crm");
    await holder.execute("BEGIN; LOCK TABLE pg_depend IN ACCESS EXCLUSIVE MODE");
    const run = startRcdump(variables(), [command]);
    const waits = `SELECT count(*) FROM pg_stat_activity WHERE usename = 'clerk' AND application_name = '${program}'
      AND wait_event_type = 'Lock' AND now() - query_start > '1500ms'`;
    await until(
      "it waits for longer than the timeout",
      async () => (await postgres.server.psql("postgres", waits)) === "1",
      30_000,
    );
    await holder.execute("COMMIT");
    expect(await run.outcome).toMatchObject({ exitCode: 0 });
  });

  test("pg_dumpall does not set it: told", async () => {
    await using holder = Session.onPostgres(postgres.server, "crm");
    await holder.execute("BEGIN; LOCK TABLE pg_auth_members IN ACCESS EXCLUSIVE MODE");
    expect(await rcdump({ ...variables(), BACKUP_DATABASES: undefined, BACKUP_ALL: "true" })).toMatchObject({
      exitCode: 11,
      message: expect.stringMatching(
        /canceling statement due to statement timeout\n {2}hint: raise that timeout for this account: ALTER ROLE \.\.\. SET statement_timeout = 0$/,
      ),
    });
  });
});
