import { describe, expect, test } from "vitest";
import { Unreachable } from "../../../src/engines/engine.ts";
import { explainDump, explainQuery, NoSuchDatabase } from "../../../src/engines/postgres-failure.ts";
import { SubprocessError } from "../../../src/program.ts";

const host = 'connection to server at "db" (10.0.0.1), port 5432 failed: ';

/** What psql says when it cannot connect. */
function refused(words: string): SubprocessError {
  return new SubprocessError("psql", { exitCode: 2 }, `psql: error: ${words}\n`);
}

function dumpError(words: string): Error {
  const explain = explainDump({ scope: "database", database: "app" });
  return explain(new SubprocessError("pg_dump", { exitCode: 1 }, `pg_dump: error: ${words}\n`));
}

function dumpHint(words: string): string | undefined {
  return (dumpError(words) as { hint?: string }).hint;
}

describe("a connection that is refused", () => {
  test.for<[words: string, message: string, hint: RegExp]>([
    [`${host}FATAL:  password authentication failed for user "me"`, "cannot log in", /^correct PGUSER/],
    [`${host}FATAL:  role "me" does not exist`, "cannot log in", /^correct PGUSER/],
    [`${host}FATAL:  role "me" is not permitted to log in`, "cannot log in", /^correct PGUSER/],
    [`${host}fe_sendauth: no password supplied`, "cannot log in", /^correct PGUSER/],
    ["local user with ID 4242 does not exist", "cannot log in", /^set PGUSER/],
    ['definition of service "x" not found', "cannot connect", /^correct PGHOST/],
    ['root certificate file "/x" does not exist', "cannot connect", /^correct PGHOST/],
    [`${host}server does not support SSL, but SSL was required`, "cannot connect", /^correct PGHOST/],
    [`${host}SSL error: certificate verify failed`, "cannot connect", /^correct PGHOST/],
  ])("%s", ([words, message, hint]) => {
    const error = explainQuery(refused(words), "app");
    expect(error).not.toBeInstanceOf(Unreachable);
    expect(error).toMatchObject({
      operation: "connect",
      message: `${message}: ${words}`,
      hint: expect.stringMatching(hint),
    });
  });

  test.for([
    `${host}FATAL:  database "app" does not exist`,
    `${host}FATAL:  permission denied for database "app"`,
    `${host}FATAL:  no pg_hba.conf entry for host "10.0.0.2", user "me", database "app", SSL off`,
  ])("of this database only: %s", (words) => {
    const error = explainQuery(refused(words), "app");
    expect(error).toBeInstanceOf(NoSuchDatabase);
    expect(error.hint).toMatch(/^correct BACKUP_DATABASES, or grant CONNECT on the database/);
  });
});

describe("a server that perhaps will answer", () => {
  test.for<[words: string, hint: RegExp]>([
    [`${host}Connection refused`, /^see that it is up/],
    [`${host}timeout expired`, /^see that it is up/],
    [`${host}FATAL:  sorry, too many clients already`, /^the server has no connection free/],
    [
      `${host}FATAL:  remaining connection slots are reserved for non-replication superuser connections`,
      /^the server has no connection free/,
    ],
    [`${host}FATAL:  too many connections for database "app"`, /^the server has no connection free/],
    [`${host}FATAL:  the database system is starting up`, /^it is starting or stopping/],
    [`${host}FATAL:  the database system is in recovery mode`, /^it is starting or stopping/],
    [`${host}FATAL:  the database system is not accepting connections`, /^it is starting or stopping/],
    [`${host}server closed the connection unexpectedly`, /went away/],
    [`${host}SSL SYSCALL error: EOF detected`, /went away/],
  ])("%s", ([words, hint]) => {
    const error = explainQuery(refused(words), "app");
    expect(error).toBeInstanceOf(Unreachable);
    expect(error.hint).toMatch(hint);
  });
});

describe("a dump that fails", () => {
  const content =
    'Dumping the contents of table "t" failed: PQgetResult() failed.\npg_dump: detail: Error message from server: ';
  test.for<[words: string, hint: RegExp]>([
    [`${content}ERROR:  could not extend file "base/1/2": No space left on device`, /disk is full/],
    [
      `${content}ERROR:  could not read block 3 in file "base/1/2": read only 0 of 8192 bytes`,
      /files are damaged/,
    ],
    [`${content}ERROR:  missing chunk number 0 for toast value 5 in pg_toast_1`, /files are damaged/],
    [`${content}ERROR:  compressed pglz data is corrupt`, /files are damaged/],
    [`${content}ERROR:  canceling statement due to conflict with recovery`, /hot_standby_feedback=on/],
    [`${content}FATAL:  terminating connection due to conflict with recovery`, /hot_standby_feedback=on/],
    [`${content}SSL SYSCALL error: Connection timed out`, /went away/],
    ["query failed: ERROR:  could not open relation with OID 4242", /^somebody dropped or altered it/],
    ["query failed: ERROR:  cache lookup failed for index 4242", /^somebody dropped or altered it/],
    [
      "query failed: ERROR:  canceling statement due to lock timeout\npg_dump: detail: Query was: LOCK TABLE t",
      /pg_blocking_pids/,
    ],
    ["query failed: ERROR:  permission denied for table t", /^grant pg_read_all_data/],
    [`${host}FATAL:  sorry, too many clients already`, /^the server has no connection free/],
    [`${host}FATAL:  permission denied for database "app"`, /grant CONNECT/],
  ])("%s", ([words, hint]) => {
    expect(dumpHint(words)).toMatch(hint);
  });

  test("the query that failed is left out, however many lines it has", () => {
    const words =
      "query failed: FATAL:  terminating connection\nserver closed the connection\npg_dump: detail: Query was: SELECT\n  p.oid\n  FROM p";
    const message =
      "dump of app failed: query failed: FATAL:  terminating connection; server closed the connection";
    expect(dumpError(words).message).toBe(message);
    expect(dumpError(`${words}\npg_dump: hint: none\n`).message).toBe(message);
    expect(dumpError(words.replace("pg_dump: detail", "pg_dumpall: detail")).message).toBe(message);
  });

  test("has no hint where there is none", () => {
    expect(dumpHint("out of luck")).toBeUndefined();
  });
});
