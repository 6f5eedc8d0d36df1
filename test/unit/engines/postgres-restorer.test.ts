import { describe, expect, test } from "vitest";
import type { DumpFormat, Target } from "../../../src/engines/engine.ts";
import { Postgres } from "../../../src/engines/postgres.ts";
import type { Load } from "../../../src/engines/restorer.ts";
import { SubprocessError } from "../../../src/program.ts";
import { pathWith } from "../../fixtures/programs.ts";

/** A psql that says that it is logged in as `me.too`. */
const env = { PATH: pathWith({ psql: "cat >/dev/null; echo me.too" }), PGDATABASE: "maintenance" };
const app: Target = { scope: "database", database: "a'p\\p" };
const server: Target = { scope: "server" };

function load(
  target: Target,
  {
    format = "sql",
    args = [],
    trusted = true,
    serverVersion = "17.2",
  }: { format?: DumpFormat; args?: string[]; trusted?: boolean; serverVersion?: string } = {},
): Promise<Load> {
  return new Postgres(env, args).restorer.load(target, format, { trusted, serverVersion });
}

describe("a dump of one database", () => {
  test("is restored in one transaction, by a psql that stops at the first error", async () => {
    const { client, before, after, isTransaction, toSql } = await load(app);
    expect(client.file).toBe("psql");
    expect(client.args).toEqual(expect.arrayContaining(["-X", "-q", "ON_ERROR_STOP=1"]));
    expect(client.args).not.toContain("ON_ERROR_STOP=0");
    expect(client.args).toContain("--dbname=dbname='a\\'p\\\\p'");
    expect(client.args).not.toContain("--single-transaction");
    expect(before.endsWith("BEGIN;\n")).toBe(true);
    expect([after, isTransaction, toSql, client.review]).toEqual(["COMMIT;\n", true, undefined, undefined]);
  });

  test("is restored as the role that is asked for, from before the transaction on", async () => {
    const { before, client } = await load(app, { args: ['--role=o"wner', "--host=db"] });
    expect(before.endsWith('SET ROLE "o""wner";\nBEGIN;\n')).toBe(true);
    expect(client.args).toContain("--host=db");
    expect(client.args?.join(" ")).not.toContain("--role");
  });

  test.for<DumpFormat>(["custom", "tar"])(
    "in the format %s is turned into SQL by pg_restore",
    async (format) => {
      const { toSql, marks } = await load(app, { format });
      expect([toSql?.file, toSql?.args]).toEqual(["pg_restore", ["--file=-"]]);
      // What comes out of it is judged, and that is SQL.
      expect(marks.beginning.test("--\n-- PostgreSQL database dump")).toBe(true);
      expect(marks.ending?.test("\n-- PostgreSQL database dump complete\n--\n\n")).toBe(true);
    },
  );

  test("has a setting taken out that servers before 17 do not know", async () => {
    const line = "SET statement_timeout = 0;\nSET transaction_timeout = 0;\nSET lock_timeout = 0;\n";
    for (const serverVersion of ["9.6.24", "12.1", "16.4"]) {
      const omission = await (await load(app, { serverVersion })).omission?.();
      expect(line.replace(omission?.pattern ?? /^$/, "")).toBe(
        "SET statement_timeout = 0;\nSET lock_timeout = 0;\n",
      );
    }
    for (const serverVersion of ["17.0", "18beta1", "20.1"])
      expect((await load(app, { serverVersion })).omission).toBeUndefined();
  });

  test("must not be one of a whole server", async () => {
    const { departures } = await load(app);
    expect(departures.map(({ beginning }) => beginning)).toContain("-- PostgreSQL database cluster dump");
    expect(departures[0]?.destination("-- PostgreSQL database cluster dump")).toBeDefined();
  });

  test("must not change the database, if nobody vouches for it", async () => {
    const { departures } = await load(app, { trusted: false });
    const connect = departures.find(({ beginning }) => beginning.startsWith("\\connect"));
    expect(connect?.destination("\\connect other\r")).toBe("other");
  });
});

describe("what psql says", () => {
  test.for<[stderr: string, hint: RegExp]>([
    ['ERROR:  role "x" does not exist', /^make it by CREATE ROLE/],
    ['ERROR:  relation "t" already exists', /restore into an empty one/],
    ['ERROR:  duplicate key value violates unique constraint "t_pkey"', /restore into an empty one/],
    ["ERROR:  CREATE DATABASE cannot run inside a transaction block", /with psql by hand/],
    ["invalid command \\restrict", /newer programs/],
    ['ERROR:  unrecognized configuration parameter "x"', /newer programs/],
    ["ERROR:  out of shared memory", /max_locks_per_transaction/],
    ["ERROR:  permission denied for schema public", /as a superuser/],
    ['ERROR:  extension "x" is not available', /install the extension/],
  ])("%s", async ([stderr, hint]) => {
    const { client } = await load(app);
    expect(client.explain(new SubprocessError("psql", { exitCode: 3 }, `${stderr}\n`))).toMatchObject({
      operation: "restore",
      message: expect.stringContaining(stderr.replace("ERROR:  ", "")),
      hint: expect.stringMatching(hint),
    });
  });

  test("of a dump that pg_restore cannot read is that it is damaged, or too new", async () => {
    const { toSql } = await load(app, { format: "custom" });
    const explain = (stderr: string) =>
      toSql?.explain(new SubprocessError("pg_restore", { exitCode: 1 }, stderr));
    expect(explain("pg_restore: error: unsupported version (1.99) in file header\n")).toMatchObject({
      operation: "integrity",
      hint: expect.stringContaining("image of that version"),
    });
    expect(explain("pg_restore: error: could not read from input file\n")).toMatchObject({
      operation: "integrity",
      hint: undefined,
    });
  });
});

describe("a dump of the whole server", () => {
  /** What is made of what psql writes when it has read all of it. */
  async function verdict(...lines: string[]): Promise<{ message: string; hint: unknown } | undefined> {
    const review = (await load(server)).client.review?.();
    for (const line of lines) review?.line(line);
    const error = review?.verdict() as { message: string; hint: unknown } | undefined;
    return error && { message: error.message, hint: error.hint };
  }

  const heading = "the dump was read to its end, but not all of it could be restored";
  const wholeServer = "a dump of a whole server wants a server that is empty";
  const roleExists = ['ERROR:  42710: role "me" already exists', "LOCATION:  CreateRole, user.c:308"];

  test("goes on after an error, in no transaction, and begins in a maintenance database", async () => {
    const { client, before, after, isTransaction, departures } = await load(server);
    expect(client.args?.lastIndexOf("ON_ERROR_STOP=0")).toBeGreaterThan(
      client.args?.lastIndexOf("ON_ERROR_STOP=1") ?? 0,
    );
    expect(client.args).toContain("--dbname=dbname='maintenance'");
    expect({ before, after, isTransaction, departures }).toEqual({
      before: "",
      after: "",
      isTransaction: false,
      departures: [],
    });
  });

  test("is whole only with the closing line of such a dump", async () => {
    const { marks } = await load(server);
    expect(marks.ending?.test("\n-- PostgreSQL database cluster dump complete\n--\n\n")).toBe(true);
    expect(marks.ending?.test("\n-- PostgreSQL database dump complete\n--\n\n")).toBe(false);
  });

  test("does not give the role that restores it another password, and each other role its own", async () => {
    const omission = await (await load(server)).omission?.();
    const roles = (own: string): string =>
      [
        "ALTER ROLE app WITH LOGIN PASSWORD 'SCRAM-SHA-256$4096:a';",
        `ALTER ROLE me.too WITH SUPERUSER LOGIN${own};`,
        "ALTER ROLE me_too WITH LOGIN PASSWORD 'md5';\n",
      ].join("\n");
    expect(roles(" PASSWORD 'SCRAM-SHA-256$4096:b'").replace(omission?.pattern ?? /^$/, "")).toBe(roles(""));
  });

  test.for<[title: string, lines: string[]]>([
    ["nothing", []],
    ["that a role exists already", roleExists],
    ["that several do", [...roleExists, ...roleExists]],
    [
      "warnings and notices",
      ["WARNING:  01007: no privileges were granted", "NOTICE:  00000: x does not exist, skipping"],
    ],
    [
      "warnings with an error's SQLSTATE",
      [
        'WARNING:  55000: "wal_level" is insufficient to publish logical changes',
        'psql:<stdin>:12: WARNING:  55000: "wal_level" is insufficient to publish logical changes',
        "NOTICE:  42P07: x",
        "INFO:  42P07: x",
        "LOG:  42P07: x",
        "DEBUG:  42P07: x",
      ],
    ],
    [
      "of a setting that this server does not know",
      ['ERROR:  42704: unrecognized configuration parameter "transaction_timeout"'],
    ],
    [
      "in another language that a role exists already",
      ["FEHLER:  42710: Rolle »me« existiert bereits", "ORT:  CreateRole, user.c:308"],
    ],
  ])("has done well if psql says %s", async ([, lines]) => {
    expect(await verdict(...lines)).toBeUndefined();
  });

  test.for<[line: string, told: string]>([
    ['ERROR:  42P07: relation "t" already exists', 'relation "t" already exists'],
    ['ERROR:  42P04: database "app" already exists', 'database "app" already exists'],
    ["ERROR:  42501: permission denied to create role", "permission denied to create role"],
    ["FATAL:  57P01: terminating connection due to administrator command", "terminating connection"],
    [
      'ERROR:  22P02: invalid input syntax for type integer: "abc"',
      'invalid input syntax for type integer: "abc"',
    ],
    ["ERROR:  55000: WARNING:  55000: x", "x"],
    ["PANIC:  XX000: WARNING: x", "x"],
    // It could be the word for an error.
    ["WARNUNG:  55000: »wal_level« ist nicht ausreichend", "»wal_level« ist nicht ausreichend"],
    ["FEHLER:  42P07: Relation »t« existiert bereits", "Relation »t« existiert bereits"],
    ["ERREUR :  42P07: la relation « t » existe déjà", "la relation « t » existe déjà"],
    ['ОШИБКА:  42P07: отношение "t" уже существует', 'отношение "t" уже существует'],
    ['psql:<stdin>:12: ERROR:  42P07: relation "t" already exists', 'relation "t" already exists'],
  ])("has not if it says: %s", async ([line, told]) => {
    const error = await verdict(...roleExists, line, "LOCATION:  somewhere, x.c:1", ...roleExists);
    expect(error).toEqual({ message: expect.stringContaining(`${heading}\n  - `), hint: wholeServer });
    expect(error?.message).toContain(told);
    expect(error?.message).not.toContain('role "me"');
  });

  test("has not if a warning about a role follows what exists already and is none", async () => {
    const warning = ["WARNING:  55000: x", "LOCATION:  CreateRole, user.c:1"];
    expect(await verdict('ERROR:  42710: type "t" already exists', ...warning)).toMatchObject({
      hint: wholeServer,
    });
  });

  test.for([
    ['ERROR:  42710: type "t" already exists', "LOCATION:  DefineEnum, typecmds.c:1167"],
    [
      'ERROR:  42710: trigger "role" for relation "t" already exists',
      "LOCATION:  CreateTrigger, trigger.c:1",
    ],
  ])("has not if something else than a role exists already: %s", async (lines) => {
    expect(await verdict(...lines)).toMatchObject({ hint: wholeServer });
  });

  test.for(["invalid command \\restrict", "psql:<stdin>:3: error: invalid command \\restrict"])(
    "has not if psql itself complains: %s",
    async (line) => {
      expect(await verdict(line)).toMatchObject({ hint: wholeServer });
    },
  );

  test("has ten errors told, and the number of the others", async () => {
    const lines = Array.from({ length: 300 }, (_, at) => [
      `ERROR:  42P07: relation "t${at}" already exists`,
      "LOCATION:  heap_create_with_catalog, heap.c:1",
    ]).flat();
    const told = (await verdict(...lines))?.message.split("\n  - ") ?? [];
    expect(told).toHaveLength(12);
    expect(told[1]).toContain('"t0"');
    expect(told.at(-1)).toBe("and 290 more");
  });
});
