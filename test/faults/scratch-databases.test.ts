/** The databases that verify --restore and restore --swap make for a while, when their run is killed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { until } from "../fixtures/process.ts";
import { Session } from "../fixtures/session.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";
import { scratchName } from "../../src/scratch.ts";

let postgres: PostgresServer;
let mariadb: MariadbServer;

beforeAll(async () => {
  [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  await postgres.createDatabase("app");
  await mariadb.createDatabase("app");
  await postgres.psql("app", "CREATE TABLE t AS SELECT 1 AS a");
  await mariadb.query("app", "CREATE TABLE t AS SELECT 1 AS a");
});
afterAll(() => Promise.all([postgres.stop(), mariadb.stop()]));

type Engine = "postgres" | "mariadb";

function settings(engine: Engine, store: LocalStore): Variables {
  const reach = engine === "postgres" ? postgres.env : mariadb.env;
  const backup = { BACKUP_ENGINE: engine, BACKUP_DATABASES: "*,!postgres", BACKUP_FILE_NAME: "${DB}" };
  return { ...store.env, ...reach, ...backup };
}

function argumentsOf(engine: Engine): readonly string[] {
  return engine === "postgres" ? [] : mariadb.args;
}

async function query(engine: Engine, sql: string): Promise<string> {
  return engine === "postgres" ? postgres.psql("postgres", sql) : mariadb.query("", sql);
}

/** The databases that rcdump made, in order. */
async function scratchDatabases(engine: Engine): Promise<string[]> {
  const [name, table] =
    engine === "postgres" ? ["datname", "pg_database"] : ["schema_name", "information_schema.schemata"];
  const rows = await query(engine, `SELECT ${name} FROM ${table} WHERE ${name} LIKE 'rcdump%' ORDER BY 1`);
  return rows.split("\n").filter(Boolean);
}

/** A name that a run of so many hours ago made. */
function nameOf(purpose: "verify" | "restore", hoursAgo: number): string {
  return scratchName(purpose, new Date(Date.now() - hoursAgo * 3_600_000));
}

describe.for<[engine: Engine, program: "pg_dump" | "mariadb-dump"]>([
  ["postgres", "pg_dump"],
  ["mariadb", "mariadb-dump"],
])("%s", ([engine, program]) => {
  test("a verify that is killed: * leaves its database out", async () => {
    const store = localStore();
    expect(await rcdump(settings(engine, store), argumentsOf(engine))).toMatchObject({ exitCode: 0 });
    const dump = await stalledDump(program, { database: "rcdump_verify_", bytes: 10 });
    const variables = { ...settings(engine, store), PATH: dump.path };
    const run = startRcdump(variables, ["verify", "--restore", "--", ...argumentsOf(engine)]);
    await dump.begun();
    run.kill("SIGKILL");
    await run.outcome;
    await dump.goOn();
    expect(await scratchDatabases(engine)).toEqual([expect.stringMatching(/^rcdump_verify_[0-9a-f]{12}$/)]);

    const next = localStore();
    expect(await rcdump(settings(engine, next), argumentsOf(engine))).toMatchObject({ exitCode: 0 });
    expect(next.files()).toEqual(["app.sql.gz", "app.sql.gz.manifest.json"]);
    const [left = ""] = await scratchDatabases(engine);
    const byName = { ...settings(engine, localStore()), BACKUP_DATABASES: left };
    expect(await rcdump(byName, argumentsOf(engine))).toMatchObject({ exitCode: 0 });

    // It could be that of a run that is at work.
    const verify = ["verify", "--restore", "--", ...argumentsOf(engine)];
    expect(await rcdump(settings(engine, store), verify)).toMatchObject({ exitCode: 0 });
    expect(await scratchDatabases(engine)).toEqual([left]);
    await query(engine, `DROP DATABASE ${left}`);
  });

  test.for([
    ["verify", ["verify", "--restore"]],
    ["restore --swap", ["restore", "--to=app", "--swap", "--yes"]],
  ] as const)("%s drops those of half a day ago, unless somebody is connected", async ([, command]) => {
    const store = localStore();
    expect(await rcdump(settings(engine, store), argumentsOf(engine))).toMatchObject({ exitCode: 0 });
    const [abandoned, used, young] = [nameOf("restore", 13), nameOf("verify", 13), nameOf("verify", 11)];
    const notOurs = "rcdump_verify_by_hand";
    for (const name of [abandoned, used, young, notOurs]) await query(engine, `CREATE DATABASE ${name}`);
    await using session =
      engine === "postgres" ? Session.onPostgres(postgres, used) : Session.onMariadb(mariadb, used);
    await session.execute("SELECT 1");
    const { exitCode, log } = await rcdump(settings(engine, store), [
      ...command,
      "--",
      ...argumentsOf(engine),
    ]);
    expect(exitCode).toBe(0);
    expect(log.map(({ msg }) => msg).filter((line) => line.includes("did not come"))).toEqual([
      `dropped ${abandoned}, which a run left that did not come to its end`,
    ]);
    expect(await scratchDatabases(engine)).toEqual([used, young, notOurs].toSorted());
    await session[Symbol.asyncDispose]();
    await until("the session is gone", async () => {
      const gone = await query(engine, `DROP DATABASE IF EXISTS ${used}`).then(
        () => true,
        () => false,
      );
      return gone;
    });
    for (const name of [young, notOurs]) await query(engine, `DROP DATABASE ${name}`);
  });
});
