import { describe, expect, test } from "vitest";
import type { Engine, Target } from "../../../src/engines/engine.ts";
import { MariaDB } from "../../../src/engines/mariadb.ts";
import type { Load } from "../../../src/engines/restorer.ts";
import { SubprocessError } from "../../../src/program.ts";
import { stayInDatabase } from "../../../src/stay-in-database.ts";
import { collect } from "../encryption/streams.ts";

const env = { PATH: process.env["PATH"], HOME: "/nonexistent" };
const app: Target = { scope: "database", database: "--app" };
const server: Target = { scope: "server" };

function load(target: Target, trusted = true): Promise<Load> {
  const { restorer }: Engine = new MariaDB(env, ["--no-defaults", "--user=me", "--host=db"]);
  return restorer.load(target, "sql", { trusted, serverVersion: "10.11.19" });
}

describe("a dump of one database", () => {
  test("goes to mariadb, as the account that makes the dumps", async () => {
    const { client, before, after, toSql, isTransaction } = await load(app);
    expect(client.file).toBe("mariadb");
    expect(client.args).toEqual(
      expect.arrayContaining([
        "--user=me",
        "--host=db",
        "--max-allowed-packet=1G",
        "--comments",
        "--binary-mode",
      ]),
    );
    expect(client.args?.[0]).toBe("--no-defaults");
    // A name that looks like an option is none.
    expect(client.args?.slice(-2)).toEqual(["--", "--app"]);
    expect({ before, after, toSql, isTransaction }).toEqual({
      before: "",
      after: "",
      toSql: undefined,
      isTransaction: false,
    });
  });

  test("need not have a closing comment if its digest vouches for it, and must otherwise", async () => {
    expect((await load(app, true)).marks.ending).toBeUndefined();
    const { ending } = (await load(app, false)).marks;
    expect(ending?.test("\n-- Dump completed on 2026-11-21  2:00:05\n")).toBe(true);
    expect(ending?.test("INSERT INTO t VALUES (1);\n")).toBe(false);
  });

  /** Whether a dump stays in the database `copy`. */
  async function stays(sql: string, trusted: boolean): Promise<boolean> {
    const { departures } = await load({ scope: "database", database: "copy" }, trusted);
    const { error } = await collect(stayInDatabase("copy", departures), [Buffer.from(`-- dump\n${sql}`)]);
    return error === undefined;
  }

  test.for([
    "USE `app`;\n",
    "USE app;\n",
    "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `app`;\n",
    "/*!40000 DROP DATABASE IF EXISTS `app`*/;\n",
    "DROP DATABASE `app`;\n",
    "-- Current Database: `app`\n",
  ])("must not lead out of it: %s", async (sql) => {
    expect(await stays(sql, true)).toBe(false);
    expect(await stays(sql, false)).toBe(false);
  });

  test("may have texts that look alike in a routine, if its digest vouches for it", async () => {
    const routine =
      "DELIMITER ;;\nCREATE PROCEDURE p() BEGIN\nCREATE DATABASE tenants;\nEND ;;\nDELIMITER ;\n";
    expect(await stays(routine, true)).toBe(true);
  });

  test("must not lead out behind a routine, if nobody vouches for it", async () => {
    expect(await stays("DELIMITER ;;\nSELECT 1 ;;\nDELIMITER ;\nUSE `app`;\n", false)).toBe(false);
  });

  test("may name the database that it is restored into", async () => {
    expect(await stays("USE `copy`;\nCREATE DATABASE `copy`;\n", false)).toBe(true);
  });
});

test("a dump of the server goes wherever it leads, and its accounts take effect", async () => {
  const { client, after, departures } = await load(server);
  expect(client.args).not.toContain("--");
  expect(after).toBe("FLUSH PRIVILEGES;\n");
  expect(departures).toEqual([]);
});

describe("what mariadb says", () => {
  test.for<[stderr: string, hint: RegExp]>([
    ["ERROR 1044 (42000) at line 3: Access denied for user 'me'", /^give this account all privileges/],
    ["ERROR 1227 (42000) at line 3: Access denied; you need SET USER", /SET USER/],
    ["ERROR 1050 (42S01) at line 3: Table 't' already exists", /restore into an empty one/],
    ["ERROR 1062 (23000) at line 3: Duplicate entry '1'", /restore into an empty one/],
    ["ERROR 1153 (08S01) at line 3: Got a packet bigger", /^raise max_allowed_packet/],
    ["ERROR 2013 (HY000) at line 3: Lost connection", /went away/],
  ])("%s", async ([stderr, hint]) => {
    const { client } = await load(app);
    expect(client.explain(new SubprocessError("mariadb", { exitCode: 1 }, `${stderr}\n`))).toMatchObject({
      operation: "restore",
      message: `restore into --app failed: ${stderr}`,
      hint: expect.stringMatching(hint),
    });
  });

  test("needs no hint where there is none", async () => {
    const { client } = await load(server);
    const failure = new SubprocessError("mariadb", { exitCode: 1 }, "ERROR 1064 (42000) at line 3: syntax\n");
    expect(client.explain(failure)).toMatchObject({
      message: "restore into the server failed: ERROR 1064 (42000) at line 3: syntax",
      hint: undefined,
    });
  });
});

test("neither promises what MariaDB cannot do", () => {
  const { restorer } = new MariaDB(env, ["--no-defaults"]);
  expect([restorer.transactional, restorer.exchangesUnused]).toEqual([false, false]);
});
