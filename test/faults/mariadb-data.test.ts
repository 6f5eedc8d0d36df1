/** What happens to the data of a MariaDB server while they are backed up. */
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump } from "../fixtures/cli.ts";
import { type DisturbedMariadb, startDisturbedMariadb } from "../fixtures/disturbed-mariadb.ts";
import { disturb } from "../fixtures/disturbed-run.ts";
import { restoreMariadb } from "../fixtures/restore.ts";
import { Session } from "../fixtures/session.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";

let maria: DisturbedMariadb;

beforeAll(async () => {
  maria = await startDisturbedMariadb(["--max-allowed-packet=64M"]);
});
afterAll(() => maria.server.stop());

/** Has statements executed in a database. */
function sql(database: string, text: string): () => Promise<void> {
  return async () => void (await maria.server.query(database, text));
}

describe("what cannot be dumped", () => {
  test("a view whose table is gone", async () => {
    await disturb(maria.source, {
      victim: "shop",
      bystander: "crm",
      arrange: sql(
        "shop",
        "CREATE TABLE base (a INT); CREATE VIEW broken AS SELECT * FROM base; DROP TABLE base",
      ),
      mend: sql("shop", "DROP VIEW broken"),
      says: /View 'shop\.broken' references invalid table.*\(1356\); drop the view, or make what it needs anew; -- --ignore-table=DATABASE\.VIEW leaves it out meanwhile$/,
    });
  });

  test("a view whose definer is gone, if its tables are locked", async () => {
    const args = ["--skip-single-transaction"];
    await disturb(maria.source, {
      victim: "shop",
      bystander: "crm",
      args,
      arrange: sql("shop", "CREATE DEFINER = nobody@nowhere VIEW orphan AS SELECT * FROM t"),
      says: /1449: "The user specified as a definer \('nobody'@'nowhere'\) does not exist" when using LOCK TABLES; create that account, or make the view, routine or trigger anew with a definer that there is$/,
      // It stays: without locks it is dumped, and restored.
    });
    const views = "SELECT COUNT(*) FROM information_schema.views WHERE table_schema = 'shop'";
    await expectRestorable("shop", `SELECT a, (${views}) FROM t`, "1\t1");
    await sql("shop", "DROP VIEW orphan")();
  });

  test.for<[engine: string, file: string, spoil: (file: string) => Promise<void>, number: number]>([
    ["MyISAM", "MYI", (file) => writeFile(file, "garbage".repeat(50), { flag: "r+" }), 130],
    ["MyISAM", "MYD", (file) => truncate(file, 30_000), 1194],
    ["Aria TRANSACTIONAL=0", "MAD", (file) => truncate(file, 30_000), 1030],
  ])("a table of %s whose .%s is damaged", async ([engine, ending, spoil, number]) => {
    const says = new RegExp(
      `\\b${number}\\b.*; the table's files are damaged: keep the earlier backups, repair it \\(REPAIR TABLE; innodb_force_recovery\\), and meanwhile leave it out with -- --ignore-table=DATABASE\\.TABLE$`,
    );
    await sql(
      "shop",
      `CREATE TABLE weak (a INT PRIMARY KEY, t TEXT) ENGINE=${engine}; INSERT INTO weak SELECT seq, md5(seq) FROM seq_1_to_1000`,
    )();
    await disturb(maria.source, {
      victim: "shop",
      bystander: "crm",
      arrange: async () => {
        await sql("", "FLUSH TABLES")();
        await spoil(join(maria.server.data, "shop", `weak.${ending}`));
      },
      mend: sql("shop", "DROP TABLE weak"),
      says,
    });
  });

  test("a row that is larger than --max-allowed-packet; without that every row is dumped", async () => {
    await sql("shop", "CREATE TABLE large (a LONGBLOB); INSERT INTO large VALUES (REPEAT('x', 30000000))")();
    await disturb(maria.source, {
      victim: "shop",
      bystander: "crm",
      args: ["--max-allowed-packet=1M"],
      says: /when dumping table `large` at row: 0; .*leave --max-allowed-packet out, if a row is larger than you say there$/,
    });
    await sql("", "SET GLOBAL max_allowed_packet = 1048576")();
    const store = localStore();
    const variables = {
      ...store.env,
      ...maria.source.env,
      BACKUP_ENGINE: "mariadb",
      BACKUP_DATABASES: "shop",
    };
    expect(await rcdump(variables, maria.source.args)).toMatchObject({ exitCode: 0 });
    expect(store.manifest(store.onlyObject()).plain.bytes).toBeGreaterThan(30_000_000);
    await sql("", "SET GLOBAL max_allowed_packet = 67108864; DROP TABLE shop.large")();
  });
});

describe("what others do meanwhile", () => {
  test("a table is locked", async () => {
    await using holder = Session.onMariadb(maria.server, "shop");
    await sql("", "SET GLOBAL lock_wait_timeout = 1")();
    await disturb(maria.source, {
      victim: "shop",
      bystander: "crm",
      arrange: () => holder.execute("LOCK TABLES t WRITE"),
      mend: () => holder.execute("UNLOCK TABLES"),
      says: /Lock wait timeout exceeded.*\(1205\); another session holds a lock on a table: find it in information_schema\.processlist, or raise lock_wait_timeout on the server$/,
    });
    await sql("", "SET GLOBAL lock_wait_timeout = DEFAULT")();
  });

  test.for<[deed: string, words: RegExp]>([
    ["ALTER TABLE z FORCE", /Error 1412: Table definition has changed/],
    ["DROP TABLE z", /Table 'app\.z' doesn't exist \(1146\)/],
  ])("%s", async ([deed, words]) => {
    await sql("app", "CREATE OR REPLACE TABLE z AS SELECT 1 AS a")();
    const dump = await stalledDump("mariadb-dump", { database: "app" });
    await disturb(maria.source, {
      victim: "app",
      bystander: "crm",
      variables: { PATH: dump.path },
      strike: async () => {
        await dump.begun();
        await sql("app", deed)();
        await dump.goOn();
      },
      says: new RegExp(
        `${words.source}.*; somebody dropped or altered a table while the dump was made: run it again$`,
      ),
    });
    await sql("app", "DROP TABLE IF EXISTS z")();
  });
});

/** Backs a database up, restores it by plain tools over what it is now, and asks it. */
async function expectRestorable(database: string, query: string, answer: string): Promise<void> {
  const store = localStore();
  const { source, server } = maria;
  const variables = { ...store.env, ...source.env, BACKUP_ENGINE: "mariadb", BACKUP_DATABASES: database };
  expect(await rcdump(variables, source.args)).toMatchObject({ exitCode: 0 });
  // Under another name it could not be: MariaDB writes the columns of such a view with the database's name.
  await server.query("", `DROP DATABASE ${database}; CREATE DATABASE ${database}`);
  await restoreMariadb(server, join(store.folder, store.onlyObject()), database);
  expect(await server.query(database, query)).toBe(answer);
}
