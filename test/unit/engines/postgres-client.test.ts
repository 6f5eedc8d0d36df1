import { expect, test } from "vitest";
import { conninfo, PostgresClient } from "../../../src/engines/postgres-client.ts";

test.for([
  ["app", "dbname='app'"],
  ["a'b\\c", "dbname='a\\'b\\\\c'"],
  ["host=elsewhere", "dbname='host=elsewhere'"],
  ["ü".repeat(31), `dbname='${"ü".repeat(31)}'`],
] as const)("a database of any name is one to libpq: %s", ([name, expected]) => {
  expect(conninfo(name)).toBe(expected);
});

test.for(["a".repeat(64), "ü".repeat(32)])(
  "a name that PostgreSQL would cut off reaches no database: %s",
  (name) => {
    expect(() => conninfo(name)).toThrow(/is longer than the 63 bytes/);
  },
);

test("a server that takes the connection and is silent is waited for as long as PGCONNECT_TIMEOUT says, or 15 s", () => {
  const timeout = (environment: Record<string, string>): string | undefined =>
    new PostgresClient(environment, []).command("pg_dump", [], () => new Error()).env["PGCONNECT_TIMEOUT"];
  expect(timeout({})).toBe("15");
  expect(timeout({ PGCONNECT_TIMEOUT: "3" })).toBe("3");
});
