/** `rcdump restore` into PostgreSQL: the way back, bad input, damage, and faults on the way. A target is changed wholly or not at all. */
import { execa } from "execa";
import { cpSync, existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeManifest, type Manifest } from "../../src/manifest.ts";
import { type Outcome, rcdump, type Run, startRcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { sha256 } from "../fixtures/manifests.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { family } from "../fixtures/command-lines.ts";
import { until } from "../fixtures/process.ts";
import { pathWith } from "../fixtures/programs.ts";
import { Session } from "../fixtures/session.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";
import { startCuttingProxy } from "../fixtures/tcp.ts";

let server: PostgresServer;
/** Backups of `app`, `app_test` and `App`. */
const base = localStore();
/** The SQL in the backup of `app`, and its manifest. */
let appSql: string;
let appManifest: Manifest;

const clerksPassword = "clerks-own-81";

beforeAll(async () => {
  server = await startPostgres();
  for (const name of ["app", "app_test", "App"]) {
    await server.createDatabase(name);
    await server.psql(
      name,
      "CREATE TABLE note (id int PRIMARY KEY, text text); INSERT INTO note SELECT n, current_database() || n FROM generate_series(1, 2000) n; CREATE VIEW last_note AS SELECT max(id) AS id FROM note",
    );
  }
  await server.psql("postgres", `CREATE ROLE clerk LOGIN PASSWORD '${clerksPassword}'`);
  await server.psql("postgres", `CREATE ROLE maker LOGIN CREATEDB PASSWORD '${clerksPassword}'`);
  await backUp(base, { BACKUP_DATABASES: "app,app_test,App", BACKUP_FILE_NAME: "${DB}" });
  appSql = gunzipSync(base.read("app.sql.gz")).toString();
  appManifest = base.manifest("app.sql.gz") as unknown as Manifest;
});
afterAll(() => server.stop());

function settings(store: LocalStore): Variables {
  return { ...store.env, ...server.env, BACKUP_ENGINE: "postgres" };
}

/** Backs up, which must go well. */
async function backUp(
  store: LocalStore,
  variables: Variables,
  args: readonly string[] = [],
): Promise<Outcome> {
  const outcome = await rcdump({ ...settings(store), BACKUP_DATABASES: "app", ...variables }, args);
  expect(outcome).toMatchObject({ exitCode: 0, message: "" });
  return outcome;
}

function startRestore(store: LocalStore, args: readonly string[], variables: Variables = {}): Run {
  return startRcdump({ ...settings(store), ...variables }, ["restore", "--yes", ...args]);
}

async function restore(
  store: LocalStore,
  args: readonly string[],
  variables: Variables = {},
): Promise<Pick<Outcome, "exitCode" | "message" | "log">> {
  const before = store.snapshot();
  const { exitCode, message, log, stdout } = await startRestore(store, args, variables).outcome;
  expect(stdout).toBe("");
  // Whatever becomes of a restore, what is stored stays as it is.
  expect(store.snapshot()).toEqual(before);
  return { exitCode, message, log };
}

/** A restore that must go well. */
async function bringBack(
  store: LocalStore,
  args: readonly string[],
  variables: Variables = {},
): Promise<string> {
  const { exitCode, message, log } = await restore(store, args, variables);
  expect({ exitCode, message }).toEqual({ exitCode: 0, message: "" });
  return log.at(-1)?.msg ?? "";
}

/** A restore that must not; resolves to its exit code and message. */
async function fail(
  store: LocalStore,
  args: readonly string[],
  variables: Variables = {},
): Promise<[exitCode: number, message: string]> {
  const { exitCode, message, log } = await restore(store, args, variables);
  expect(log.filter(({ msg }) => msg.startsWith("restored "))).toEqual([]);
  return [exitCode, message];
}

/** Everything in a database, as pg_dump writes it. */
async function contentsOf(database: string): Promise<string> {
  const { stdout } = await execa("pg_dump", { env: { ...server.env, PGDATABASE: database } });
  return stdout
    .split("\n")
    .filter((line) => !/^\\(un)?restrict /.test(line))
    .join("\n");
}

async function exists(database: string): Promise<boolean> {
  const quoted = database.replaceAll("'", "''");
  return (await server.psql("postgres", `SELECT 1 FROM pg_database WHERE datname = '${quoted}'`)) === "1";
}

/** A store of one's own with what is in another. */
function copyOf(store: LocalStore): LocalStore {
  const copy = localStore();
  cpSync(store.folder, copy.folder, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** Puts a backup of `app` with this SQL into a store. */
function forge(store: LocalStore, path: string, sql: string, changes: Partial<Manifest> = {}): void {
  const measure = { bytes: Buffer.byteLength(sql), sha256: sha256(sql) };
  writeFileSync(join(store.folder, path), sql);
  const manifest: Manifest = {
    ...appManifest,
    object: path,
    compression: "none",
    plain: measure,
    stored: measure,
    ...changes,
  };
  writeFileSync(join(store.folder, `${path}.manifest.json`), encodeManifest(manifest));
}

/** Flips one bit of a file, in its middle. */
function flipBit(store: LocalStore, path: string): void {
  const bytes = store.read(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(join(store.folder, path), bytes);
}

function secretFile(text: string): string {
  const file = join(temporaryFolder("secret"), "secret");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** A store with one backup of `app`, whose dump has all of this SQL before its end. */
function storeWith(sql: string, changes: Partial<Manifest> = {}): LocalStore {
  const store = localStore();
  const end = "\n--\n-- PostgreSQL database dump complete\n";
  forge(
    store,
    "app.sql",
    appSql.replace(end, () => `\n${sql}\n${end}`),
    changes,
  );
  return store;
}

describe.concurrent("where it goes", () => {
  test("the newest, into a database that is made for it; nothing else is touched", async () => {
    const original = await contentsOf("app");
    const said = await bringBack(base, ["--database", "app", "--to", "fresh", "--create"]);
    expect(said).toMatch(/^restored app\.sql\.gz into fresh, \d+(\.\d+)? kB in \d+\.\d s$/);
    expect(await contentsOf("fresh")).toBe(original);
    expect(await contentsOf("app")).toBe(original);
  });

  test("a name is matched letter by letter; and it says first what it is going to do", async () => {
    const name = "App";
    const { exitCode, log } = await restore(base, ["--database", name, "--to", "told", "--create"]);
    expect(exitCode).toBe(0);
    expect(await contentsOf("told")).toBe(await contentsOf(name));
    expect(log[0]?.msg.replaceAll(/ +$/gm, "")).toMatch(
      new RegExp(
        String.raw`^about to restore
  backup +App\.sql\.gz
  of +App
  made +\S+ \S+ UTC, .* ago
  size +\d+(\.\d+)? kB
  into +database told on PostgreSQL [\d.]+ at 127\.0\.0\.1:${server.port}
  now +not there; it will be created$`,
      ),
    );
  });

  test("a database that is read-only by default, as one may be until it is restored", async () => {
    await server.createDatabase("closed");
    await server.psql("postgres", "ALTER DATABASE closed SET default_transaction_read_only = on");
    await bringBack(base, ["--database", "app", "--to", "closed"]);
    expect(await contentsOf("closed")).toBe(await contentsOf("app"));
  });

  test("an empty database that is there needs no option", async () => {
    await server.createDatabase("waiting");
    await bringBack(base, ["--file", "App.sql.gz", "--to", "waiting"]);
    expect(await server.psql("waiting", "SELECT text FROM note WHERE id = 7")).toBe("App7");
  });

  test.for(["it's\\a", 'say "Hi" ☃', "dbname=postgres", "-Fd", "p".repeat(63)])(
    "--to %s --create",
    async (name) => {
      await bringBack(base, ["--database", "app", `--to=${name}`, "--create"]);
      expect(await server.psql(name, "SELECT count(*) FROM note")).toBe("2000");
    },
  );
});

describe.concurrent("which backup", () => {
  const store = localStore();
  beforeAll(() => {
    for (const [version, hour] of [
      ["one", "01"],
      ["two", "02"],
      ["three", "03"],
    ] as const)
      forge(store, `app-${version}.sql`, appSql.replaceAll("app7\n", `${version}\n`), {
        started: `2026-03-04T${hour}:00:00.000Z`,
        finished: `2026-03-04T${hour}:30:00.000Z`,
      });
  });

  test.for<[title: string, args: string[], version: string]>([
    ["the newest", [], "three"],
    ["begun at that very moment", ["--at", "2026-03-04T02:00:00Z"], "two"],
    ["begun by then, finished or not", ["--at", "2026-03-04T02:15"], "two"],
    ["in another zone", ["--at", "2026-03-04T03:35:00+02:00"], "one"],
  ])("%s", async ([title, args, version]) => {
    await bringBack(store, [...args, "--to", title, "--create"]);
    expect(await server.psql(title, "SELECT text FROM note WHERE id = 7")).toBe(version);
  });

  test("a time before the first: 22, and when the first was", async () => {
    expect(await fail(store, ["--at", "2026-03-04T00:59:59Z", "--to", "none"])).toEqual([
      22,
      "there is no backup of app that was begun by 2026-03-04T00:59:59.000Z\n  hint: the first was begun at 2026-03-04T01:00:00.000Z",
    ]);
  });
});

describe.concurrent("formats, compression and keys", () => {
  test.for<[title: string, variables: Variables, args: string[], ending: string]>([
    ["custom format", {}, ["-Fc"], ".dump"],
    ["tar format", { BACKUP_COMPRESSION: "none" }, ["-Ft"], ".tar"],
    ["zstd", { BACKUP_COMPRESSION: "zstd" }, [], ".sql.zst"],
  ])("%s", async ([title, variables, args, ending]) => {
    const store = localStore();
    await backUp(store, { ...variables, BACKUP_FILE_NAME: "x" }, args);
    expect(store.onlyObject()).toBe(`x${ending}`);
    await bringBack(store, ["--to", title, "--create"]);
    expect(await contentsOf(title)).toBe(await contentsOf("app"));
  });

  test("age: with its key; not with another, not without one, not with the public one", async () => {
    const [identity, other] = [secretFile(""), secretFile("")].map((file) => `${file}-age`);
    for (const file of [identity, other]) await execa("age-keygen", ["-o", file ?? ""]);
    const recipient = (await execa("age-keygen", ["-y", identity ?? ""])).stdout;
    const store = localStore();
    await backUp(store, { ENCRYPT_RECIPIENTS: recipient, BACKUP_FILE_NAME: "x" });
    await bringBack(store, ["--to", "by age", "--create"], { DECRYPT_IDENTITY_FILE: identity });
    expect(await contentsOf("by age")).toBe(await contentsOf("app"));

    const target = ["--to", "unread", "--create"];
    expect(await fail(store, target, { DECRYPT_IDENTITY_FILE: other })).toEqual([
      31,
      expect.stringMatching(/^x\.sql\.gz\.age: .*\n {2}hint: give the identity \(the private key\)/),
    ]);
    expect(await fail(store, target)).toEqual([
      31,
      "x.sql.gz.age is encrypted, and there is nothing to decrypt it with\n  hint: set DECRYPT_IDENTITY_FILE to the private key, or DECRYPT_PASSPHRASE_FILE if it was made with a passphrase",
    ]);
    const publicFile = secretFile(`${recipient}\n`);
    expect(await fail(store, target, { DECRYPT_IDENTITY_FILE: publicFile })).toEqual([
      2,
      `DECRYPT_IDENTITY_FILE (${publicFile}): line 1: this is an age recipient (age1...), not an identity\n  hint: give the private key: the file that age-keygen wrote, or an ssh private key`,
    ]);
    expect(await fail(store, target, { DECRYPT_IDENTITY_FILE: "/nowhere/key" })).toEqual([
      2,
      "DECRYPT_IDENTITY_FILE names /nowhere/key, which does not exist\n  hint: mount the file there and let the user this runs as read it, or correct the path",
    ]);
    expect(await exists("unread")).toBe(false);
  });

  test("ssh ed25519, bare and protected by a passphrase", async () => {
    const folder = temporaryFolder("ssh");
    const key = (name: string): string => join(folder, name);
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key("bare")]);
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "open sesame", "-f", key("protected")]);
    const { stdout } = await execa("cat", [key("bare.pub"), key("protected.pub")]);
    const store = localStore();
    await backUp(store, { ENCRYPT_RECIPIENTS_FILE: secretFile(stdout), BACKUP_FILE_NAME: "x" });
    await bringBack(store, ["--to", "by ssh", "--create"], { DECRYPT_IDENTITY_FILE: key("bare") });
    const secret = { DECRYPT_IDENTITY_FILE: key("protected") };
    await bringBack(store, ["--to", "by protected ssh", "--create"], {
      ...secret,
      DECRYPT_PASSPHRASE_FILE: secretFile("open sesame\n"),
    });
    for (const name of ["by ssh", "by protected ssh"])
      expect(await server.psql(name, "SELECT count(*) FROM note")).toBe("2000");
    const wrong = { ...secret, DECRYPT_PASSPHRASE_FILE: secretFile("shut") };
    expect(await fail(store, ["--to", "shut", "--create"], wrong)).toEqual([
      2,
      expect.stringMatching(/^DECRYPT_IDENTITY_FILE \(.*\): .*passphrase/),
    ]);
    expect(await fail(store, ["--to", "shut", "--create"], secret)).toEqual([
      2,
      expect.stringMatching(
        /^DECRYPT_IDENTITY_FILE \(.*\): .*protected by a passphrase\n.*DECRYPT_PASSPHRASE_FILE/,
      ),
    ]);
    const publicKey = { DECRYPT_IDENTITY_FILE: key("bare.pub") };
    expect(await fail(store, ["--to", "shut", "--create"], publicKey)).toEqual([
      2,
      expect.stringMatching(/this is an ssh public key, not an identity\n {2}hint: give the private key/),
    ]);
    expect(await exists("shut")).toBe(false);
  });

  test("a passphrase, and a wrong one", async () => {
    const store = localStore();
    await backUp(store, { ENCRYPT_PASSPHRASE_FILE: secretFile("open sesame\n"), BACKUP_FILE_NAME: "x" });
    const right = { DECRYPT_PASSPHRASE_FILE: secretFile("open sesame") };
    await bringBack(store, ["--to", "by passphrase", "--create"], right);
    expect(await server.psql("by passphrase", "SELECT count(*) FROM note")).toBe("2000");
    const wrong = { DECRYPT_PASSPHRASE_FILE: secretFile("open barley") };
    expect(await fail(store, ["--to", "not by passphrase", "--create"], wrong)).toEqual([
      31,
      expect.stringMatching(/^x\.sql\.gz\.age: .*\n {2}hint: .*passphrase/),
    ]);
    expect(await exists("not by passphrase")).toBe(false);
  });
});

describe.concurrent("bad input", () => {
  const several =
    "there are backups of App, app, app_test\n  hint: say which with --database NAME, or choose one by --file PATH; `rcdump list` shows them";
  const options = "\n  hint: `rcdump restore --help` has the options";
  const fileChooses = "--file chooses one backup, and --at, --database and --server choose as well";
  const app = ["--database", "app"];

  test.for<[title: string, args: string[], exitCode: number, message: string]>([
    ["several databases and none named", ["--to", "bad", "--create"], 2, several],
    [
      "a database without a backup",
      ["--database", "ap"],
      22,
      "there is no backup of ap in the remote\n  hint: there are backups of App, app, app_test; `rcdump list` shows them",
    ],
    [
      "another server's",
      [...app, "--server", "db.example.org"],
      22,
      "there is no backup of app from db.example.org in the remote\n  hint: there are backups of App, app, app_test; `rcdump list` shows them",
    ],
    [
      "no time",
      [...app, "--at", "yesterday"],
      2,
      '--at is "yesterday", which is no time\n  hint: write a time such as 2026-11-21T02:00 or 2026-11-21T02:00:00Z, a day, or how long ago it was, such as 7d',
    ],
    [
      "a file that is not there",
      ["--file", "ap.sql.gz", "--to", "bad", "--create"],
      22,
      "there is no backup ap.sql.gz in the remote\n  hint: paths are relative to UPLOAD_PREFIX; `rcdump list --all` shows them",
    ],
    [
      "the same, unverified",
      ["--file", "ap.sql.gz", "--unverified", "--to", "bad", "--create"],
      22,
      "there is no backup ap.sql.gz in the remote\n  hint: paths are relative to UPLOAD_PREFIX; `rcdump list --all` shows them",
    ],
    ["--file and --at", ["--file", "app.sql.gz", "--at", "1d"], 2, `${fileChooses}${options}`],
    [
      "--file of another database",
      ["--file", "app.sql.gz", "--database", "App"],
      2,
      `${fileChooses}${options}`,
    ],
    [
      "--unverified without --file",
      ["--unverified", "--to", "bad"],
      2,
      `--unverified is for a dump that --file names${options}`,
    ],
    [
      "--unverified without --to",
      ["--unverified", "--file", "app.sql.gz"],
      2,
      `--unverified knows nothing of the dump: say with --to which database it goes to${options}`,
    ],
    [
      "--swap and --create",
      [...app, "--swap", "--create"],
      2,
      `--swap replaces a database and --create makes one${options}`,
    ],
    [
      "a target that is not there",
      [...app, "--to", "bad"],
      41,
      "there is no database bad on the server\n  hint: add --create, or name another with --to",
    ],
    [
      "--swap of one that is not there",
      [...app, "--to", "bad", "--swap"],
      41,
      "there is no database bad on the server\n  hint: leave --swap out and add --create",
    ],
    [
      "a target that differs in case only",
      [...app, "--to", "APP"],
      41,
      "there is no database APP on the server\n  hint: add --create, or name another with --to",
    ],
    [
      "--to without a name",
      [...app, "--to"],
      2,
      "--to has no value\n  hint: write it behind, as in --to=VALUE",
    ],
  ])("%s", async ([, args, exitCode, message]) => {
    expect(await fail(base, args)).toEqual([exitCode, message]);
    expect(await exists("bad")).toBe(false);
  });

  test.for([[], ["--to", "app", "--create"]])("a target that is not empty: %j", async (args) => {
    const before = await contentsOf("app");
    expect(await fail(base, [...app, ...args])).toEqual([
      41,
      expect.stringMatching(
        /^database app is not empty: it has 1 table with about [\d,]+ rows and 1 other object\n {2}hint: restore into another \(--to NAME --create\), replace it and keep it under another name \(--swap\), or restore into it as it is \(--force\)$/,
      ),
    ]);
    expect(await contentsOf("app")).toBe(before);
  });

  test.for<[what: string, sql: string]>([
    ["a composite type", "CREATE TYPE pair AS (a int, b int)"],
    ["a schema", "CREATE SCHEMA stuff"],
    ["a large object", "SELECT lo_create(0)"],
  ])("a target that has but %s is not empty", async ([what, sql]) => {
    await server.createDatabase(`has ${what}`);
    await server.psql(`has ${what}`, sql);
    const [exitCode, message] = await fail(base, [...app, "--to", `has ${what}`]);
    expect([exitCode, message]).toEqual([
      41,
      expect.stringContaining(
        `database has ${what} is not empty: it has 0 tables with about 0 rows and 1 other object`,
      ),
    ]);
  });

  test("an empty store", async () => {
    expect(await fail(localStore(), [])).toEqual([
      22,
      "there is no backup in the remote\n  hint: correct REMOTE_NAME and UPLOAD_PREFIX; `rcdump list --all` shows what lies there",
    ]);
  });

  test("backups of several servers", async () => {
    const store = storeWith("");
    forge(store, "other.sql", appSql, { server: { ...appManifest.server, host: "db.example.org" } });
    const ours = `127.0.0.1:${server.port}`;
    expect(await fail(store, ["--to", "bad", "--create"])).toEqual([
      2,
      `there are backups of app from several servers: ${ours}, db.example.org:${server.port}\n  hint: say which with --server ${ours}, or choose one by --file PATH`,
    ]);
    await bringBack(store, ["--server", "db.example.org", "--to", "from another server", "--create"]);
    expect(await contentsOf("from another server")).toBe(await contentsOf("app"));
  });

  test("another engine's backup", async () => {
    const store = localStore();
    forge(store, "app.sql", appSql, { engine: "mariadb" });
    expect(await fail(store, ["--file", "app.sql", "--to", "bad", "--create"])).toEqual([
      2,
      "app.sql is a backup of mariadb, and this is for postgres\n  hint: use rcdump's image for mariadb",
    ]);
    expect((await fail(store, ["--to", "bad", "--create"]))[0]).toBe(22);
  });

  test("nobody to ask and no --yes", async () => {
    await server.createDatabase("unasked");
    const { exitCode, message } = await rcdump(settings(base), ["restore", ...app, "--to", "unasked"]);
    expect([exitCode, message]).toEqual([
      2,
      "restore asks before it begins, and there is no terminal to ask at\n  hint: add --yes",
    ]);
    expect(await contentsOf("unasked")).not.toContain("note");
  });

  test("a dump without a manifest, and one without a name of its own", async () => {
    const store = localStore();
    writeFileSync(join(store.folder, "old.sql"), appSql);
    writeFileSync(join(store.folder, "old.backup"), appSql);
    expect(await fail(store, ["--file", "old.sql", "--to", "bad", "--create"])).toEqual([
      22,
      "old.sql has no manifest: it is unfinished, or was made by something else\n  hint: add --unverified and --to NAME to restore it all the same",
    ]);
    const unverified = ["--unverified", "--to", "bad", "--create"];
    expect(await fail(store, ["--file", "old.backup", ...unverified])).toEqual([
      2,
      "old.backup is not named like a dump\n  hint: its name must tell what it is: .sql, .dump or .tar, then .gz or .zst, then .age, each where it applies; restore another one by hand",
    ]);
    expect(await exists("bad")).toBe(false);
  });

  test("no right to create a database", async () => {
    const clerk = { PGUSER: "clerk", PGPASSWORD: clerksPassword };
    expect(await fail(base, [...app, "--to", "denied", "--create"], clerk)).toEqual([
      40,
      "cannot create database denied: ERROR:  permission denied to create database\n  hint: grant this account CREATEDB, or restore into an empty database that was made for it",
    ]);
    expect(await exists("denied")).toBe(false);
  });

  test("no right to own what is in the dump: what was created is dropped", async () => {
    const maker = { PGUSER: "maker", PGPASSWORD: clerksPassword };
    const [exitCode, message] = await fail(base, [...app, "--to", "not owned", "--create"], maker);
    expect([exitCode, message]).toEqual([
      40,
      'restore into not owned failed: ERROR:  must be member of role "postgres"\n  hint: restore as a superuser, or as the owner of the objects',
    ]);
    expect(await exists("not owned")).toBe(false);
  });
});

describe.concurrent("into a database that is not empty, with --force", () => {
  test("what is there already stops it, and leaves all as it was", async () => {
    await bringBack(base, ["--database", "app", "--to", "filled", "--create"]);
    await server.psql("filled", "DELETE FROM note WHERE id > 5; CREATE TABLE mine AS SELECT 1 AS a");
    const before = await contentsOf("filled");
    expect(await fail(base, ["--database", "app", "--to", "filled", "--force"])).toEqual([
      40,
      'restore into filled failed: ERROR:  relation "note" already exists; filled is as it was\n  hint: the database has this already: restore into an empty one (--to NAME --create), or replace it (--swap)',
    ]);
    expect(await contentsOf("filled")).toBe(before);
  });

  test("what does not get in its way stays", async () => {
    await server.createDatabase("beside");
    await server.psql("beside", "CREATE TABLE mine AS SELECT 1 AS a");
    await bringBack(base, ["--database", "app", "--to", "beside", "--force"]);
    expect(await server.psql("beside", "SELECT a, (SELECT count(*) FROM note) FROM mine")).toBe("1|2000");
  });

  test("large objects, which pg_dump commits by itself: what fails after them leaves all as it was", async () => {
    await server.createDatabase("blobs");
    await server.psql(
      "blobs",
      "SELECT lo_from_bytea(0, 'a picture'); CREATE TABLE album AS SELECT 1 AS a; CREATE INDEX by_a ON album (a)",
    );
    const store = localStore();
    await backUp(store, { BACKUP_DATABASES: "blobs", BACKUP_FILE_NAME: "x" });
    await server.createDatabase("late");
    await server.psql("late", "CREATE TABLE other AS SELECT 1 AS a; CREATE INDEX by_a ON other (a)");
    const before = await contentsOf("late");
    expect(await fail(store, ["--to", "late", "--force"])).toEqual([
      40,
      expect.stringMatching(
        /^restore into late failed: ERROR: {2}relation "by_a" already exists; late is as it was\n/,
      ),
    ]);
    expect(await contentsOf("late")).toBe(before);
    await bringBack(store, ["--to", "blobs again", "--create"]);
    expect(await contentsOf("blobs again")).toBe(await contentsOf("blobs"));
  });

  test("the same behind a function whose text has a COPY statement in it", async () => {
    await server.createDatabase("examples");
    await server.psql(
      "examples",
      `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$
/*
COPY t FROM stdin;
*/ SELECT 1 $$;
       SELECT lo_from_bytea(0, 'a picture'); CREATE TABLE album AS SELECT 1 AS a; CREATE INDEX by_a ON album (a)`,
    );
    const store = localStore();
    await backUp(store, { BACKUP_DATABASES: "examples", BACKUP_FILE_NAME: "x" }, ["--inserts"]);
    await server.createDatabase("later");
    await server.psql("later", "CREATE TABLE other AS SELECT 1 AS a; CREATE INDEX by_a ON other (a)");
    const before = await contentsOf("later");
    expect(await fail(store, ["--to", "later", "--force"])).toEqual([
      40,
      expect.stringContaining('relation "by_a" already exists; later is as it was'),
    ]);
    expect(await contentsOf("later")).toBe(before);
  });
});

test("data and code that look like \\connect are no way out: such a backup restores", async () => {
  await server.createDatabase("scripts");
  await server.psql(
    "scripts",
    `CREATE TABLE script AS SELECT E'one\\n\\\\connect app\\ntwo' AS text;
     CREATE FUNCTION help() RETURNS text LANGUAGE sql AS $$SELECT '
\\connect app
'$$`,
  );
  const store = localStore();
  await backUp(store, { BACKUP_DATABASES: "scripts", BACKUP_FILE_NAME: "x" }, ["--inserts"]);
  await bringBack(store, ["--to", "scripts again", "--create"]);
  expect(await contentsOf("scripts again")).toBe(await contentsOf("scripts"));
});

describe("--swap", () => {
  /** What a database has that is not in its dump. */
  const describing = (name: string): Promise<string> =>
    server.psql(
      "postgres",
      `SELECT pg_get_userbyid(datdba), datconnlimit, datallowconn, (SELECT array_agg(acl::text ORDER BY acl::text) FROM unnest(datacl) AS acl), shobj_description(oid, 'pg_database'),
         (SELECT json_agg(row(setrole::regrole, setconfig) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
       FROM pg_database d WHERE datname = '${name}'`,
    );

  async function keptDatabases(name: string): Promise<string[]> {
    const rows = await server.psql(
      "postgres",
      `SELECT datname FROM pg_database WHERE datname ~ '^${name}_\\d{8}_\\d{6}$'`,
    );
    return rows.split("\n").filter(Boolean);
  }

  async function makeShop(name: string, owner = "clerk"): Promise<void> {
    await server.psql("postgres", `CREATE DATABASE ${name} OWNER ${owner} CONNECTION LIMIT 17`);
    await server.psql(
      name,
      `CREATE TABLE note AS SELECT 1 AS id, 'mine' AS text;
       ALTER DATABASE ${name} SET search_path = "$user", public, 'odd name';
       ALTER DATABASE ${name} SET application_name = 'it''s, a "shop"';
       ALTER ROLE clerk IN DATABASE ${name} SET statement_timeout = '7s';
       REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC;
       GRANT CONNECT ON DATABASE ${name} TO maker WITH GRANT OPTION;
       COMMENT ON DATABASE ${name} IS 'the clerk''s';`,
    );
  }

  test("exchanges the two, keeps the earlier one, and carries settings and privileges over", async () => {
    await makeShop("shop");
    const [before, contents] = [await describing("shop"), await contentsOf("shop")];
    expect(before).toContain("clerk=CTc/clerk");
    // It is no hindrance that this very database is the one that clients go to.
    const said = await bringBack(base, ["--database", "app", "--to", "shop", "--swap"], {
      PGDATABASE: "shop",
    });
    const [kept = ""] = await keptDatabases("shop");
    expect(said).toMatch(
      /^restored app\.sql\.gz into shop, .*; the earlier database is now called shop_\d{8}_\d{6}$/,
    );
    expect(said.endsWith(kept)).toBe(true);
    expect(await contentsOf("shop")).toBe(await contentsOf("app"));
    expect(await contentsOf(kept)).toBe(contents);
    expect(await describing("shop")).toBe(before);
    expect(await describing(kept)).toBe(before);
  });

  test("so is one that has settings which a dump could not be loaded with", async () => {
    await makeShop("locked");
    await server.psql(
      "postgres",
      `ALTER DATABASE locked SET search_path = '';
       ALTER DATABASE locked SET temp_tablespaces = '';
       ALTER ROLE clerk IN DATABASE locked SET search_path = '', 'a, "", b', "$user", public;
       ALTER DATABASE locked SET default_transaction_read_only = on;
       ALTER DATABASE locked SET role = 'clerk'`,
    );
    const before = await describing("locked");
    await bringBack(base, ["--database", "app", "--to", "locked", "--swap"]);
    expect(await describing("locked")).toBe(before);
    const [kept = ""] = await keptDatabases("locked");
    expect(await describing(kept)).toBe(before);
    expect(await server.psql("locked", "SET ROLE NONE; SELECT count(*) FROM public.note")).toBe("2000");
    // Other tests dump the whole server, which cannot be done in such a role.
    for (const name of ["locked", kept]) await server.psql("postgres", `ALTER DATABASE ${name} RESET role`);
  });

  test("sessions on it: refused without --force, ended with it", async () => {
    await makeShop("busy");
    const session = execa("psql", ["-Xc", "SELECT pg_sleep(600)"], {
      env: { ...server.env, PGDATABASE: "busy" },
      reject: false,
    });
    const sessions = (): Promise<string> =>
      server.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'busy'");
    await until("it is connected", async () => (await sessions()) === "1");
    const [before, contents] = [await describing("busy"), await contentsOf("busy")];
    const args = ["--database", "app", "--to", "busy", "--swap"];
    expect(await fail(base, args)).toEqual([
      41,
      "1 session is connected to busy\n  hint: end what uses it, or add --force, which ends the sessions when the names are exchanged",
    ]);
    expect(await contentsOf("busy")).toBe(contents);
    // rcdump's own may take a moment to go.
    await until("that session is left", async () => (await sessions()) === "1");
    await bringBack(base, [...args, "--force"]);
    expect((await session).stderr).toContain("terminating connection");
    expect(await contentsOf("busy")).toBe(await contentsOf("app"));
    expect(await describing("busy")).toBe(before);
    const kept = await keptDatabases("busy");
    expect(kept).toHaveLength(1);
    expect(await describing(kept[0] ?? "")).toBe(before);
    expect(await contentsOf(kept[0] ?? "")).toBe(contents);
  });

  describe("while somebody is connected", () => {
    const on = "FROM pg_stat_activity WHERE datname = 'leaving' AND query LIKE '%pg_sleep%'";

    /** A restore that has looked twice at a database that somebody is connected to. */
    async function startWaiting(): Promise<AsyncDisposable & { run: Run; endSession: () => Promise<void> }> {
      await server.psql("postgres", "DROP DATABASE IF EXISTS leaving WITH (FORCE)");
      await makeShop("leaving");
      void execa("psql", ["-Xc", "SELECT pg_sleep(600)"], {
        env: { ...server.env, PGDATABASE: "leaving" },
        reject: false,
      });
      const count = `SELECT count(*) ${on}`;
      await until("it is connected", async () => (await server.psql("postgres", count)) === "1");
      const proxy = await startCuttingProxy(server.port, Infinity);
      // It is waited for two seconds: a login may take that long.
      const administrator = Session.onPostgres(server, "postgres");
      await administrator.execute("SELECT 1");
      const args = ["--database", "app", "--to", "leaving", "--swap"];
      const run = startRestore(base, args, { PGPORT: String(proxy.port) });
      // One to see what server it is, and two for each look.
      await until("rcdump looks again", async () => proxy.connections() >= 5);
      return {
        run,
        endSession: () => administrator.execute(`SELECT pg_terminate_backend(pid) ${on}`),
        [Symbol.asyncDispose]: async () => {
          await administrator[Symbol.asyncDispose]();
          await proxy[Symbol.asyncDispose]();
        },
      };
    }

    test("who leaves soon is no hindrance", async () => {
      await using waiting = await startWaiting();
      await waiting.endSession();
      expect(await waiting.run.outcome).toMatchObject({ exitCode: 0, message: "" });
      expect(await contentsOf("leaving")).toBe(await contentsOf("app"));
    });

    test("the wait can be cancelled", async () => {
      await using waiting = await startWaiting();
      await until("it is between two looks", async () => family(waiting.run.pid).length === 1);
      waiting.run.kill("SIGTERM");
      expect(await waiting.run.outcome).toMatchObject({ exitCode: 143, message: "cancelled by SIGTERM" });
      await waiting.endSession();
    });
  });

  test("somebody who connects in between: it is as it was", async () => {
    await makeShop("raced");
    const [before, contents] = [await describing("raced"), await contentsOf("raced")];
    const racing = pathWith({
      psql: `sql=$(cat); case $sql in *"RENAME TO"*)
          PGDATABASE=raced setpriv --pdeathsig=TERM $REAL -Xc "SELECT pg_sleep(600)" > /dev/null 2>&1 &
          until [ "$($REAL -XAtd postgres -c "SELECT 1 FROM pg_stat_activity WHERE datname = 'raced'")" ]; do :; done;; esac
        $REAL "$@" <<< "$sql"`,
    });
    const args = ["--database", "app", "--to", "raced", "--swap"];
    const [exitCode, message] = await fail(base, args, { PATH: racing });
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(
        /^cannot exchange rcdump_restore_\w+ for raced: .*is being accessed by other users.*; raced is as it was\n {2}hint: end the sessions on raced, or add --force, which does$/,
      ),
    ]);
    expect(await describing("raced")).toBe(before);
    expect(await contentsOf("raced")).toBe(contents);
    expect(await keptDatabases("raced")).toEqual([]);
  });

  test("a dump that fails leaves the live one as it was, and nothing else", async () => {
    await makeShop("unswapped");
    const contents = await contentsOf("unswapped");
    const store = storeWith("SELECT 1/0;");
    expect(await fail(store, ["--to", "unswapped", "--swap"])).toEqual([
      40,
      expect.stringMatching(/^restore into rcdump_restore_[0-9a-f]{12} failed: ERROR: {2}division by zero/),
    ]);
    expect(await contentsOf("unswapped")).toBe(contents);
    expect(await keptDatabases("unswapped")).toEqual([]);
  });

  test("a setting that this account may not carry over: nothing is left", async () => {
    await makeShop("guarded", "maker");
    await server.psql("postgres", "ALTER DATABASE guarded SET log_min_duration_statement = 100");
    const maker = { PGUSER: "maker", PGPASSWORD: clerksPassword };
    const [exitCode, message] = await fail(base, ["--database", "app", "--to", "guarded", "--swap"], maker);
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(/^cannot create database rcdump_restore_.*permission denied/),
    ]);
    expect(
      await server.psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'rcdump%'"),
    ).toBe("");
  });
});

describe.concurrent("what is damaged", () => {
  const target = ["--database", "app", "--to"];

  test.for<[title: string, damage: (store: LocalStore) => void, message: RegExp]>([
    [
      "another object of the same size",
      (store) =>
        writeFileSync(join(store.folder, "app.sql.gz"), Buffer.alloc(store.read("app.sql.gz").length, 7)),
      /^app\.sql\.gz: the object is not what was backed up: its SHA-256 is not the manifest's; nothing was touched\n/,
    ],
    [
      "a truncated object",
      (store) => truncateSync(join(store.folder, "app.sql.gz"), 1000),
      /^the backup that is meant is damaged: app\.sql\.gz is 1000 bytes long, and its manifest says \d+\n {2}hint: `rcdump list` shows the others: choose one by --at or --file$/,
    ],
    [
      "a manifest without its object",
      (store) => rmSync(join(store.folder, "app.sql.gz")),
      /^the backup that is meant is damaged: app\.sql\.gz is not there, only its manifest is\n {2}hint: `rcdump list` shows the others/,
    ],
  ])("%s: nothing is touched", async ([title, damage, message]) => {
    const store = copyOf(base);
    damage(store);
    expect(await fail(store, [...target, title, "--create"])).toEqual([30, expect.stringMatching(message)]);
    expect(await exists(title)).toBe(false);
  });

  test("a flipped bit, found before anything is touched or, with --no-verify, on the way: all is as it was", async () => {
    const store = copyOf(base);
    flipBit(store, "app.sql.gz");
    await server.createDatabase("unflipped");
    const before = await contentsOf("unflipped");
    for (const [args, message] of [
      [
        [],
        /^app\.sql\.gz: the object is not what was backed up: its SHA-256 is not the manifest's; nothing was touched\n/,
      ],
      [["--no-verify"], /^app\.sql\.gz: .*; unflipped is as it was$/],
    ] as const) {
      expect(await fail(store, [...target, "unflipped", ...args])).toEqual([
        30,
        expect.stringMatching(message),
      ]);
      expect(await contentsOf("unflipped")).toBe(before);
      expect((await fail(store, [...target, "flipped", "--create", ...args]))[0]).toBe(30);
      expect(await exists("flipped")).toBe(false);
    }
  });

  test("good SQL in the place of the dump, --no-verify: not one statement of it stays", async () => {
    const store = storeWith("");
    const forged = store.read("app.sql").toString().replace("app7\n", "APP7\n");
    writeFileSync(join(store.folder, "app.sql"), forged);
    await server.createDatabase("good sql");
    const before = await contentsOf("good sql");
    expect(await fail(store, ["--to", "good sql", "--no-verify"])).toEqual([
      30,
      "app.sql: the object is not what was backed up: its SHA-256 is not the manifest's; good sql is as it was",
    ]);
    expect(await contentsOf("good sql")).toBe(before);
  });

  test.for<[title: string, damage: (store: LocalStore) => void, problem: RegExp]>([
    [
      "a flipped bit in the manifest",
      (store) => flipBit(store, "app.sql.gz.manifest.json"),
      /has a manifest that is (damaged|not valid)/,
    ],
    [
      "a manifest of a newer version",
      (store) => {
        const newer = { ...appManifest, schemaVersion: 2 } as unknown as Manifest;
        writeFileSync(join(store.folder, "app.sql.gz.manifest.json"), encodeManifest(newer));
      },
      /has a manifest that is of schema version 2, and this rcdump knows version 1: use a newer rcdump/,
    ],
  ])("%s: passed over with a warning, and refused if it is named", async ([title, damage, problem]) => {
    const store = copyOf(base);
    forge(store, "older.sql", appSql, {
      started: "2026-03-04T01:00:00.000Z",
      finished: "2026-03-04T01:30:00.000Z",
    });
    damage(store);
    const { exitCode, log } = await restore(store, [...target, title, "--create"]);
    expect(exitCode).toBe(0);
    const warning = log.find(({ level }) => level === "warn");
    expect(warning?.msg).toMatch(new RegExp(`^passed over: app\\.sql\\.gz ${problem.source}`));
    expect(log.at(-1)?.msg).toMatch(/^restored older\.sql into/);
    expect(await fail(store, ["--file", "app.sql.gz", "--to", "named", "--create"])).toEqual([
      30,
      expect.stringMatching(
        new RegExp(
          `^app\\.sql\\.gz ${problem.source}.*\\n {2}hint: --unverified and --to NAME restore it without its manifest, if it can be read$`,
        ),
      ),
    ]);
    expect(await exists("named")).toBe(false);
  });
});

describe.concurrent("a predecessor's backup, which has no manifest", () => {
  const unverified = (file: string, to: string): string[] => [
    "--file",
    file,
    "--unverified",
    "--to",
    to,
    "--create",
  ];

  async function dumpBy(
    script: string,
    store: LocalStore,
    variables: Record<string, string> = {},
  ): Promise<void> {
    const env = { ...server.env, PGDATABASE: "app", ...variables };
    await execa("bash", ["-o", "pipefail", "-c", script], { cwd: store.folder, env });
  }

  test("pg_dump | gzip, and | rage; whole and cut", async () => {
    const store = localStore();
    const identity = join(temporaryFolder("rage"), "identity");
    await execa("rage-keygen", ["-o", identity]);
    await dumpBy(
      `pg_dump | gzip > x.sql.gz; rage -r $(rage-keygen -y "$IDENTITY") < x.sql.gz > x.sql.gz.age; pg_dump -Fc > x.dump
       head -c 3000 x.sql.gz > cut.sql.gz; pg_dump | head -n -9 | gzip > ended.sql.gz
       head -c 3000 x.sql.gz.age > cut.sql.gz.age; head -c 3000 x.dump > cut.dump; : > empty.sql`,
      store,
      { IDENTITY: identity },
    );
    const key = { DECRYPT_IDENTITY_FILE: identity };
    for (const file of ["x.sql.gz", "x.sql.gz.age", "x.dump"]) {
      const said = await bringBack(store, unverified(file, file), key);
      expect(said).toMatch(new RegExp(`^restored ${file} into ${file} in `));
      expect(await contentsOf(file)).toBe(await contentsOf("app"));
    }
    for (const [file, problem] of [
      ["cut.sql.gz", /what is stored cannot be decompressed|is no complete dump/],
      ["ended.sql.gz", /what is stored is no complete dump: its end is missing/],
      ["cut.sql.gz.age", /age payload is damaged or cut short/],
      ["cut.dump", /pg_restore cannot read the dump/],
      ["empty.sql", /what is stored is no complete dump/],
    ] as const) {
      expect(await fail(store, unverified(file, file), key)).toEqual([
        30,
        expect.stringMatching(new RegExp(`^${file}: .*(${problem.source})`)),
      ]);
      expect(await exists(file)).toBe(false);
    }
  });

  test("one that leads into another database is refused, and that stays as it is", async () => {
    const store = localStore();
    await dumpBy("pg_dump --create > created.sql; pg_dumpall > all.sql", store);
    writeFileSync(
      join(store.folder, "led.sql"),
      appSql.replace(/\n--\n-- Name: note; Type: TABLE;/, (text) => `\n\\connect app_test${text}`),
    );
    const before = [await contentsOf("app"), await contentsOf("app_test")];
    for (const file of ["created.sql", "all.sql", "led.sql"]) {
      const [exitCode] = await fail(store, unverified(file, file));
      expect({ file, isRefused: [30, 40].includes(exitCode) }).toEqual({ file, isRefused: true });
      expect(await exists(file)).toBe(false);
    }
    expect([await contentsOf("app"), await contentsOf("app_test")]).toEqual(before);
  });
});

describe.concurrent("faults on the way", () => {
  /** rclone that stops in the middle of an object, and waits there for ever. */
  const stalling = pathWith({
    rclone: `[[ "$*" =~ ^cat.*sql$ ]] || exec $REAL "$@"
      [ -n "$GUARDED" ] || GUARDED=yes exec setpriv --pdeathsig=KILL "$0" "$@"
      $REAL "$@" | head -c 20000
      exec tail -f /dev/null`,
  });

  /** Starts a restore and resolves when it is in the middle of the data. */
  async function startStalled(args: readonly string[], session: string): Promise<Run> {
    const run = startRestore(storeWith(""), [...args, "--no-verify"], { PATH: stalling });
    let ended = false;
    void run.outcome.finally(() => (ended = true));
    await until(
      "it has written something",
      async () => {
        if (ended) throw new Error(`it ended: ${run.stderr()}`);
        const count = await server.psql(
          "postgres",
          `SELECT count(*) FROM pg_stat_activity WHERE datname ~ '${session}' AND backend_xid IS NOT NULL`,
        );
        return count !== "0";
      },
      60_000,
    );
    return run;
  }

  test("SIGTERM: an existing database is as it was", async () => {
    await server.createDatabase("stopped");
    const before = await contentsOf("stopped");
    const run = await startStalled(["--to", "stopped"], "^stopped$");
    run.kill("SIGTERM");
    const { exitCode, message } = await run.outcome;
    expect([exitCode, message]).toEqual([143, "cancelled by SIGTERM; stopped is as it was"]);
    expect(await contentsOf("stopped")).toBe(before);
  });

  test("SIGTERM: a database that was made for it is dropped", async () => {
    const run = await startStalled(["--to", "half made", "--create"], "^half made$");
    run.kill("SIGTERM");
    const { exitCode, message } = await run.outcome;
    expect([exitCode, message]).toEqual([143, "cancelled by SIGTERM"]);
    expect(await exists("half made")).toBe(false);
  });

  test("SIGTERM at the very moment that a database is made: it is dropped", async () => {
    const slow = pathWith({
      psql: `sql=$(cat); case $sql in *"CREATE DATABASE"*) $REAL "$@" <<< "$sql"; exec tail -f /dev/null;; esac; exec $REAL "$@" <<< "$sql"`,
    });
    const run = startRestore(base, ["--database", "app", "--to", "just made", "--create"], { PATH: slow });
    await until("it is there", () => exists("just made"), 60_000);
    run.kill("SIGTERM");
    expect((await run.outcome).exitCode).toBe(143);
    expect(await exists("just made")).toBe(false);
  });

  test("SIGTERM with --swap: the live one is as it was, and nothing else is left", async () => {
    await server.createDatabase("swapping");
    await server.psql("swapping", "CREATE TABLE mine AS SELECT 1 AS a");
    const before = await contentsOf("swapping");
    const run = await startStalled(["--to", "swapping", "--swap"], "^rcdump_restore_");
    run.kill("SIGTERM");
    const { exitCode, message } = await run.outcome;
    expect([exitCode, message]).toEqual([143, "cancelled by SIGTERM"]);
    expect(await contentsOf("swapping")).toBe(before);
  });

  test("SIGKILL: the server rolls back by itself", async () => {
    await server.createDatabase("killed");
    const before = await contentsOf("killed");
    const run = await startStalled(["--to", "killed"], "^killed$");
    run.kill("SIGKILL");
    await run.outcome;
    await until(
      "its session has ended",
      async () =>
        (await server.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'killed'")) ===
        "0",
    );
    expect(await contentsOf("killed")).toBe(before);
  });

  test("a connection that is lost: 40, and all is as it was", async () => {
    await server.createDatabase("cut off");
    const before = await contentsOf("cut off");
    const store = storeWith(`SELECT length('${"x".repeat(70)}');\n`.repeat(4000));
    await using proxy = await startCuttingProxy(server.port, 60_000);
    const [exitCode, message] = await fail(store, ["--to", "cut off"], { PGPORT: String(proxy.port) });
    expect(proxy.cut()).toBe(true);
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(
        /^restore into cut off failed: .*; cut off is as it was\n {2}hint: .*connection/s,
      ),
    ]);
    await until(
      "its session has ended",
      async () =>
        (await server.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'cut off'")) ===
        "0",
    );
    expect(await contentsOf("cut off")).toBe(before);
  });

  test("a server that is lost: what was made for it is said to be there still", async () => {
    const store = storeWith(`SELECT length('${"x".repeat(70)}');\n`.repeat(4000));
    await using proxy = await startCuttingProxy(server.port, 60_000);
    const lost = { PGPORT: String(proxy.port) };
    const [exitCode, message] = await fail(store, ["--to", "left behind", "--create"], lost);
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(
        /^restore into left behind failed: .*; left behind, which was made for it, is still there \(.*Connection refused.*\)/s,
      ),
    ]);
    expect(await exists("left behind")).toBe(true);
  });

  test.for([
    ["objects", String.raw`\.gz$`],
    ["manifests", "."],
  ])("a store that lists, but refuses to be read (%s): 20, and what to do", async ([word, pattern]) => {
    const path = pathWith({
      rclone: `[[ ! "$*" =~ ^cat.*${pattern} ]] || { echo "2026/11/21 02:00:00 ERROR : app.sql.gz: Failed to cat: failed to open for read: AccessDenied: Access Denied, status code: 403, request id: 1" >&2; exit 1; }
        exec $REAL "$@"`,
    });
    const args = ["--database", "app", "--to", `unread ${word}`, "--create"];
    expect(await fail(base, args, { PATH: path })).toEqual([
      20,
      expect.stringMatching(
        /^cannot use store: .*AccessDenied.*403.*\n {2}hint: give these credentials the right to do this$/,
      ),
    ]);
    expect(await exists(`unread ${word}`)).toBe(false);
  });
});

describe("a whole server", () => {
  test("BACKUP_ALL goes into a fresh one, and not into one that has something; BACKUP_GLOBALS brings the roles", async () => {
    const whole = localStore();
    const globals = localStore();
    await using origin = await startPostgres();
    await using fresh = await startPostgres();
    for (const name of ["one", "Two"]) {
      await origin.createDatabase(name);
      await origin.psql(name, "CREATE TABLE origin AS SELECT current_database() AS name");
    }
    await origin.psql("one", "CREATE ROLE teller LOGIN; ALTER TABLE origin OWNER TO teller");
    // A server warns of each that its wal_level is too low to use it.
    await origin.psql("one", "CREATE PUBLICATION one; CREATE PUBLICATION all_tables FOR ALL TABLES");
    await backUp(whole, {
      ...origin.env,
      BACKUP_DATABASES: undefined,
      BACKUP_ALL: "true",
      BACKUP_FILE_NAME: "all",
    });
    await backUp(globals, {
      ...origin.env,
      BACKUP_DATABASES: "postgres",
      BACKUP_GLOBALS: "true",
      BACKUP_FILE_NAME: "${DB}",
    });

    expect(await fail(whole, [], origin.env)).toEqual([
      41,
      "the server is not empty: it has Two, one\n  hint: restore into a new server, or add --force to go on all the same",
    ]);
    expect(await fail(whole, ["--to", "one"], fresh.env)).toEqual([
      2,
      expect.stringMatching(/goes to no one database\n {2}hint: leave --to, --create and --swap out$/),
    ]);

    await bringBack(globals, ["--file", "pg_globals.sql.gz"], fresh.env);
    // The two superusers have passwords of their own, and keep them: the session would be locked out otherwise.
    const roles = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'";
    expect(await fresh.psql("postgres", roles)).toBe("postgres teller");
    expect(await bringBack(whole, [], fresh.env)).toMatch(/^restored all\.sql\.gz to the server/);
    const tables = "SELECT name, tableowner FROM origin, pg_tables WHERE tablename = 'origin'";
    expect(await fresh.psql("one", tables)).toBe("one|teller");
    expect(await fresh.psql("one", "SELECT count(*) FROM pg_publication")).toBe("2");
    expect(await fresh.psql("Two", tables)).toBe("Two|postgres");
  });
});

test("no scratch database is left on the server", async () => {
  expect(await server.psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'rcdump%'")).toBe(
    "",
  );
  expect(existsSync(join(base.folder, "app.sql.gz"))).toBe(true);
});
