import { describe, expect, test } from "vitest";
import { examine, type StoredBackup } from "../../src/catalogue.ts";
import { type Expectation, type Freshness, judgeFreshness } from "../../src/freshness.ts";
import { dumpText, manifestOf, type Past, pathOf } from "../fixtures/history.ts";

const now = new Date("2026-03-01T12:00:00Z");
const hour = 3_600_000;

/** When it was so many hours before now. */
function hoursAgo(hours: number): string {
  return new Date(now.getTime() - hours * hour).toISOString();
}

function toBackup(past: Past): StoredBackup {
  const backup = examine(pathOf(past), manifestOf(past), dumpText.length);
  if ("problem" in backup) throw new Error(backup.problem);
  return backup;
}

/** Newest first, as the catalogue has them. */
function judge(
  history: readonly Past[],
  expectation: Partial<Expectation> = {},
  spoilt: readonly Past[] = [],
): Freshness[] {
  const backups = history
    .map(toBackup)
    .toSorted((left, right) => right.startedAt.getTime() - left.startedAt.getTime());
  return judgeFreshness(
    { backups, damaged: spoilt.map((past) => toBackup(past).manifest) },
    { engine: "postgres", databases: undefined, globals: false, maximumAge: 26 * hour, ...expectation },
    now,
  );
}

/** What is told, in a word or two a database. */
function tell(judged: readonly Freshness[]): string[] {
  return judged.map(({ subject, isStale, hasShrunk, misdated, count }) =>
    [
      subject,
      isStale ? "stale" : "fresh",
      ...(hasShrunk ? ["shrunk"] : []),
      ...(misdated > 0 ? [`misdated ${misdated}`] : []),
      count,
    ].join(" "),
  );
}

const fresh: Past = { started: hoursAgo(2) };
const stale: Past = { started: hoursAgo(27), database: "crm" };

test("the newest of each database counts", () => {
  const history = [fresh, { started: hoursAgo(50) }, stale, { ...stale, started: hoursAgo(60) }];
  const judged = judge(history);
  expect(tell(judged)).toEqual(["app fresh 2", "crm stale 2"]);
  expect(judged.map(({ newest, previous, age }) => [newest?.path, previous?.path, age])).toEqual([
    [pathOf(fresh), pathOf({ started: hoursAgo(50) }), 2 * hour],
    [pathOf(stale), pathOf({ ...stale, started: hoursAgo(60) }), 27 * hour],
  ]);
});

test("a database of which no backup is good any more has none, and is told by name", () => {
  const billing: Past = { started: hoursAgo(3), database: "billing" };
  const ruined = [billing, { ...billing, started: hoursAgo(5) }, fresh];
  for (const databases of [undefined, ["*"], ["app", "billing"]]) {
    const judged = judge([fresh], { databases }, ruined);
    expect(tell(judged)).toEqual(["app fresh 1", "billing stale 0"]);
    expect(judged[1]?.sample?.server.host).toBe(toBackup(billing).manifest.server.host);
  }
  expect(tell(judge([fresh], { databases: ["app"] }, ruined))).toEqual(["app fresh 1"]);
});

test("exactly as old as is allowed is fresh, and a millisecond more is not", () => {
  const at = (age: number): Past => ({ started: new Date(now.getTime() - age).toISOString() });
  expect(tell(judge([at(26 * hour)]))).toEqual(["app fresh 1"]);
  expect(tell(judge([at(26 * hour + 1)]))).toEqual(["app stale 1"]);
});

test("without a greatest age whatever is there is fresh", () => {
  expect(tell(judge([{ started: hoursAgo(100_000) }], { maximumAge: undefined }))).toEqual(["app fresh 1"]);
});

test("no backups, no judgement", () => {
  expect(judge([])).toEqual([]);
  expect(judge([fresh], { server: "db9.example.org" })).toEqual([]);
});

describe("what must have a backup", () => {
  test.for<[databases: string[] | undefined, told: string[]]>([
    [undefined, ["app fresh 1", "app_test fresh 1", "crm stale 1"]],
    [["*"], ["app fresh 1", "app_test fresh 1", "crm stale 1"]],
    [["app"], ["app fresh 1"]],
    [
      ["app", "never"],
      ["app fresh 1", "never stale 0"],
    ],
    [["app*"], ["app fresh 1", "app_test fresh 1"]],
    [["app*", "!*_test"], ["app fresh 1"]],
    [["never*"], []],
    [
      ["*", "never", "!crm"],
      ["app fresh 1", "app_test fresh 1", "never stale 0"],
    ],
    [["never", "!never"], []],
    [["App"], ["App stale 0"]],
  ])("as BACKUP_DATABASES has it: %s", ([databases, told]) => {
    const history = [fresh, { ...fresh, database: "app_test" }, stale];
    expect(tell(judge(history, { databases }))).toEqual(told);
  });

  test("--database goes before BACKUP_DATABASES, and is no pattern", () => {
    const expectation = { databases: ["app"] };
    expect(tell(judge([fresh, stale], { ...expectation, database: "crm" }))).toEqual(["crm stale 1"]);
    expect(tell(judge([fresh, stale], { ...expectation, database: "*" }))).toEqual(["* stale 0"]);
  });

  test("what another engine has does not count", () => {
    expect(tell(judge([{ ...fresh, engine: "mariadb" }], { databases: ["app"] }))).toEqual(["app stale 0"]);
  });

  test("with --server neither does what another server has", () => {
    const history = [fresh, { ...stale, host: "db2.example.org" }];
    expect(tell(judge(history, { databases: ["app"], server: "db2.example.org" }))).toEqual(["app stale 0"]);
    expect(tell(judge(history, { server: "db2.example.org:5432" }))).toEqual(["crm stale 1"]);
  });

  test("a missing one has nothing but its name", () => {
    expect(judge([], { database: "app" })).toEqual([
      {
        subject: "app",
        scope: "database",
        sample: undefined,
        newest: undefined,
        previous: undefined,
        count: 0,
        age: undefined,
        isStale: true,
        hasShrunk: false,
        misdated: 0,
      },
    ]);
  });
});

describe("roles and tablespaces", () => {
  const roles: Past = { started: hoursAgo(30), scope: "globals", database: null, path: "roles.sql" };

  test.for<[title: string, history: Past[], expectation: Partial<Expectation>, told: string[]]>([
    [
      "with BACKUP_GLOBALS",
      [roles],
      { globals: true, databases: ["app"] },
      ["roles and tablespaces stale 1"],
    ],
    ["with it and missing", [], { globals: true, databases: ["app"] }, ["roles and tablespaces stale 0"]],
    ["without it", [roles], { databases: ["app"] }, []],
    ["where nothing is named", [roles], {}, ["roles and tablespaces stale 1"]],
    ["where one database is asked for", [roles], { globals: true, database: "app" }, []],
  ])("%s", ([, history, expectation, told]) => {
    const others = tell(judge([fresh, ...history], expectation)).filter((line) => !line.startsWith("app "));
    expect(others).toEqual(told);
  });
});

test("each server, and each scope, is judged by itself", () => {
  const judged = judge([
    fresh,
    { ...fresh, host: "db2.example.org", started: hoursAgo(30) },
    { ...fresh, port: 5433, started: hoursAgo(40) },
    { ...fresh, scope: "server", database: null },
    { ...fresh, scope: "globals", database: null, started: hoursAgo(31) },
  ]);
  expect(tell(judged).toSorted()).toEqual([
    "all databases fresh 1",
    "app fresh 1",
    "app stale 1",
    "app stale 1",
    "roles and tablespaces stale 1",
  ]);
});

describe("a sharp fall", () => {
  test.for<[sizes: number[], shrunk: boolean]>([
    [[1000], false],
    [[1000, 1000], false],
    [[500, 1000], false],
    [[499, 1000], true],
    [[0, 1], true],
    [[0, 0], false],
    [[1000, 1], false],
    [[600, 700, 5000], false],
  ])("%s, newest first: %s", ([sizes, shrunk]) => {
    const history = sizes.map((plainBytes, index): Past => ({ started: hoursAgo(1 + index), plainBytes }));
    expect(judge(history).map(({ hasShrunk }) => hasShrunk)).toEqual([shrunk]);
  });

  test("is one within a database on one server, not between two", () => {
    const large = { ...fresh, plainBytes: 10_000, started: hoursAgo(3) };
    const judged = judge([
      { ...fresh, plainBytes: 1 },
      { ...large, database: "crm" },
      { ...large, host: "db2.example.org" },
    ]);
    expect(judged.map(({ hasShrunk }) => hasShrunk)).toEqual([false, false, false]);
  });
});

describe("what is dated in the future", () => {
  const future: Past = { started: hoursAgo(-2) };

  test("counts for nothing", () => {
    expect(tell(judge([future, { started: hoursAgo(27) }]))).toEqual(["app stale misdated 1 2"]);
    const [judged] = judge([future, fresh, { started: hoursAgo(5) }]);
    expect(judged).toMatchObject({ age: 2 * hour, isStale: false, count: 3, misdated: 1 });
    expect(judged?.newest?.path).toBe(pathOf(fresh));
    expect(judged?.previous?.path).toBe(pathOf({ started: hoursAgo(5) }));
  });

  test("alone is as good as nothing", () => {
    expect(judge([future])).toEqual([
      expect.objectContaining({
        subject: "app",
        newest: undefined,
        age: undefined,
        isStale: true,
        misdated: 1,
      }),
    ]);
  });

  test("up to an hour ahead is a clock that differs a little: made just now", () => {
    expect(judge([{ started: hoursAgo(-1) }])).toEqual([
      expect.objectContaining({ age: 0, isStale: false, misdated: 0 }),
    ]);
    expect(tell(judge([{ started: new Date(now.getTime() + hour + 1).toISOString() }]))).toEqual([
      "app stale misdated 1 1",
    ]);
  });
});
