import { expect, test } from "vitest";
import { examine, type StoredBackup } from "../../src/catalogue.ts";
import type { Freshness } from "../../src/freshness.ts";
import { toOpenMetrics } from "../../src/metrics.ts";
import { dumpText, manifestOf, type Past, pathOf } from "../fixtures/history.ts";

function toBackup(past: Past): StoredBackup {
  const backup = examine(pathOf(past), manifestOf(past), dumpText.length);
  if ("problem" in backup) throw new Error(backup.problem);
  return backup;
}

function freshness(subject: string, newest: Past | undefined, others: Partial<Freshness> = {}): Freshness {
  return {
    subject,
    scope: newest?.scope ?? "database",
    sample: newest && toBackup(newest).manifest,
    newest: newest && toBackup(newest),
    previous: undefined,
    count: newest ? 1 : 0,
    age: newest && 0,
    isStale: newest === undefined,
    hasShrunk: false,
    misdated: 0,
    ...others,
  };
}

/** The lines of one metric family that are no comments. */
async function samples(judged: readonly Freshness[], family: string): Promise<string[]> {
  const text = await toOpenMetrics(judged);
  return text.split("\n").filter((line) => line.startsWith(`rcdump_${family}{`));
}

const app: Past = { started: "2026-01-01T00:00:00.250Z", took: 90, plainBytes: 123_456_789_012 };

test("every family, as the specification has it", async () => {
  const labels = '{database="app",server="db.example.org:5432",engine="postgres",scope="database"}';
  expect(await toOpenMetrics([freshness("app", app, { count: 7, hasShrunk: true })])).toBe(
    [
      "# HELP rcdump_last_backup_timestamp_seconds When the newest backup began.",
      "# TYPE rcdump_last_backup_timestamp_seconds gauge",
      `rcdump_last_backup_timestamp_seconds${labels} 1767225600.25`,
      "# HELP rcdump_last_backup_duration_seconds How long it took.",
      "# TYPE rcdump_last_backup_duration_seconds gauge",
      `rcdump_last_backup_duration_seconds${labels} 90`,
      "# HELP rcdump_last_backup_plain_bytes Its size before compression.",
      "# TYPE rcdump_last_backup_plain_bytes gauge",
      `rcdump_last_backup_plain_bytes${labels} 123456789012`,
      "# HELP rcdump_last_backup_stored_bytes Its size in the store.",
      "# TYPE rcdump_last_backup_stored_bytes gauge",
      `rcdump_last_backup_stored_bytes${labels} 10`,
      "# HELP rcdump_backups How many backups there are.",
      "# TYPE rcdump_backups gauge",
      `rcdump_backups${labels} 7`,
      "# HELP rcdump_stale 1 if the newest backup is older than --max-age, or there is none.",
      "# TYPE rcdump_stale gauge",
      `rcdump_stale${labels} 0`,
      "# HELP rcdump_shrunk 1 if the newest backup is less than half as large as the one before.",
      "# TYPE rcdump_shrunk gauge",
      `rcdump_shrunk${labels} 1`,
      "# EOF",
      "",
    ].join("\n"),
  );
});

test("of a database without a backup there are only the numbers that it has", async () => {
  const judged = [freshness("app", undefined)];
  const labels = '{database="app",server="",engine="",scope="database"}';
  expect(await samples(judged, "stale")).toEqual([`rcdump_stale${labels} 1`]);
  expect(await samples(judged, "backups")).toEqual([`rcdump_backups${labels} 0`]);
  expect(await samples(judged, "last_backup_timestamp_seconds")).toEqual([]);
  expect(await samples(judged, "last_backup_plain_bytes")).toEqual([]);
});

test("those whose backups are all dated in the future do not fall together either", async () => {
  const none = { newest: undefined, age: undefined, isStale: true, misdated: 1 };
  const judged = [app, { ...app, host: "db2.example.org" }].map((past) => freshness("app", past, none));
  expect(await samples(judged, "stale")).toEqual([
    'rcdump_stale{database="app",server="db.example.org:5432",engine="postgres",scope="database"} 1',
    'rcdump_stale{database="app",server="db2.example.org:5432",engine="postgres",scope="database"} 1',
  ]);
});

test("nothing at all is still a whole document", async () => {
  const text = await toOpenMetrics([]);
  expect(text).toMatch(/\n# EOF\n$/);
  expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
});

test.for<[name: string, escaped: string]>([
  ['quo"ted', String.raw`quo\"ted`],
  ["back\\slash", String.raw`back\\slash`],
  ["two\nlines", String.raw`two\nlines`],
  ["a\\nb", String.raw`a\\nb`],
  ["ends in \\", String.raw`ends in \\`],
  ["naïve 数据库 {}=,", "naïve 数据库 {}=,"],
])("a name of any characters: %j", async ([name, escaped]) => {
  const labels = `server="db.example.org:5432",engine="postgres",scope="database"`;
  expect(await samples([freshness(name, { ...app, database: name, path: "x" })], "backups")).toEqual([
    `rcdump_backups{database="${escaped}",${labels}} 1`,
  ]);
  expect(await samples([freshness(name, undefined)], "backups")).toEqual([
    `rcdump_backups{database="${escaped}",server="",engine="",scope="database"} 0`,
  ]);
});

test("several servers, and dumps that are of no one database, do not fall together", async () => {
  const dumps: Past[] = [
    app,
    { ...app, host: "db2.example.org" },
    { ...app, scope: "server", database: null, path: "all.sql" },
    { ...app, scope: "globals", database: null, path: "globals.sql" },
    { ...app, engine: "mariadb" },
  ];
  const lines = await samples(
    dumps.map((past) => freshness("a dump", past)),
    "backups",
  );
  expect(lines).toEqual([
    'rcdump_backups{database="app",server="db.example.org:5432",engine="postgres",scope="database"} 1',
    'rcdump_backups{database="app",server="db2.example.org:5432",engine="postgres",scope="database"} 1',
    'rcdump_backups{database="",server="db.example.org:5432",engine="postgres",scope="server"} 1',
    'rcdump_backups{database="",server="db.example.org:5432",engine="postgres",scope="globals"} 1',
    'rcdump_backups{database="app",server="db.example.org:5432",engine="mariadb",scope="database"} 1',
  ]);
});
