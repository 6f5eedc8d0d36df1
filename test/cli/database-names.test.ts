/** Database names with everything that they may have in them. They are backed up, and restore with plain tools. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, rcdump } from "../fixtures/cli.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { restoreMariadb, restorePostgres } from "../fixtures/restore.ts";
import { localStore } from "../fixtures/store.ts";

/** A name, and what it is called in the store. */
type Name = [database: string, file: string];

const names: Name[] = [
  ["with a space", "with-a-space"],
  ["it's", "it-s"],
  ['say "hi"', "say--hi-"],
  ["$DB %Y %%", "-DB--Y---"],
  ["team/shop", "team-shop"],
  ["k=v", "k-v"],
  ["Größe☃", "Gr--e-"],
  ["-Fd", "-Fd"],
  ["--help", "--help"],
  ["back\\slash", "back-slash"],
  ["shop.sql", "shop"],
];

const postgresNames: Name[] = [
  ...names,
  ["dbname=postgres", "dbname-postgres"],
  ["postgresql://localhost/postgres", "postgresql---localhost-postgres"],
  ["..", "..-"],
  ["p".repeat(63), "p".repeat(63)],
];

const mariadbNames: Name[] = [
  ...names,
  ["tick`tock", "tick-tock"],
  ["like_a%", "like_a-"],
  ["m".repeat(64), "m".repeat(64)],
];

describe("postgres", () => {
  const store = localStore();
  let server: PostgresServer;
  let outcome: Outcome;

  beforeAll(async () => {
    server = await startPostgres();
    for (const [name] of postgresNames) {
      await server.createDatabase(name);
      await server.psql(name, "CREATE TABLE origin AS SELECT current_database() AS name");
    }
    await server.createDatabase("restored");
    outcome = await rcdump({
      ...store.env,
      ...server.env,
      BACKUP_ENGINE: "postgres",
      BACKUP_DATABASES: "*,!postgres,!restored",
      BACKUP_FILE_NAME: "nightly/${DB}-",
      BACKUP_CONCURRENCY: "2",
    });
  });
  afterAll(() => server.stop());

  test("each has a file of its own, in no folder of its own", () => {
    expect(outcome).toMatchObject({ exitCode: 0, message: "", stdout: "" });
    const expected = postgresNames.map(([name, file]) =>
      name === "shop.sql" ? "nightly/shop.sql-.sql.gz" : `nightly/${file.replace(/^\.\.-$/, "..")}-.sql.gz`,
    );
    expect(store.files().filter((path) => !path.endsWith(".manifest.json"))).toEqual(expected.toSorted());
  });

  test.for(postgresNames)("%s restores by gunzip | psql", async ([name]) => {
    const object = store
      .files()
      .find((path) => path.endsWith(".gz") && store.manifest(path).database === name);
    await restorePostgres(server, join(store.folder, object ?? "missing"), "restored");
    expect(await server.psql("restored", "SELECT name FROM origin")).toBe(name);
    await server.psql("restored", "DROP TABLE origin");
  });

  test.for<[title: string, name: string]>([
    ["a quote", "it's"],
    ["an equals sign", "dbname=postgres"],
    ["a leading hyphen", "-Fd"],
  ])("one with %s is taken when it is named in BACKUP_DATABASES", async ([, name]) => {
    const own = localStore();
    const settings = { ...own.env, ...server.env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: name };
    expect((await rcdump(settings)).exitCode).toBe(0);
    expect(own.manifest(own.onlyObject()).database).toBe(name);
  });

  test("two that become one path are refused before anything is dumped", async () => {
    await server.createDatabase("a b");
    await server.createDatabase("a-b");
    const own = localStore();
    const settings = { ...own.env, ...server.env, BACKUP_ENGINE: "postgres", BACKUP_FILE_NAME: "${DB}" };
    const { exitCode, message } = await rcdump({ ...settings, BACKUP_DATABASES: "a b,a-b" });
    expect(exitCode).toBe(2);
    expect(message).toBe(
      "the names of the dumps will not do\n  - a b and a-b would both be written to a-b.sql.gz; put ${DB} into BACKUP_FILE_NAME, or back them up in separate runs with names of their own",
    );
    expect(own.files()).toEqual([]);
  });

  test("a name of dots does not climb out of the folder", async () => {
    const own = localStore();
    const settings = { ...own.env, ...server.env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: ".." };
    const { exitCode, message } = await rcdump({ ...settings, BACKUP_FILE_NAME: "${DB}/dump" });
    expect({ exitCode, message }).toEqual({
      exitCode: 2,
      message:
        "the names of the dumps will not do\n  - .. would get the path ../dump.sql.gz; change BACKUP_FILE_NAME so that it has no empty, . or .. segment",
    });
    expect(own.files()).toEqual([]);
  });
});

describe("mariadb", () => {
  const store = localStore();
  let server: MariadbServer;
  let outcome: Outcome;

  beforeAll(async () => {
    server = await startMariadb();
    for (const [name] of mariadbNames) {
      await server.createDatabase(name);
      // On the client's command line a name such as --help would be an option.
      const use = `USE \`${name.replaceAll("`", "``")}\`;`;
      await server.query("", `${use} CREATE TABLE origin AS SELECT DATABASE() AS name`);
      await server.query("", `${use} CREATE PROCEDURE greet() SELECT 'hello'`);
    }
    await server.createDatabase("restored");
    outcome = await rcdump(
      {
        ...store.env,
        ...server.env,
        BACKUP_ENGINE: "mariadb",
        BACKUP_DATABASES: "*,!restored",
        BACKUP_FILE_NAME: "nightly/${DB}-",
        BACKUP_CONCURRENCY: "2",
      },
      server.args,
    );
  });
  afterAll(() => server.stop());

  test("each has a file of its own, in no folder of its own", () => {
    expect(outcome).toMatchObject({ exitCode: 0, message: "", stdout: "" });
    const expected = mariadbNames.map(([name, file]) =>
      name === "shop.sql" ? "nightly/shop.sql-.sql.gz" : `nightly/${file}-.sql.gz`,
    );
    expect(store.files().filter((path) => !path.endsWith(".manifest.json"))).toEqual(expected.toSorted());
  });

  test.for(mariadbNames)("%s restores by gunzip | mariadb, routines and all", async ([name]) => {
    const object = store
      .files()
      .find((path) => path.endsWith(".gz") && store.manifest(path).database === name);
    await server.query("", "DROP DATABASE restored; CREATE DATABASE restored");
    await restoreMariadb(server, join(store.folder, object ?? "missing"), "restored");
    // The client escapes what would break its columns.
    const read = await server.query("restored", "SELECT HEX(name) FROM origin; CALL greet()");
    expect(read).toBe(`${Buffer.from(name).toString("hex").toUpperCase()}\nhello`);
  });

  test.for<[title: string, name: string]>([
    ["a quote", "it's"],
    ["a leading hyphen", "--help"],
  ])("one with %s is taken when it is named in BACKUP_DATABASES", async ([, name]) => {
    const own = localStore();
    const settings = { ...own.env, ...server.env, BACKUP_ENGINE: "mariadb", BACKUP_DATABASES: name };
    expect((await rcdump(settings, server.args)).exitCode).toBe(0);
    expect(own.manifest(own.onlyObject()).database).toBe(name);
  });

  test("two that become one path are refused before anything is dumped", async () => {
    await server.createDatabase("a b");
    await server.createDatabase("a-b");
    const own = localStore();
    const settings = { ...own.env, ...server.env, BACKUP_ENGINE: "mariadb", BACKUP_FILE_NAME: "${DB}" };
    const { exitCode, message } = await rcdump({ ...settings, BACKUP_DATABASES: "a ?,a-b" }, server.args);
    expect(exitCode).toBe(2);
    expect(message).toContain(
      "a b and a-b would both be written to a-b.sql.gz; put ${DB} into BACKUP_FILE_NAME",
    );
    expect(own.files()).toEqual([]);
  });
});
