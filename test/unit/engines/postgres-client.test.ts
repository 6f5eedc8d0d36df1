import { expect, test } from "vitest";
import { readOptions } from "../../../src/engines/options.ts";
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

test("dumps are written in one time zone, in UTC unless PGTZ says something else", () => {
  const zone = (environment: Record<string, string>): string | undefined =>
    new PostgresClient(environment, []).dumper("pg_dump", [], () => new Error()).env["PGTZ"];
  expect(zone({})).toBe("UTC");
  expect(zone({ PGTZ: "" })).toBe("UTC");
  expect(zone({ PGTZ: "Asia/Tokyo" })).toBe("Asia/Tokyo");
});

test.for([
  [{ PGHOST: "a,b", PGPORT: "1,2" }, [], { host: "a,b", port: 1 }],
  [{ PGHOST: "a,b" }, [], { host: "a,b", port: 5432 }],
  [{ PGHOST: "a" }, ["--host=b,c", "--port=7"], { host: "b,c", port: 7 }],
  [{ PGHOST: "b" }, [], { host: "b", port: 2 }],
  // A service says something else.
  [{ PGHOST: "a,c" }, [], { host: "b", port: 2 }],
  [{}, [], { host: "b", port: 2 }],
] as const)("a server of several hosts has one name: %j %j", ([environment, words, name]) => {
  const syntax = { shortWithValue: {}, longWithValue: ["host", "port"], long: [] };
  expect(new PostgresClient(environment, readOptions(words, syntax)).serverName("b", 2)).toEqual(name);
});
