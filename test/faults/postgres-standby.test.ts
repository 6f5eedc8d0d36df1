/** A hot standby as the server that is backed up. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { type DisturbedPostgres, startDisturbedPostgres } from "../fixtures/disturbed-postgres.ts";
import { disturb } from "../fixtures/disturbed-run.ts";
import { type PostgresServer, startStandby } from "../fixtures/postgres.ts";
import { until } from "../fixtures/process.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";

let primary: DisturbedPostgres;
let standby: PostgresServer;
let variables: Variables;

beforeAll(async () => {
  primary = await startDisturbedPostgres();
  standby = await startStandby(primary.server, { max_standby_streaming_delay: 0 });
  variables = {
    ...primary.source.env,
    PGHOST: standby.env.PGHOST,
    PGPORT: standby.env.PGPORT,
    BACKUP_ENGINE: "postgres",
  };
});
afterAll(() => Promise.all([standby.stop(), primary.server.stop()]));

/** How long the standby may stand still while it applies changes, in milliseconds. */
const stillness = 1000;

/**
 * Resolves when the standby has done all that the primary has done until now, or has it all and goes no further: for a session is in the
 * way, which hears of that only when its client reads on.
 */
async function followed(): Promise<void> {
  const position = await primary.server.psql("postgres", "SELECT pg_current_wal_lsn()");
  const state = `SELECT pg_last_wal_replay_lsn() >= '${position}', pg_last_wal_receive_lsn() >= '${position}', pg_last_wal_replay_lsn()`;
  let since = performance.now();
  let before = "";
  await until("the standby has followed", async () => {
    const [isDone, isThere, reached = ""] = (await standby.psql("postgres", state)).split("|");
    if (reached !== before) since = performance.now();
    before = reached;
    return isDone === "t" || (isThere === "t" && performance.now() - since > stillness);
  });
}

test("check, every database and the roles", async () => {
  const store = localStore();
  const all = {
    ...variables,
    ...store.env,
    BACKUP_DATABASES: "*",
    BACKUP_GLOBALS: "true",
    BACKUP_FILE_NAME: "$DB",
  };
  expect(await rcdump(all, ["check"])).toMatchObject({ exitCode: 0 });
  expect(await rcdump(all)).toMatchObject({ exitCode: 0, message: "" });
  expect(store.files().filter((path) => path.endsWith(".gz"))).toEqual([
    "app.sql.gz",
    "crm.sql.gz",
    "pg_globals.sql.gz",
    "postgres.sql.gz",
    "shop.sql.gz",
  ]);
});

test("a dump that stands in the way of what comes from the primary", async () => {
  const dump = await stalledDump("pg_dump", { database: "app" });
  await disturb(
    { ...primary.source, env: variables },
    {
      victim: "app",
      bystander: "crm",
      variables: { PATH: dump.path },
      strike: async () => {
        await dump.begun();
        await primary.server.psql("app", "DELETE FROM big WHERE n % 2 = 0; VACUUM big");
        await followed();
        await dump.goOn();
      },
      says: /conflict with recovery.*; the standby had changes to apply that the dump stood in the way of: set hot_standby_feedback=on there, or raise max_standby_streaming_delay, or back up the primary$/,
    },
  );
});

test("verify --restore on it tells that it is none for that", async () => {
  const store = localStore();
  const crm = { ...variables, ...store.env, BACKUP_DATABASES: "crm" };
  expect(await rcdump(crm)).toMatchObject({ exitCode: 0 });
  expect(await rcdump(crm, ["verify", "--restore"])).toMatchObject({
    exitCode: 40,
    message: expect.stringMatching(
      /^cannot create database rcdump_verify_\w+: .*read-only transaction\n {2}hint: the server is a standby, or read-only: this needs the primary$/,
    ),
  });
});

test("it is promoted in the midst of a dump, which goes on", async () => {
  const dump = await stalledDump("pg_dump");
  const store = localStore();
  const run = startRcdump({ ...variables, ...store.env, BACKUP_DATABASES: "app", PATH: dump.path });
  await dump.begun();
  expect(await standby.psql("postgres", "SELECT pg_promote()")).toBe("t");
  await dump.goOn();
  expect(await run.outcome).toMatchObject({ exitCode: 0 });
  expect(await rcdump({ ...variables, ...store.env }, ["verify", "--deep"])).toMatchObject({ exitCode: 0 });
});
