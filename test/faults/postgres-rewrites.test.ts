/** Tables that are rewritten while a dump begins: such a rewrite is no part of pg_dump's snapshot, and not missed by it either. */
import { execa } from "execa";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, type Run, startRcdump, type Variables } from "../fixtures/cli.ts";
import { type DisturbedPostgres, startDisturbedPostgres } from "../fixtures/disturbed-postgres.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { until } from "../fixtures/process.ts";
import { pathWith } from "../fixtures/programs.ts";
import { restorePostgres } from "../fixtures/restore.ts";
import { Session } from "../fixtures/session.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";
import { startCuttingProxy } from "../fixtures/tcp.ts";

let postgres: DisturbedPostgres;

beforeAll(async () => {
  postgres = await startDisturbedPostgres();
});
afterAll(() => postgres.server.stop());

test("tables that are rewritten one after the other as the dump is to begin are in it with their rows", async () => {
  const { server, source } = postgres;
  await server.psql("shop", "CREATE TABLE z AS SELECT 'rows' AS a, 1 AS b; CREATE TABLE y AS TABLE z");
  await using first = Session.onPostgres(server, "shop");
  await using second = Session.onPostgres(server, "shop");
  await first.execute("BEGIN; ALTER TABLE z ALTER b TYPE bigint");
  const store = localStore();
  const variables = {
    ...store.env,
    ...source.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "shop",
  };
  await using proxy = await startCuttingProxy(server.port, Infinity);
  const run = startRcdump({ ...variables, PGPORT: String(proxy.port) });
  // One to see what server it is; then it looks, and looks again.
  await until("rcdump has looked twice", async () => proxy.connections() >= 3);
  await second.execute("BEGIN; ALTER TABLE y ALTER b TYPE bigint");
  await first.execute("COMMIT");
  const looks = proxy.connections();
  await until("rcdump has looked twice more", async () => proxy.connections() >= looks + 2);
  await second.execute("COMMIT");
  expect(await run.outcome).toMatchObject({ exitCode: 0 });
  await server.createDatabase("rewritten");
  await restorePostgres(server, join(store.folder, store.onlyObject()), "rewritten");
  expect(await server.psql("rewritten", "TABLE z UNION ALL TABLE y")).toBe("rows|1\nrows|1");
  await server.psql("shop", "DROP TABLE z, y");
});

const rewrite = "TRUNCATE z; INSERT INTO z VALUES ('rows')";
const exchange = "CREATE TABLE new AS TABLE z; DROP TABLE z; ALTER TABLE new RENAME TO z";

/** Backs up `shop`, in which z has rows at all times, while something happens in the moment between pg_dump's snapshot and its lock. */
async function backUpMeanwhile(
  deeds: readonly string[],
  { variables = {}, args = [] }: { variables?: Variables; args?: readonly string[] } = {},
) {
  const { server, source, dumpWaits } = postgres;
  await server.psql("shop", "DROP TABLE IF EXISTS z; CREATE TABLE z AS SELECT 'rows' AS a");
  await using holder = Session.onPostgres(server, "shop");
  const store = localStore();
  const gated = await gatedDump();
  const run: Run = startRcdump(
    {
      ...store.env,
      ...source.env,
      BACKUP_ENGINE: "postgres",
      BACKUP_DATABASES: "shop",
      PATH: gated.path,
      ...variables,
    },
    args,
  );
  for (const deed of deeds) {
    await gated.next();
    await holder.execute(`BEGIN; ${deed}`);
    await gated.goOn();
    await dumpWaits();
    await holder.execute("COMMIT");
  }
  void gated.goOnForEver();
  const outcome = await run.outcome;
  await until("no session of ours is left", async () => (await source.sessions()) === 0);
  await server.psql("postgres", "DROP DATABASE IF EXISTS rewritten");
  await server.createDatabase("rewritten");
  await restorePostgres(server, join(store.folder, store.onlyObject()), "rewritten");
  return { outcome, rows: await server.psql("rewritten", "TABLE z"), begun: gated.count() };
}

/** A pg_dump that waits before it begins. */
async function gatedDump() {
  const folder = temporaryFolder("gated");
  const [notes, gate, open] = [join(folder, "begun"), join(folder, "gate"), join(folder, "open")];
  await execa("mkfifo", [gate]);
  await writeFile(notes, "");
  const script = `[ "$1" = --version ] && exec $REAL "$@"
    echo >> ${notes}; [ -e ${open} ] || read < ${gate}; exec $REAL "$@"`;
  const count = (): number => readFileSync(notes).length;
  let seen = 0;
  return {
    path: pathWith({ pg_dump: script }),
    count,
    next: () => until("pg_dump is to begin", async () => count() > seen).then(() => void (seen += 1)),
    goOn: () => writeFile(gate, "\n"),
    goOnForEver: async () => {
      await writeFile(open, "");
      if (count() > seen) await writeFile(gate, "\n");
    },
  };
}

test.for([
  ["streamed", "is rewritten", rewrite, {}],
  ["streamed", "is exchanged for another", exchange, {}],
  ["staged", "is rewritten", rewrite, { BACKUP_SPOOL_DIR: temporaryFolder("spool") }],
] as const)("%s: a dump begins again if a table %s meanwhile", async ([, , deed, variables]) => {
  const { outcome, rows, begun } = await backUpMeanwhile([deed, deed], { variables });
  expect(outcome).toMatchObject({ exitCode: 0 });
  expect(outcome.log.map(({ msg }) => msg).filter((msg) => msg.includes("rewritten"))).toEqual([
    "shop: z was rewritten as the dump began, which begins again",
    "shop: z was rewritten as the dump began, which begins again",
  ]);
  expect([rows, begun]).toEqual(["rows", 3]);
});

test("of a table that is rewritten for ever a warning tells", async () => {
  const { outcome, rows, begun } = await backUpMeanwhile([rewrite, rewrite, rewrite]);
  expect(outcome).toMatchObject({ exitCode: 0 });
  expect(outcome.log.filter(({ level }) => level === "warn")).toMatchObject([
    {
      database: "shop",
      msg: "shop: rows may be missing, for z was rewritten each of the 3 times that the dump began",
      hint: expect.stringMatching(/--exclude-table-data=TABLE$/),
    },
  ]);
  // This is what is warned of.
  expect([rows, begun]).toEqual(["", 3]);
});

test.for([
  ["--exclude-table-data=z", rewrite],
  ["--exclude-table-data=public.*", rewrite],
  ["--exclude-table-data=(y|z)", rewrite],
  ['--exclude-table-data="z"', rewrite],
  ["--schema-only", rewrite],
  ["--no-unlogged-table-data", `ALTER TABLE z SET UNLOGGED; ${rewrite}`],
] as const)("%s: a dump without the table's rows does not begin again", async ([option, deed]) => {
  const { outcome, begun } = await backUpMeanwhile([deed], { args: [option] });
  expect(outcome).toMatchObject({ exitCode: 0 });
  expect(begun).toBe(1);
});

test("where other tables are left out by their names it begins again", async () => {
  const args = [
    "--exclude-table-data=public.T",
    '--exclude-table="no such ""table"',
    "--exclude-table=shut.out",
  ];
  await postgres.server.psql("shop", "CREATE SCHEMA shut");
  const { outcome, begun, rows } = await backUpMeanwhile([rewrite], { args });
  expect(outcome).toMatchObject({ exitCode: 0 });
  expect([rows, begun]).toEqual(["rows", 2]);
});

describe("that nobody could look is told", () => {
  const password = "one-at-a-time-17";
  const warning = (reason: string) => [
    {
      level: "warn",
      msg: expect.stringMatching(
        new RegExp(
          `^app: could not look whether tables were rewritten as the dump began, whose rows would be missing: .*${reason}`,
        ),
      ),
    },
  ];
  const settings = (store: ReturnType<typeof localStore>): Variables => ({
    ...store.env,
    ...postgres.source.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    PGUSER: "single",
    PGPASSWORD: password,
  });
  beforeAll(() =>
    postgres.server.psql(
      "app",
      `CREATE ROLE single LOGIN PASSWORD '${password}'; GRANT SELECT ON big TO single`,
    ),
  );

  test("before the dump", async () => {
    await postgres.server.psql("app", "REVOKE SELECT ON pg_locks FROM PUBLIC");
    const { exitCode, log } = await rcdump(settings(localStore()));
    await postgres.server.psql("app", "GRANT SELECT ON pg_locks TO PUBLIC");
    expect(exitCode).toBe(0);
    expect(log.filter(({ level }) => level === "warn")).toMatchObject(warning("permission denied"));
  });

  test("when it has begun", async () => {
    await postgres.server.psql("app", "ALTER ROLE single CONNECTION LIMIT 1");
    const dump = await stalledDump("pg_dump");
    const run = startRcdump({ ...settings(localStore()), PATH: dump.path });
    await dump.begun();
    await until("rcdump has tried to look", async () => run.stderr().includes("could not look"));
    await dump.goOn();
    const { exitCode, log } = await run.outcome;
    expect(exitCode).toBe(0);
    expect(log.filter(({ level }) => level === "warn")).toMatchObject(
      warning('too many connections for role "single"'),
    );
  });
});
