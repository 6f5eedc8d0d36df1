/** What a PostgreSQL server's owner does: selection, roles, formats, prefixes, logins. Good input. */
import { execa } from "execa";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, type Outcome, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort } from "../fixtures/process.ts";
import { plainSql, restorePostgres } from "../fixtures/restore.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  for (const name of ["app", "app2", "app_test", "crm"]) {
    await server.createDatabase(name);
    await server.psql(name, "CREATE TABLE origin AS SELECT current_database() AS name");
  }
  await server.psql("app", "CREATE TABLE secret AS SELECT 1 AS a; CREATE ROLE clerk PASSWORD 'clerks-own'");
  await server.createDatabase("closed");
  await server.psql("postgres", "ALTER DATABASE closed ALLOW_CONNECTIONS false");
});
afterAll(() => server.stop());

/** Backs up into a new store, which must go well. */
async function backUp(
  variables: Variables,
  args: string[] = [],
): Promise<{ store: LocalStore; outcome: Outcome }> {
  const store = localStore();
  const outcome = await rcdump(
    { ...store.env, ...server.env, BACKUP_ENGINE: "postgres", ...variables },
    args,
  );
  expect(outcome).toMatchObject({ exitCode: 0, message: "", stdout: "" });
  return { store, outcome };
}

/** Whether a dump began within a minute of the time in its name, which is when the run began, in UTC. */
function dumpBeganAfterRun(object: string, { started }: { started: string }): boolean {
  const [, day, hour, minute, second] = /(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z/.exec(object) ?? [];
  const seconds = (Date.parse(started) - Date.parse(`${day}T${hour}:${minute}:${second}Z`)) / 1000;
  return seconds >= 0 && seconds < 60;
}

function databasesIn(store: LocalStore): (string | null)[] {
  return store.files().flatMap((path) => {
    const object = path.replace(/\.manifest\.json$/, "");
    return object === path ? [] : [store.manifest(object).database];
  });
}

describe("which databases", () => {
  test.for<[list: string, databases: string[]]>([
    ["*", ["app", "app2", "app_test", "crm", "postgres"]],
    ["app_*,crm", ["app_test", "crm"]],
    // PEERS 6: excluding `app` dropped `app2`.
    ["*,!app,!postgres", ["app2", "app_test", "crm"]],
  ])("%s", async ([list, databases]) => {
    const { store } = await backUp({ BACKUP_DATABASES: list, BACKUP_FILE_NAME: "${DB}" });
    expect(new Set(databasesIn(store))).toEqual(new Set(databases));
    expect(store.files()).toEqual(
      databases.flatMap((name) => [`${name}.sql.gz`, `${name}.sql.gz.manifest.json`]).toSorted(),
    );
  });

  test("a pattern that fits none is refused with the names that there are", async () => {
    const store = localStore();
    const settings = { ...store.env, ...server.env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: "shop_*" };
    const { exitCode, message } = await rcdump(settings);
    expect({ exitCode, message }).toEqual({
      exitCode: 2,
      message:
        "no database matches BACKUP_DATABASES=shop_*\n  hint: the server has app, app2, app_test, crm, postgres",
    });
    expect(store.files()).toEqual([]);
  });

  test("BACKUP_ALL is one dump of everything, which psql restores", async () => {
    const { store } = await backUp({ BACKUP_ALL: "true" });
    expect(store.files()).toHaveLength(2);
    expect(store.onlyObject()).toMatch(/^all_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.sql\.gz$/);
    expect(store.manifest(store.onlyObject())).toMatchObject({
      scope: "server",
      database: null,
      client: { program: "pg_dumpall" },
    });
    const sql = await plainSql(join(store.folder, store.onlyObject()));
    for (const name of ["app2", "crm"]) expect(sql).toContain(`\\connect ${name}`);
    expect(sql).toContain("CREATE ROLE clerk");
  });

  test("BACKUP_GLOBALS adds roles and tablespaces as a backup of their own", async () => {
    const { store } = await backUp({
      BACKUP_DATABASES: "crm",
      BACKUP_GLOBALS: "true",
      BACKUP_FILE_NAME: "${DB}",
    });
    expect(store.files().filter((path) => path.endsWith(".gz"))).toEqual(["crm.sql.gz", "pg_globals.sql.gz"]);
    expect(store.manifest("pg_globals.sql.gz")).toMatchObject({ scope: "globals", database: null });
    const sql = await plainSql(join(store.folder, "pg_globals.sql.gz"));
    expect(sql).toMatch(/ALTER ROLE clerk .* PASSWORD 'SCRAM-SHA-256/);
  });

  test("a database whose DROP was interrupted is none of *", async () => {
    await server.createDatabase("gone");
    await server.psql("postgres", "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'gone'");
    const { store } = await backUp({ BACKUP_DATABASES: "*,!postgres", BACKUP_FILE_NAME: "${DB}" });
    expect(store.files()).toContain("crm.sql.gz");
    expect(databasesIn(store)).not.toContain("gone");
    await server.psql("postgres", "DROP DATABASE gone");
  });

  test("BACKUP_GLOBALS, and check, where there is no database postgres to connect to", async () => {
    await server.psql("crm", "ALTER DATABASE postgres RENAME TO elsewhere");
    const variables = { BACKUP_DATABASES: "crm", BACKUP_GLOBALS: "true", BACKUP_FILE_NAME: "${DB}" };
    const { store } = await backUp(variables);
    expect(store.files()).toContain("pg_globals.sql.gz");
    const settings = { ...store.env, ...server.env, BACKUP_ENGINE: "postgres", BACKUP_ALL: "true" };
    expect(await rcdump(settings, ["check"])).toMatchObject({ exitCode: 0, message: "" });
    await server.psql("crm", "ALTER DATABASE elsewhere RENAME TO postgres");
  });

  test("PEERS 14: BACKUP_GLOBALS by a role that may not read pg_authid has the roles, without passwords", async () => {
    await server.psql(
      "crm",
      "CREATE ROLE reader LOGIN PASSWORD 'readers-own'; GRANT SELECT ON origin TO reader",
    );
    const { store } = await backUp({
      PGUSER: "reader",
      PGPASSWORD: "readers-own",
      BACKUP_DATABASES: "crm",
      BACKUP_GLOBALS: "true",
      BACKUP_FILE_NAME: "${DB}",
    });
    const sql = await plainSql(join(store.folder, "pg_globals.sql.gz"));
    expect(sql).toContain("CREATE ROLE clerk");
    expect(sql).not.toContain("SCRAM-SHA-256");
    expect(store.manifest("pg_globals.sql.gz").arguments).toContain("--no-role-passwords");
  });
});

describe.concurrent("the file and its manifest", () => {
  test("a plain run names the file after database and time, and says all about it", async () => {
    const before = Date.now();
    const { store, outcome } = await backUp({ BACKUP_DATABASES: "app" });
    const object = store.onlyObject();
    expect(object).toMatch(/^app-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.sql\.gz$/);
    const manifest = store.manifest(object);
    const { stdout: sums } = await execa("bash", [
      "-c",
      `sha256sum < ${store.folder}/${object}; gunzip -c ${store.folder}/${object} | sha256sum`,
    ]);
    const [stored, plain] = sums.split("\n").map((line) => line.split(" ")[0]);
    const version = expect.stringMatching(/^\d+\.\d+/) as string;
    expect(manifest).toEqual({
      schemaVersion: 1,
      tool: expect.stringMatching(/^rcdump \d/) as string,
      object,
      characterSet: { name: "UTF8", collation: "C.UTF-8" },
      engine: "postgres",
      scope: "database",
      database: "app",
      server: { host: "127.0.0.1", port: server.port, version },
      client: { program: "pg_dump", version },
      arguments: [],
      format: "sql",
      compression: "gzip",
      recipients: [],
      started: expect.any(String) as string,
      finished: expect.any(String) as string,
      plain: { bytes: (await plainSql(join(store.folder, object))).length, sha256: plain },
      stored: { bytes: store.read(object).length, sha256: stored },
      readBack: true,
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(Date.parse(manifest.started)).toBeGreaterThan(before - 1);
    expect(Date.parse(manifest.finished)).toBeGreaterThan(Date.parse(manifest.started));
    expect(dumpBeganAfterRun(object, manifest)).toBe(true);
    expect(store.read(`${object}.manifest.json`).toString()).toMatch(/^\{.*\}\n$/);

    const [line] = outcome.log;
    expect(outcome.log).toHaveLength(1);
    expect(line).toMatchObject({
      level: "info",
      database: "app",
      plainBytes: manifest.plain.bytes,
      storedBytes: manifest.stored.bytes,
      msg: expect.stringMatching(/^backed up app: /) as string,
    });
    expect(new Date(line?.time ?? "").toISOString()).toBe(line?.time);
  });

  test("restores into an empty database", async () => {
    const { store } = await backUp({ BACKUP_DATABASES: "app" });
    await server.createDatabase("restored");
    await restorePostgres(server, join(store.folder, store.onlyObject()), "restored");
    expect(await server.psql("restored", "SELECT name FROM origin")).toBe("app");
    await server.psql("postgres", "DROP DATABASE restored");
  });

  test("UPLOAD_PREFIX and folders in the pattern come before the name", async () => {
    const { store } = await backUp({
      BACKUP_DATABASES: "app",
      UPLOAD_PREFIX: "hosts/db1",
      BACKUP_FILE_NAME: "%Y/${DB}",
    });
    expect(store.onlyObject()).toBe(`hosts/db1/${new Date().getUTCFullYear()}/app.sql.gz`);
  });

  test.for(["REMOTE_NAME=store", "REMOTE_NAME=store:", "REMOTE_NAME=store:deep", "REMOTE_NAME=:local:"])(
    "%s is understood",
    async (setting) => {
      const store = localStore();
      const name = setting.slice("REMOTE_NAME=".length);
      const settings = { ...store.env, ...server.env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: "app" };
      const prefix = name === ":local:" ? store.folder : undefined;
      const cwd = temporaryFolder("cwd");
      const { exitCode } = await rcdump(
        { ...settings, REMOTE_NAME: name, UPLOAD_PREFIX: prefix, BACKUP_FILE_NAME: "x" },
        [],
        { cwd },
      );
      expect(exitCode).toBe(0);
      expect(store.onlyObject()).toBe(name === "store:deep" ? "deep/x.sql.gz" : "x.sql.gz");
      // rclone takes a name without a colon for a local file, in silence.
      expect(localStore(cwd).files()).toEqual([]);
    },
  );

  test.for(["nightly.sql.gz", "nightly.sql", "nightly.dump"])(
    "the predecessor's own fault: %s ends in one suffix, the right one",
    async (pattern) => {
      const { store } = await backUp({ BACKUP_DATABASES: "app", BACKUP_FILE_NAME: pattern });
      expect(store.onlyObject()).toBe("nightly.sql.gz");
    },
  );

  test("PEERS 16: dates in the pattern are in TZ", async () => {
    const before = new Date();
    const { store } = await backUp({
      BACKUP_DATABASES: "app",
      TZ: "Pacific/Kiritimati",
      BACKUP_FILE_NAME: "${DB}-%Y-%m-%dT%H%z",
    });
    const [, hour] = /T(\d\d)-1400\.sql\.gz$/.exec(store.onlyObject()) ?? [];
    const { started } = store.manifest(store.onlyObject());
    const hours = [before, new Date(started)].map((time) => (time.getUTCHours() + 14) % 24);
    expect(hours).toContain(Number(hour));
  });

  test("PEERS 16: the default name, which ends in Z, is in UTC whatever TZ says", async () => {
    const { store } = await backUp({ BACKUP_DATABASES: "app", TZ: "Pacific/Kiritimati" });
    const object = store.onlyObject();
    expect(dumpBeganAfterRun(object, store.manifest(object))).toBe(true);
  });

  test("BACKUP_CONCURRENCY=3 backs up several at once, each whole", async () => {
    const { store } = await backUp({
      BACKUP_DATABASES: "app,app2,app_test,crm",
      BACKUP_CONCURRENCY: "3",
      BACKUP_FILE_NAME: "${DB}",
    });
    for (const name of ["app", "app2", "app_test", "crm"]) {
      const sql = await plainSql(join(store.folder, `${name}.sql.gz`));
      expect(sql).toContain("PostgreSQL database dump complete");
      expect(sql).toContain(`\n${name}\n\\.`);
    }
  });
});

describe.concurrent("arguments for pg_dump", () => {
  test.for([
    ["--exclude-table=secret"],
    ["-T", "secret"],
    ["backup", "--", "-Tsecret"],
    ["--", "-T", "secret"],
  ])("%s %s reaches it", async (args) => {
    const { store } = await backUp({ BACKUP_DATABASES: "app" }, args);
    const sql = await plainSql(join(store.folder, store.onlyObject()));
    expect(sql).toContain("CREATE TABLE public.origin");
    expect(sql).not.toContain("CREATE TABLE public.secret");
    expect(store.manifest(store.onlyObject()).arguments.join(" ")).toMatch(/secret$/);
  });

  test("-Fc is stored as it is, named .dump, and pg_restore reads it", async () => {
    const { store } = await backUp({ BACKUP_DATABASES: "app", BACKUP_FILE_NAME: "x" }, ["-Fc"]);
    expect(store.onlyObject()).toBe("x.dump");
    expect(store.read("x.dump").subarray(0, 5).toString()).toBe("PGDMP");
    expect(store.manifest("x.dump")).toMatchObject({ format: "custom", compression: "none" });
    const { stdout } = await execa("pg_restore", ["-f", "-", join(store.folder, "x.dump")]);
    expect(stdout).toContain("CREATE TABLE public.origin");
  });

  test("-Ft is compressed, named .tar.gz, and pg_restore reads it", async () => {
    const { store } = await backUp({ BACKUP_DATABASES: "app", BACKUP_FILE_NAME: "x" }, ["--format=tar"]);
    expect(store.onlyObject()).toBe("x.tar.gz");
    expect(store.manifest("x.tar.gz")).toMatchObject({ format: "tar", compression: "gzip" });
    const script = `gunzip -c ${store.folder}/x.tar.gz | pg_restore -Ft -f -`;
    const { stdout } = await execa("bash", ["-o", "pipefail", "-c", script]);
    expect(stdout).toContain("CREATE TABLE public.origin");
  });
});

describe.concurrent("how to log in", () => {
  test("by a PGPASSFILE", async () => {
    const file = join(temporaryFolder("login"), "pgpass");
    writeFileSync(file, `127.0.0.1:${server.port}:*:${server.user}:${server.password}\n`, { mode: 0o600 });
    const { store } = await backUp({ BACKUP_DATABASES: "app", PGPASSWORD: undefined, PGPASSFILE: file });
    expect(databasesIn(store)).toEqual(["app"]);
  });

  test("by a PGSERVICE, whose host and port the manifest has", async () => {
    const file = join(temporaryFolder("login"), "services");
    const { port, user, password } = server;
    writeFileSync(
      file,
      `[shop]\nhost=localhost\nport=${port}\nuser=${user}\npassword=${password}\ndbname=crm\n`,
    );
    const { store } = await backUp({
      PGHOST: undefined,
      PGPORT: undefined,
      PGUSER: undefined,
      PGPASSWORD: undefined,
      PGSERVICE: "shop",
      PGSERVICEFILE: file,
      BACKUP_DATABASES: "app",
    });
    const sql = await plainSql(join(store.folder, store.onlyObject()));
    expect(sql).toContain("\napp\n\\.");
    expect(store.manifest(store.onlyObject()).server).toMatchObject({ host: "localhost", port });
  });

  test.for<[title: string, ending: string]>([
    ["PEERS 15: without a final newline", ""],
    ["with a final newline", "\n"],
    ["with Windows' line end", "\r\n"],
  ])("by a PGPASSWORD_FILE %s", async ([, ending]) => {
    const file = join(temporaryFolder("login"), "password");
    writeFileSync(file, `${server.password}${ending}`);
    const { store } = await backUp({
      BACKUP_DATABASES: "app",
      PGPASSWORD: undefined,
      PGPASSWORD_FILE: file,
    });
    expect(databasesIn(store)).toEqual(["app"]);
  });

  test("by a unix socket", async () => {
    const { store } = await backUp({
      BACKUP_DATABASES: "app",
      PGHOST: server.socketDir,
      PGPASSWORD: undefined,
    });
    expect(store.manifest(store.onlyObject()).server.host).toBe(server.socketDir);
  });

  test("by one of several hosts, which are called the same whichever answers", async () => {
    const { port } = server;
    const dead = await freePort();
    for (const [ports, first] of [
      [`${port},${dead}`, port],
      [`${dead},${port}`, dead],
    ] as const) {
      const hosts = { PGHOST: "127.0.0.1,localhost", PGPORT: ports };
      const { store } = await backUp({ ...hosts, BACKUP_DATABASES: "app" });
      expect(store.manifest(store.onlyObject()).server).toMatchObject({
        host: "127.0.0.1,localhost",
        port: first,
      });
    }
  });
});
