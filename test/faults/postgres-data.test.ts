/** What happens to the data of a PostgreSQL server while they are backed up. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRcdump } from "../fixtures/cli.ts";
import { type DisturbedPostgres, startDisturbedPostgres } from "../fixtures/disturbed-postgres.ts";
import { disturb } from "../fixtures/disturbed-run.ts";
import { until } from "../fixtures/process.ts";
import { restorePostgres } from "../fixtures/restore.ts";
import { Session } from "../fixtures/session.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";

let postgres: DisturbedPostgres;

beforeAll(async () => {
  postgres = await startDisturbedPostgres({ initdb: ["--data-checksums"] });
});
afterAll(() => postgres.server.stop());

const names = { victim: "shop", bystander: "crm" };

describe("what others do meanwhile", () => {
  test("a table is locked, and --lock-wait-timeout given", async () => {
    await using holder = Session.onPostgres(postgres.server, "shop");
    await disturb(postgres.source, {
      ...names,
      args: ["--lock-wait-timeout=1s"],
      arrange: () => holder.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE"),
      mend: () => holder.execute("ROLLBACK"),
      says: /canceling statement due to statement timeout; another session holds a lock on a table: find it with pg_locks and pg_blocking_pids\(\), or allow more than --lock-wait-timeout$/,
    });
  });

  test.for([
    ["DROP TABLE z", /relation "public.z" does not exist/],
    ["ALTER TABLE z DROP COLUMN a", /column "a" of relation "z" does not exist/],
  ] as const)("%s while pg_dump waits for the table", async ([deed, words]) => {
    await using holder = Session.onPostgres(postgres.server, "shop");
    await disturb(postgres.source, {
      ...names,
      // A dump of what a pattern chooses does not wait before it begins.
      args: ["--exclude-table-data=nothing*"],
      arrange: () => holder.execute(`CREATE TABLE z (a int, b int); BEGIN; ${deed}`),
      strike: async () => {
        await postgres.dumpWaits();
        await holder.execute("COMMIT");
      },
      says: new RegExp(`${words.source}; somebody dropped or altered it while the dump began: run it again$`),
    });
    await postgres.server.psql("shop", "DROP TABLE IF EXISTS z");
  });

  test("tables that are altered wait for the dump, new ones and new rows are not in it, and it restores", async () => {
    const { server, source } = postgres;
    const store = localStore();
    const dump = await stalledDump("pg_dump");
    const variables = {
      ...store.env,
      ...source.env,
      BACKUP_ENGINE: "postgres",
      BACKUP_DATABASES: "app",
    };
    const run = startRcdump({ ...variables, PATH: dump.path });
    await dump.begun();
    await server.psql("app", "CREATE TABLE late (); INSERT INTO big SELECT FROM generate_series(1, 10)");
    await using other = Session.onPostgres(server, "app");
    other.begin("ALTER TABLE big ADD COLUMN late int");
    const waits =
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'application' AND wait_event_type = 'Lock'";
    await until("it waits for the dump", async () => (await server.psql("postgres", waits)) === "1");
    await dump.goOn();
    expect(await run.outcome).toMatchObject({ exitCode: 0 });
    await other.execute("SELECT late FROM big LIMIT 1");
    await server.createDatabase("restored");
    await restorePostgres(server, join(store.folder, store.onlyObject()), "restored");
    const state = "SELECT count(*), count(*) FILTER (WHERE n IS NULL), to_regclass('late') IS NULL FROM big";
    expect(await server.psql("restored", state)).toBe("200000|0|t");
  });
});

test("a page is damaged on the server's disk", async () => {
  const { server, source } = postgres;
  await disturb(source, {
    ...names,
    arrange: async () => {
      await server.psql("shop", "CREATE TABLE damaged AS SELECT n FROM generate_series(1, 1000) n");
      const file = await server.psql("shop", "SELECT pg_relation_filepath('damaged')");
      await server.shutDown("fast");
      await writeFile(join(server.data, file), "garbage".repeat(100), { flag: "r+" });
      await server.startAgain();
    },
    mend: async () => void (await server.psql("shop", "DROP TABLE damaged")),
    says: /table "damaged" failed: .*invalid page in block 0 of relation \S+; the server's files are damaged: keep the earlier backups, look at its disk, and meanwhile leave the table out with -- --exclude-table-data=TABLE$/,
  });
});
