import { describe, expect, test } from "vitest";
import { Unreachable } from "../../../src/engines/engine.ts";
import { explainDump, explainQuery } from "../../../src/engines/mariadb-failure.ts";
import { SubprocessError } from "../../../src/program.ts";

function queryError(words: string) {
  return explainQuery(new SubprocessError("mariadb", { exitCode: 1 }, `${words}\n`));
}

function dumpHint(words: string): string | undefined {
  const error = explainDump("app")(
    new SubprocessError("mariadb-dump", { exitCode: 2 }, `mariadb-dump: ${words}\n`),
  );
  return (error as { hint?: string }).hint;
}

describe("a connection that is refused", () => {
  test.for<[words: string, message: string, hint: RegExp]>([
    [
      "ERROR 1045 (28000): Access denied for user 'me'@'db' (using password: YES)",
      "cannot log in",
      /^correct --user/,
    ],
    [
      "ERROR 1130 (HY000): Host 'x' is not allowed to connect to this MariaDB server",
      "cannot log in",
      /^correct --user/,
    ],
    [
      "ERROR 2026 (HY000): TLS/SSL error: self-signed certificate",
      "cannot connect",
      /^this client wants TLS/,
    ],
    ["ERROR 1969 (70100) at line 2: Query execution was interrupted", "a query failed", /max_statement_time/],
  ])("%s", ([words, message, hint]) => {
    const error = queryError(words);
    expect(error).not.toBeInstanceOf(Unreachable);
    expect(error).toMatchObject({
      operation: "connect",
      message: `${message}: ${words}`,
      hint: expect.stringMatching(hint),
    });
  });

  test.for<[words: string, hint: RegExp]>([
    ["ERROR 2002 (HY000): Can't connect to server on 'db' (115)", /^see that it is up/],
    ["ERROR 2005 (HY000): Unknown server host 'db' (-2)", /^see that it is up/],
    ["ERROR 1040 (08004): Too many connections", /^the server has no connection free/],
    ["ERROR 1053 (08S01): Server shutdown in progress", /went away/],
    ["ERROR 2013 (HY000): Lost connection to server at 'reading authorization packet'", /went away/],
  ])("perhaps will not be for long: %s", ([words, hint]) => {
    const error = queryError(words);
    expect(error).toBeInstanceOf(Unreachable);
    expect(error.hint).toMatch(hint);
  });
});

describe("a dump that fails", () => {
  test.for<[words: string, hint: RegExp]>([
    [`Got error: 1045: "Access denied for user 'me'@'db'" when trying to connect`, /^correct --user/],
    [
      `Got error: 1044: "Access denied for user 'me'@'db' to database 'app'" when selecting the database`,
      /^grant SELECT/,
    ],
    [`Got error: 1049: "Unknown database 'app'" when selecting the database`, /^correct BACKUP_DATABASES/],
    [`Got error: 1040: "Too many connections" when trying to connect`, /^the server has no connection free/],
    [
      "Couldn't execute 'show create table `v`': SHOW VIEW command denied to user 'me'@'db' for table `v` (1142)",
      /^grant SELECT/,
    ],
    [
      "Error: 'Access denied; you need (at least one of) the PROCESS privilege(s)' when trying to dump tablespaces",
      /^grant SELECT/,
    ],
    [
      "Error 2020: Got packet bigger than 'max_allowed_packet' bytes when dumping table `t` at row: 0",
      /^a row is larger/,
    ],
    [
      "Error 1412: Table definition has changed, please retry transaction when dumping table `t` at row: 0",
      /^somebody dropped or altered/,
    ],
    [
      "Error 1317: Query execution was interrupted when dumping table `t` at row: 7",
      /^somebody killed the query/,
    ],
    [
      "Error 145: Table './app/t' is marked as crashed and should be repaired when dumping table `t`",
      /files are damaged/,
    ],
    [
      "Error 1877: Table app/t is corrupted. Please drop the table and recreate. when dumping table `t`",
      /files are damaged/,
    ],
    [
      `Error 3: Error writing file '/tmp/MY' (Errcode: 28 "No space left on device") when dumping table \`t\``,
      /disk is full/,
    ],
    ["Error 1030: Got error 28 from storage engine when dumping table `t` at row: 0", /disk is full/],
    ["unknown variable 'nonsense=1'", /^correct the arguments/],
  ])("%s", ([words, hint]) => {
    expect(dumpHint(words)).toMatch(hint);
  });

  test("has no hint where there is none", () => {
    expect(dumpHint("out of luck")).toBeUndefined();
  });
});
