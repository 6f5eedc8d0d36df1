/** `rcdump verify`: reads backups back, finds what is damaged, and tries them out on a server, where nothing is left of it. */
import { execa } from "execa";
import { cpSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeManifest, type Manifest } from "../../src/manifest.ts";
import { type Outcome, rcdump, type Run, startRcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { sha256 } from "../fixtures/manifests.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort, until } from "../fixtures/process.ts";
import { pathWith } from "../fixtures/programs.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";

type Engine = "postgres" | "mariadb";

let postgres: PostgresServer;
let mariadb: MariadbServer;
/** Backups of `app` and `crm` of each engine. */
const bases = { postgres: localStore(), mariadb: localStore() };
/** What a backup of `app` has in it: its SQL and its manifest. */
const app = {} as Record<Engine, { sql: string; manifest: Manifest }>;

beforeAll(async () => {
  [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  for (const name of ["app", "crm"]) {
    const common =
      "CREATE TABLE note (id int PRIMARY KEY, text varchar(60)); INSERT INTO note VALUES (7, 'seven'); CREATE VIEW last_note AS SELECT max(id) AS id FROM note;";
    await postgres.createDatabase(name);
    await postgres.psql(name, `${common} CREATE SEQUENCE counter`);
    await mariadb.createDatabase(name);
    await mariadb.query(name, common);
  }
  await Promise.all(
    (["postgres", "mariadb"] as const).map(async (engine) => {
      const store = bases[engine];
      await backUp(engine, store, { BACKUP_DATABASES: "app,crm", BACKUP_FILE_NAME: "${DB}" });
      app[engine] = {
        sql: gunzipSync(store.read("app.sql.gz")).toString(),
        manifest: store.manifest("app.sql.gz") as unknown as Manifest,
      };
    }),
  );
});
afterAll(() => Promise.all([postgres.stop(), mariadb.stop()]));

function settings(engine: Engine, store: LocalStore): Variables {
  return { ...store.env, ...(engine === "postgres" ? postgres : mariadb).env, BACKUP_ENGINE: engine };
}

function serverArguments(engine: Engine): readonly string[] {
  return engine === "mariadb" ? mariadb.args : [];
}

async function backUp(engine: Engine, store: LocalStore, variables: Variables): Promise<void> {
  const all = { ...settings(engine, store), BACKUP_DATABASES: "app", BACKUP_FILE_NAME: "x", ...variables };
  expect(await rcdump(all, serverArguments(engine))).toMatchObject({ exitCode: 0, message: "" });
}

function startVerify(
  engine: Engine,
  store: LocalStore,
  args: readonly string[],
  variables: Variables = {},
): Run {
  const command = ["verify", ...args, "--", ...serverArguments(engine)];
  return startRcdump({ ...settings(engine, store), ...variables }, command);
}

/** Verifies; whatever it finds, the store stays as it is. */
async function verify(...given: Parameters<typeof startVerify>): Promise<Outcome> {
  const before = given[1].snapshot();
  const outcome = await startVerify(...given).outcome;
  expect(given[1].snapshot()).toEqual(before);
  return outcome;
}

/** What it says of each backup, without sizes and times. */
function linesOf({ stdout }: Outcome): string[] {
  const lines = stdout.split("\n").slice(0, -1);
  return lines.map((line) =>
    line.replace(/ of \d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?, \d+(\.\d+)? k?B: /, " of TIME, SIZE: "),
  );
}

async function scratchDatabases(engine: Engine): Promise<string> {
  return engine === "postgres"
    ? postgres.psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'rcdump%'")
    : mariadb.query("", "SHOW DATABASES LIKE 'rcdump%'");
}

function copyOf(store: LocalStore): LocalStore {
  const copy = localStore();
  cpSync(store.folder, copy.folder, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** Puts a backup of `app` with this SQL into a store. */
function forge(
  engine: Engine,
  store: LocalStore,
  path: string,
  sql: string,
  changes: Partial<Manifest> = {},
): void {
  const measure = { bytes: Buffer.byteLength(sql), sha256: sha256(sql) };
  writeFileSync(join(store.folder, path), sql);
  const { manifest } = app[engine];
  const all: Manifest = {
    ...manifest,
    object: path,
    compression: "none",
    plain: measure,
    stored: measure,
    ...changes,
  };
  writeFileSync(join(store.folder, `${path}.manifest.json`), encodeManifest(all));
}

/** A store with one backup of `app`, whose dump is altered, and the manifest with it. */
function storeWith(engine: Engine, alter: (sql: string) => string): LocalStore {
  const store = localStore();
  const altered = alter(app[engine].sql);
  expect(altered).not.toBe(app[engine].sql);
  forge(engine, store, "x.sql", altered);
  return store;
}

/** Flips one bit of a file, in its middle. */
function flipBit(store: LocalStore, path: string): void {
  const bytes = store.read(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(join(store.folder, path), bytes);
}

describe.concurrent("which backups", () => {
  const store = localStore();
  const day = (date: string): Partial<Manifest> => ({
    started: `${date}T01:00:00.000Z`,
    finished: `${date}T01:30:00.000Z`,
  });
  beforeAll(() => {
    forge("postgres", store, "app-1.sql", app.postgres.sql, day("2026-03-01"));
    forge("postgres", store, "app-2.sql", app.postgres.sql, day("2026-03-02"));
    forge("postgres", store, "app-3.sql", app.postgres.sql, day("2026-03-03"));
    forge("postgres", store, "crm-1.sql", app.postgres.sql, { ...day("2026-03-01"), database: "crm" });
    forge("mariadb", store, "shop.sql", app.mariadb.sql, { ...day("2026-03-01"), database: "shop" });
  });

  test.for<[title: string, args: string[], paths: string[]]>([
    ["the newest of each database", [], ["app-3.sql", "crm-1.sql"]],
    ["the newest of one", ["--database", "app"], ["app-3.sql"]],
    ["all", ["--all"], ["app-1.sql", "app-2.sql", "app-3.sql", "crm-1.sql"]],
    ["all since a day", ["--since", "2026-03-02"], ["app-2.sql", "app-3.sql"]],
    ["one file", ["--file", "app-1.sql"], ["app-1.sql"]],
  ])("%s", async ([, args, paths]) => {
    const outcome = await verify("postgres", store, args);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    expect(linesOf(outcome).toSorted()).toEqual(
      paths.map((path) => `✓  ${path}  ${path.slice(0, 3)} of TIME, SIZE: intact`),
    );
    const left = outcome.log.filter(({ msg }) => msg.includes("another engine"));
    expect(left).toHaveLength(args.includes("--file") ? 0 : 1);
  });

  test.for<[title: string, args: string[], exitCode: number, message: RegExp]>([
    [
      "of no database that there is",
      ["--database", "ap"],
      22,
      /^there is no backup of ap in the remote\n {2}hint: there are backups of app, crm; `rcdump list` shows them$/,
    ],
    [
      "a file that is not there",
      ["--file", "app-9.sql"],
      22,
      /^there is no (object|backup) app-9\.sql in the remote\n {2}hint: /,
    ],
    [
      "since no time",
      ["--since", "yore"],
      2,
      /^--since is "yore", which is no time\n {2}hint: write a time such as/,
    ],
    ["since after the newest", ["--since", "2026-03-05"], 22, /^there is no backup .*2026-03-05/],
  ])("%s", async ([, args, exitCode, message]) => {
    const outcome = await verify("postgres", store, args);
    expect(outcome).toMatchObject({
      exitCode,
      message: expect.stringMatching(message) as string,
      stdout: "",
    });
  });

  test("an empty store", async () => {
    expect(await verify("postgres", localStore(), [])).toMatchObject({
      exitCode: 22,
      message:
        "there is no backup in the remote\n  hint: correct REMOTE_NAME and UPLOAD_PREFIX; `rcdump list --all` shows what lies there",
      stdout: "",
    });
  });
});

describe.concurrent("what is damaged", () => {
  const damages: [title: string, damage: (store: LocalStore) => void, problem: RegExp][] = [
    ["a flipped bit", (store) => flipBit(store, "app.sql.gz"), /: the object is not what was backed up/],
    [
      "another object of the same size",
      (store) =>
        writeFileSync(join(store.folder, "app.sql.gz"), Buffer.alloc(store.read("app.sql.gz").length, 7)),
      /: the object is not what was backed up/,
    ],
    [
      "a truncated object",
      (store) => truncateSync(join(store.folder, "app.sql.gz"), 400),
      / is 400 bytes long, and its manifest says \d+/,
    ],
    [
      "a manifest without its object",
      (store) => rmSync(join(store.folder, "app.sql.gz")),
      / is not there, only its manifest is/,
    ],
    [
      "a flipped bit in the manifest",
      (store) => flipBit(store, "app.sql.gz.manifest.json"),
      / has a manifest that is (damaged|not valid)/,
    ],
    [
      "a manifest of a newer version",
      (store) => {
        const newer = { ...app.postgres.manifest, schemaVersion: 2 } as unknown as Manifest;
        writeFileSync(join(store.folder, "app.sql.gz.manifest.json"), encodeManifest(newer));
      },
      / has a manifest that is of schema version 2, and this rcdump knows version 1: use a newer rcdump/,
    ],
  ];

  test.for(damages)("%s is told, and the others are verified", async ([, damage, problem]) => {
    const store = copyOf(bases.postgres);
    damage(store);
    const told = new RegExp(`^app\\.sql\\.gz${problem.source}`);
    const outcome = await verify("postgres", store, []);
    expect(outcome).toMatchObject({ exitCode: 30, message: "1 of 2 backups failed" });
    expect(linesOf(outcome).toSorted()).toEqual([
      "✓  crm.sql.gz  crm of TIME, SIZE: intact",
      expect.stringMatching(new RegExp(`^✗ {2}${told.source.slice(1)}`)),
    ]);
    const json = await verify("postgres", store, ["--deep", "--json", "--all"]);
    expect(json.exitCode).toBe(30);
    const results = JSON.parse(json.stdout) as { path: string; ok: boolean; problem?: string }[];
    expect(results.toSorted((left, right) => Number(right.ok) - Number(left.ok))).toEqual([
      { path: "crm.sql.gz", ok: true, found: "intact, and reads to its end" },
      {
        path: "app.sql.gz",
        ok: false,
        // Read further, it may show in another way first.
        problem: expect.stringMatching(problem.source.startsWith(":") ? /^app\.sql\.gz: / : told) as string,
      },
    ]);
  });

  test("one that is named and damaged is the error", async () => {
    const store = copyOf(bases.postgres);
    flipBit(store, "app.sql.gz");
    expect(await verify("postgres", store, ["--file", "app.sql.gz"])).toMatchObject({
      exitCode: 30,
      message: "app.sql.gz: the object is not what was backed up: its SHA-256 is not the manifest's",
    });
  });

  test("--deep finds what lies within: a dump that is not the one that was made, one that is cut", async () => {
    const store = localStore();
    const { sql } = app.postgres;
    const measure = { bytes: Buffer.byteLength(sql), sha256: sha256(`${sql} `) };
    forge("postgres", store, "other.sql", sql, { plain: measure });
    forge("postgres", store, "cut.sql", sql.slice(0, -200), { database: "crm" });
    forge("postgres", store, "unreadable.dump", "PGDMP\x01\x0e\x00", { format: "custom", database: "shop" });
    forge("postgres", store, "no.sql.gz", sql, {
      compression: "gzip",
      database: "zip",
      stored: { bytes: sql.length, sha256: sha256(sql) },
    });
    expect(await verify("postgres", store, [])).toMatchObject({ exitCode: 0, message: "" });
    const outcome = await verify("postgres", store, ["--deep"]);
    expect(outcome).toMatchObject({ exitCode: 30, message: "4 of 4 backups failed" });
    expect(linesOf(outcome).toSorted()).toEqual([
      expect.stringMatching(/^✗ {2}cut\.sql: what is stored is no complete dump: its end is missing$/),
      expect.stringMatching(/^✗ {2}no\.sql\.gz: what is stored cannot be decompressed: /),
      expect.stringMatching(/^✗ {2}other\.sql: the dump in it is not what was backed up/),
      expect.stringMatching(/^✗ {2}unreadable\.dump: pg_restore cannot read the dump: /),
    ]);
  });

  test("--deep needs the key, and plain verify does not", async () => {
    const folder = temporaryFolder("keys");
    const [identity, other] = ["identity", "other"].map((name) => join(folder, name));
    for (const file of [identity, other]) await execa("age-keygen", ["-o", file ?? ""]);
    const store = localStore();
    const { stdout: recipient } = await execa("age-keygen", ["-y", identity ?? ""]);
    await backUp("postgres", store, { ENCRYPT_RECIPIENTS: recipient });
    const good = await verify("postgres", store, []);
    expect(linesOf(good)).toEqual(["✓  x.sql.gz.age  app of TIME, SIZE: intact"]);
    expect(await verify("postgres", store, ["--deep"])).toMatchObject({
      exitCode: 31,
      message: expect.stringMatching(
        /^x\.sql\.gz\.age is encrypted, and there is nothing to decrypt it with\n/,
      ) as string,
      stdout: "",
    });
    const wrong = await verify("postgres", store, ["--deep"], { DECRYPT_IDENTITY_FILE: other });
    expect(wrong).toMatchObject({
      exitCode: 31,
      message: expect.stringMatching(/^x\.sql\.gz\.age: .*\n {2}hint: /) as string,
    });
    const deep = await verify("postgres", store, ["--deep"], { DECRYPT_IDENTITY_FILE: identity });
    expect(deep).toMatchObject({ exitCode: 0, message: "" });
    expect(linesOf(deep)).toEqual(["✓  x.sql.gz.age  app of TIME, SIZE: intact, and reads to its end"]);
    const tried = await verify("postgres", store, ["--restore"], { DECRYPT_IDENTITY_FILE: identity });
    expect(linesOf(tried)).toEqual(["✓  x.sql.gz.age  app of TIME, SIZE: restored and compared, equal"]);
  });

  test("--deep needs no server, for roles and for whole servers neither", async () => {
    const store = localStore();
    const named = { BACKUP_FILE_NAME: "${DB}" };
    await backUp("postgres", store, { ...named, BACKUP_GLOBALS: "true" });
    await backUp("postgres", store, { ...named, BACKUP_ALL: "true", BACKUP_DATABASES: "" });
    const nowhere = { PGHOST: "127.0.0.1", PGPORT: String(await freePort()) };
    const outcome = await verify("postgres", store, ["--deep"], nowhere);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    expect(linesOf(outcome)).toHaveLength(3);
  });

  test("a store that lists, but refuses to be read: 20, and what to do", async () => {
    const path = pathWith({
      rclone: `[[ ! "$*" =~ ^cat.*gz$ ]] || { echo "2026/11/21 02:00:00 ERROR : app.sql.gz: Failed to cat: failed to open for read: AccessDenied: Access Denied, status code: 403, request id: 1" >&2; exit 1; }
        exec $REAL "$@"`,
    });
    const args = ["--file", "app.sql.gz"];
    expect(await verify("postgres", bases.postgres, args, { PATH: path })).toMatchObject({
      exitCode: 20,
      message: expect.stringMatching(
        /^(app\.sql\.gz: )?cannot use store: .*AccessDenied.*403.*\n {2}hint: give these credentials the right to do this$/,
      ) as string,
      stdout: expect.stringMatching(/^✗ {2}.*AccessDenied/) as string,
    });
  });
});

describe("--restore", () => {
  test.for<Engine>(["postgres", "mariadb"])("%s: equal", async (engine) => {
    const outcome = await verify(engine, bases[engine], ["--restore", "--json"]);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    expect(
      (JSON.parse(outcome.stdout) as { path: string }[]).toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    ).toEqual([
      { path: "app.sql.gz", ok: true, found: "restored and compared, equal" },
      { path: "crm.sql.gz", ok: true, found: "restored and compared, equal" },
    ]);
    expect(await scratchDatabases(engine)).toBe("");
  });

  const random = "SELECT pg_catalog.setval('public.counter', floor(random() * 1e12)::bigint, true);";
  const postgresEnd = "\n--\n-- PostgreSQL database dump complete\n";
  const mariadbEnd = "\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;";
  test.for<[title: string, engine: Engine, alter: (sql: string) => string, differences: string[]]>([
    [
      "a function that is evaluated anew",
      "postgres",
      (sql) => sql.replace("SELECT pg_catalog.setval('public.counter', 1, false);", random),
      ["SEQUENCE SET public.counter differs"],
    ],
    [
      "an object that is gone in the end, and one that is new",
      "postgres",
      (sql) =>
        sql.replace(
          postgresEnd,
          (end) => `\nDROP VIEW public.last_note; CREATE TABLE public.extra (a int);\n${end}`,
        ),
      // Where they stand, they belong to what stood before them.
      ["VIEW public.last_note is missing", "TABLE public.extra is not in the backup"],
    ],
    [
      "a value that is computed anew",
      "mariadb",
      (sql) => sql.replace("(7,'seven')", "(7,uuid())"),
      ["TABLE DATA note differs"],
    ],
    [
      "a view that is gone in the end",
      "mariadb",
      (sql) => sql.replace(mariadbEnd, (end) => `\nDROP VIEW last_note;\n${end}`),
      ["VIEW last_note is missing"],
    ],
  ])("%s, %s: 30, and which objects", async ([, engine, alter, differences]) => {
    const outcome = await verify(engine, storeWith(engine, alter), ["--restore"]);
    expect(outcome.exitCode).toBe(30);
    const [first, ...rest] = outcome.message.split("\n  - ");
    expect(first).toMatch(/^x\.sql: what was restored from it differs in \d objects?$/);
    for (const difference of differences) expect(rest).toContain(difference);
    expect(outcome.stdout).toMatch(/^✗ {2}x\.sql: what was restored from it differs/);
    expect(await scratchDatabases(engine)).toBe("");
  });

  test.for<[engine: Engine, sql: string, words: RegExp]>([
    ["postgres", "SELECT 1/0;", /failed: ERROR: {2}division by zero/],
    ["mariadb", "SELECT * FROM nowhere;", /failed: ERROR 1146 /],
  ])("%s: one that cannot be restored", async ([engine, sql, words]) => {
    const end = engine === "postgres" ? postgresEnd : mariadbEnd;
    const store = storeWith(engine, (dump) => dump.replace(end, () => `\n${sql}\n${end}`));
    const outcome = await verify(engine, store, ["--restore"]);
    expect(outcome).toMatchObject({ exitCode: 40, message: expect.stringMatching(words) as string });
    expect(outcome.stdout).toMatch(/^✗ {2}/);
    expect(outcome.stdout).toContain("x.sql");
    expect(await scratchDatabases(engine)).toBe("");
  });

  test.for<[engine: Engine, sql: string]>([
    ["postgres", "SELECT pg_sleep(600);"],
    ["mariadb", "SELECT sleep(600);"],
  ])("%s: SIGTERM in the middle: 143, and the scratch database is dropped", async ([engine, sql]) => {
    const end = engine === "postgres" ? postgresEnd : mariadbEnd;
    const store = storeWith(engine, (dump) => dump.replace(end, () => `\n${sql}\n${end}`));
    const run = startVerify(engine, store, ["--restore"]);
    await until(
      "it sleeps",
      async () => {
        const count =
          engine === "postgres"
            ? await postgres.psql(
                "postgres",
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
              )
            : await mariadb.query(
                "",
                "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep%'",
              );
        return count === "1";
      },
      60_000,
    );
    expect(await scratchDatabases(engine)).toMatch(/^rcdump_verify_[0-9a-f]{12}$/);
    run.kill("SIGTERM");
    const { exitCode, message, stdout } = await run.outcome;
    expect({ exitCode, message, stdout }).toEqual({
      exitCode: 143,
      message: "cancelled by SIGTERM",
      stdout: "",
    });
    expect(await scratchDatabases(engine)).toBe("");
  });

  test("no right to create a database", async () => {
    await postgres.psql("postgres", "CREATE ROLE clerk LOGIN PASSWORD 'clerks-own-81'");
    const clerk = { PGUSER: "clerk", PGPASSWORD: "clerks-own-81" };
    const outcome = await verify("postgres", bases.postgres, ["--restore", "--database", "app"], clerk);
    expect(outcome).toMatchObject({
      exitCode: 40,
      message: expect.stringMatching(
        /permission denied to create database\n {2}hint: grant this account CREATEDB/,
      ) as string,
    });
    expect(outcome.message).not.toContain("leave --create out");
  });

  test("databases of another encoding are no different for it", async () => {
    for (const [name, encoding] of [
      ["latin", "LATIN1"],
      ["raw", "SQL_ASCII"],
    ]) {
      await postgres.psql(
        "postgres",
        `CREATE DATABASE ${name} ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
      );
      await postgres.psql(
        name ?? "",
        "SET client_encoding = 'UTF8'; CREATE TABLE word AS SELECT 'Größe'::text AS a",
      );
    }
    const store = localStore();
    await backUp("postgres", store, { BACKUP_DATABASES: "latin,raw", BACKUP_FILE_NAME: "${DB}" });
    const outcome = await verify("postgres", store, ["--restore"]);
    expect(linesOf(outcome).toSorted()).toEqual([
      "✓  latin.sql.gz  latin of TIME, SIZE: restored and compared, equal",
      "✓  raw.sql.gz  raw of TIME, SIZE: restored and compared, equal",
    ]);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    expect(await scratchDatabases("postgres")).toBe("");
  });

  test("nor are those that write times and bytes in their own way, if the account does not", async () => {
    await postgres.createDatabase("zoned");
    await postgres.psql(
      "zoned",
      `ALTER DATABASE zoned SET timezone = 'Europe/Berlin';
       ALTER DATABASE zoned SET bytea_output = 'escape';
       CREATE TABLE event AS SELECT '2026-07-01 12:00+00'::timestamptz AS at;
       CREATE TABLE file AS SELECT '\\x00ff'::bytea AS bytes;
       CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'keepers-own-81';
       ALTER ROLE keeper SET bytea_output = 'hex'`,
    );
    const zoned = { BACKUP_DATABASES: "zoned" };
    const byOther = localStore();
    await backUp("postgres", byOther, zoned);
    expect(await verify("postgres", byOther, ["--restore"])).toMatchObject({
      exitCode: 30,
      message: expect.stringMatching(
        /differs in 1 object\n {2}- TABLE DATA public\.file differs\n {2}hint: .* ALTER ROLE \.\.\. SET bytea_output = 'hex' for the account/,
      ) as string,
    });
    const store = localStore();
    const keeper = { PGUSER: "keeper", PGPASSWORD: "keepers-own-81" };
    await backUp("postgres", store, { ...zoned, ...keeper });
    const outcome = await verify("postgres", store, ["--restore"], keeper);
    expect(linesOf(outcome)).toEqual(["✓  x.sql.gz  zoned of TIME, SIZE: restored and compared, equal"]);
  });

  test("nor is one that subscribes to another: its copy is dropped, and one that was left; the publisher is not asked", async () => {
    const subscribe =
      "CREATE SUBSCRIPTION news CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false)";
    for (const name of ["subscriber", "rcdump_verify_000000100000"]) {
      await postgres.createDatabase(name);
      await postgres.psql(name, `CREATE TABLE note AS SELECT 1 AS id; ${subscribe}`);
    }
    const store = localStore();
    await backUp("postgres", store, { BACKUP_DATABASES: "subscriber" });
    const outcome = await verify("postgres", store, ["--restore"]);
    expect(linesOf(outcome)).toEqual(["✓  x.sql.gz  subscriber of TIME, SIZE: restored and compared, equal"]);
    expect(outcome.log.filter(({ level }) => level === "warn")).toEqual([]);
    expect(await scratchDatabases("postgres")).toBe("");
    const left = "SELECT datname, subslotname FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid";
    expect(await postgres.psql("postgres", left)).toBe("subscriber|news");
  });

  test("nor are they on a server whose roles were created in another order", async () => {
    const roles = ["ann", "Zoë", "bob"];
    await using other = await startPostgres();
    await using origin = await startPostgres();
    for (const role of roles) await origin.psql("postgres", `CREATE ROLE "${role}"`);
    for (const role of roles.toReversed()) await other.psql("postgres", `CREATE ROLE "${role}"`);
    await origin.createDatabase("shared");
    await origin.psql(
      "shared",
      `CREATE TABLE note (a int);
       CREATE POLICY two ON note FOR SELECT TO bob, "Zoë", ann USING (a > 1);
       GRANT SELECT ON note TO bob, ann, "Zoë";
       GRANT SELECT (a) ON note TO "Zoë", ann;
       ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO bob, "Zoë", ann;
       ALTER DEFAULT PRIVILEGES FOR ROLE ann GRANT SELECT ON TABLES TO bob, "Zoë"`,
    );
    const store = localStore();
    await backUp("postgres", store, { ...origin.env, BACKUP_DATABASES: "shared" });
    const outcome = await verify("postgres", store, ["--restore"], other.env);
    expect(linesOf(outcome)).toEqual(["✓  x.sql.gz  shared of TIME, SIZE: restored and compared, equal"]);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
  });

  test("roles are read to their end, and said not to be tried out", async () => {
    const store = localStore();
    await backUp("postgres", store, { BACKUP_GLOBALS: "true", BACKUP_FILE_NAME: "${DB}" });
    const outcome = await verify("postgres", store, ["--restore"]);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    expect(linesOf(outcome).toSorted()).toEqual([
      "✓  app.sql.gz  app of TIME, SIZE: restored and compared, equal",
      expect.stringMatching(
        /^✓ {2}pg_globals\.sql\.gz .* of TIME, SIZE: intact, and reads to its end; a dump of .* cannot be tried out beside others$/,
      ),
    ]);
  });
});
