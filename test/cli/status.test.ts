/** `rcdump status`: what it tells of the backups in a store, and its exit codes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Outcome, rcdump, type Variables } from "../fixtures/cli.ts";
import { manifestOf, type Past, pathOf, writeHistory } from "../fixtures/history.ts";
import { type LocalStore, localStore } from "../fixtures/store.ts";

const started = Date.now();

/** A time so many hours before the tests began. */
function hoursAgo(hours: number): string {
  return new Date(started - hours * 3_600_000).toISOString();
}

/** The same as the table has it. */
function shown(hours: number): string {
  return hoursAgo(hours).slice(0, 19).replace("T", " ");
}

/** Half an hour lies between these ages and the next whole hour, in which the tests are done. */
const app: Past = { started: hoursAgo(5.5), plainBytes: 2_000_000, path: "app/new.sql.gz" };
const appBefore: Past = { started: hoursAgo(29.5), plainBytes: 4_000_000, path: "app/old.sql.gz" };
const crm: Past = { started: hoursAgo(100.5), database: "crm", path: "crm.sql.gz" };

function storeWith(...history: Past[]): LocalStore {
  const store = localStore();
  writeHistory(store.folder, history);
  return store;
}

async function status(
  store: LocalStore,
  options: readonly string[] = [],
  variables: Variables = {},
): Promise<Outcome> {
  const before = store.snapshot();
  const outcome = await rcdump({ ...store.env, BACKUP_ENGINE: "postgres", ...variables }, [
    "status",
    ...options,
  ]);
  expect(store.snapshot()).toEqual(before);
  return outcome;
}

const hint = "see why its backups fail; `rcdump check` tries out what they need";

describe.concurrent("what must have a fresh backup", () => {
  test("all that was ever backed up, if nothing says more; without --max-age no age is too old", async () => {
    const { exitCode, stdout, log } = await status(storeWith(app, appBefore, crm));
    expect({ exitCode, log }).toEqual({ exitCode: 0, log: [] });
    expect(stdout).toBe(
      [
        "   DATABASE  SERVER               NEWEST (UTC)         AGE  SIZE    BACKUPS",
        `✓  app       db.example.org:5432  ${shown(5.5)}  5 h  2.0 MB  2`,
        `✓  crm       db.example.org:5432  ${shown(100.5)}  4 d  10 B    1`,
        "",
      ].join("\n"),
    );
  });

  test("the same with --max-age: what is older is told", async () => {
    const { exitCode, stdout, message, log } = await status(storeWith(app, appBefore, crm), [
      "--max-age",
      "26h",
    ]);
    expect({ exitCode, message }).toEqual({
      exitCode: 50,
      message: `the newest backup of crm is older than 26h\n  hint: ${hint}`,
    });
    expect(log).toHaveLength(1);
    expect(stdout.split("\n").slice(1)).toEqual([
      `✓  app       db.example.org:5432  ${shown(5.5)}  5 h  2.0 MB  2`,
      `✗  crm       db.example.org:5432  ${shown(100.5)}  4 d  10 B    1        older than 26h`,
      "",
    ]);
  });

  test("what BACKUP_DATABASES names: patterns among what was seen, names in any case", async () => {
    const store = storeWith(app, crm, { ...app, database: "app_test", path: "t.sql.gz" });
    const variables = { BACKUP_DATABASES: "never,app*,!*_test" };
    const { exitCode, stdout, message } = await status(store, ["--max-age=7d"], variables);
    expect({ exitCode, message }).toEqual({
      exitCode: 50,
      message: `never has no backup\n  hint: ${hint}`,
    });
    expect(stdout).toBe(
      [
        "   DATABASE  SERVER               NEWEST (UTC)         AGE  SIZE    BACKUPS",
        `✓  app       db.example.org:5432  ${shown(5.5)}  5 h  2.0 MB  1`,
        "✗  never     -                    -                    -    -       0        has no backup",
        "",
      ].join("\n"),
    );
  });

  test("several that are not: each is told", async () => {
    const variables = { BACKUP_DATABASES: "crm,never" };
    const { exitCode, message } = await status(storeWith(app, crm), ["--max-age=1d"], variables);
    expect({ exitCode, message }).toEqual({
      exitCode: 50,
      message: `the newest backup of crm is older than 1d; never has no backup\n  hint: ${hint}`,
    });
  });

  test.for<[options: string[], exitCode: number]>([
    [["--database=app", "--max-age=6h"], 0],
    [["--database", "app", "--max-age=5h"], 50],
    [["--database=crm", "--max-age=1w"], 0],
    [["--database=never"], 50],
    [["--server=db.example.org", "--max-age=1w"], 0],
    [["--server=db2.example.org"], 50],
  ])("%s: %i", async ([options, code]) => {
    const { exitCode } = await status(storeWith(app, crm), options);
    expect(exitCode).toBe(code);
  });

  test("no backup at all", async () => {
    const none = {
      exitCode: 50,
      message: `there is no backup at all\n  hint: ${hint}`,
      stdout: "no backups\n",
    };
    const variables = { BACKUP_DATABASES: "*" };
    for (const store of [localStore(), storeWith({ ...app, engine: "mariadb" })]) {
      const { exitCode, message, stdout } = await status(store, [], variables);
      expect({ exitCode, message, stdout }).toEqual(none);
    }
  });

  test.for(["26", "0h", "-1d", "1h2d"])("--max-age=%s is no duration", async (text) => {
    const { exitCode, message, stdout } = await status(localStore(), [`--max-age=${text}`]);
    expect({ exitCode, message, stdout }).toEqual({
      exitCode: 2,
      message: `--max-age is ${JSON.stringify(text)}, which is no duration\n  hint: write one such as 26h or 8d`,
      stdout: "",
    });
  });
});

describe.concurrent("what is noticed besides", () => {
  test("a sharp fall in size, which is no failure; half as large is none", async () => {
    const store = storeWith(
      { ...app, plainBytes: 1_999_999 },
      appBefore,
      { ...crm, plainBytes: 500 },
      { ...crm, plainBytes: 1000, started: hoursAgo(124.5), path: "crm-old.sql.gz" },
    );
    const { exitCode, stdout } = await status(store, ["--max-age=7d"]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").slice(1)).toEqual([
      `!  app       db.example.org:5432  ${shown(5.5)}  5 h  2.0 MB  2        the one before had 4.0 MB`,
      `✓  crm       db.example.org:5432  ${shown(100.5)}  4 d  500 B   2`,
      "",
    ]);
  });

  test("a date in the future, which counts for nothing", async () => {
    const store = storeWith(crm, { ...crm, started: hoursAgo(-48), path: "future.sql.gz" });
    const { exitCode, stdout } = await status(store, ["--max-age=26h"]);
    expect(exitCode).toBe(50);
    expect(stdout).toMatch(/^✗ {2}crm .* 4 d {2}10 B {2}2 +older than 26h, 1 dated in the future$/m);
  });

  test("several servers, in a time zone", async () => {
    const other = { ...app, host: "db2.example.org", port: 5433, started: hoursAgo(30.5), path: "2.sql.gz" };
    const { exitCode, stdout } = await status(storeWith(app, other), ["--max-age=26h"], { TZ: "Asia/Tokyo" });
    expect(exitCode).toBe(50);
    expect(stdout).toContain("NEWEST (Asia/Tokyo)");
    expect(stdout).toContain(`app       db.example.org:5432   ${shown(5.5 - 9)}`);
    expect(stdout).toContain(`app       db2.example.org:5433  ${shown(30.5 - 9)}`);
  });

  test("what is damaged is no backup: the one before it counts", async () => {
    const store = storeWith(app, appBefore);
    writeFileSync(join(store.folder, "app/new.sql.gz"), "-- a");
    writeFileSync(join(store.folder, "gone.sql.gz.manifest.json"), manifestOf(app));
    const { exitCode, stdout, log } = await status(store, ["--max-age=26h"]);
    expect(exitCode).toBe(50);
    expect(stdout).toMatch(/^✗ {2}app .* 29 h {2}4\.0 MB {2}1 +older than 26h$/m);
    expect(log.slice(0, -1).map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
      "warn: no backup any more: app/new.sql.gz is 4 bytes long, and its manifest says 10",
      "warn: no backup any more: gone.sql.gz is not there, only its manifest is",
    ]);
  });
});

describe.concurrent("for programs", () => {
  const variables = { BACKUP_DATABASES: "app,never" };

  test("--json", async () => {
    const { exitCode, stdout } = await status(
      storeWith(app, appBefore),
      ["--json", "--max-age=1h"],
      variables,
    );
    expect(exitCode).toBe(50);
    const [first, ...others] = JSON.parse(stdout) as { ageSeconds: number }[];
    expect(first).toEqual({
      database: "app",
      scope: "database",
      server: "db.example.org:5432",
      newest: "app/new.sql.gz",
      started: app.started,
      ageSeconds: expect.any(Number),
      plainBytes: 2_000_000,
      previousPlainBytes: 4_000_000,
      backups: 2,
      stale: true,
      shrunk: false,
      misdated: 0,
    });
    expect(Math.floor((first?.ageSeconds ?? 0) / 3600)).toBe(5);
    expect(others).toEqual([
      {
        database: "never",
        scope: "database",
        server: null,
        newest: null,
        started: null,
        ageSeconds: null,
        plainBytes: null,
        previousPlainBytes: null,
        backups: 0,
        stale: true,
        shrunk: false,
        misdated: 0,
      },
    ]);
  });

  test("--json of nothing", async () => {
    const { exitCode, stdout } = await status(localStore(), ["--json"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 50, stdout: "[]\n" });
  });

  test("--json of roles and tablespaces has no database, whatever their dates are", async () => {
    const roles: Past = { started: hoursAgo(-48), scope: "globals", database: null, path: pathOf(app) };
    const { stdout } = await status(storeWith(roles), ["--json"]);
    expect(JSON.parse(stdout)).toMatchObject([{ database: null, scope: "globals", misdated: 1 }]);
  });

  test("--openmetrics, with an exit code as ever", async () => {
    const name = 'a"b\\c\nd';
    const store = storeWith({ ...app, database: name });
    const { exitCode, stdout } = await status(store, ["--openmetrics", "--max-age=1h"]);
    expect(exitCode).toBe(50);
    const labels = String.raw`{database="a\"b\\c\nd",server="db.example.org:5432",engine="postgres",scope="database"}`;
    expect(stdout.split("\n").filter((line) => !/^# (HELP|TYPE) /.test(line))).toEqual([
      `rcdump_last_backup_timestamp_seconds${labels} ${Date.parse(app.started) / 1000}`,
      `rcdump_last_backup_duration_seconds${labels} 60`,
      `rcdump_last_backup_plain_bytes${labels} 2000000`,
      `rcdump_last_backup_stored_bytes${labels} 10`,
      `rcdump_backups${labels} 1`,
      `rcdump_stale${labels} 1`,
      `rcdump_shrunk${labels} 0`,
      "# EOF",
      "",
    ]);
  });

  test("--json and --openmetrics do not go together", async () => {
    const { exitCode, message, stdout } = await status(localStore(), ["--json", "--openmetrics"]);
    expect({ exitCode, message, stdout }).toEqual({
      exitCode: 2,
      message: "--json and --openmetrics are two formats\n  hint: keep one of them",
      stdout: "",
    });
  });
});

test("the roles that BACKUP_GLOBALS backs up must be fresh too", async () => {
  const roles: Past = { started: hoursAgo(50.5), scope: "globals", database: null, path: "roles.sql.gz" };
  const variables = { BACKUP_DATABASES: "app", BACKUP_GLOBALS: "true" };
  const stale = await status(storeWith(app, roles), ["--max-age=26h"], variables);
  expect(stale.exitCode).toBe(50);
  expect(stale.message).toMatch(/^the newest backup of roles and tablespaces is older than 26h\n/);
  const missing = await status(storeWith(app), ["--max-age=26h"], variables);
  expect(missing.exitCode).toBe(50);
  expect(missing.message).toMatch(/^roles and tablespaces .*no backup\n/);
  const { stdout } = await status(storeWith(app), ["--json"], variables);
  expect(JSON.parse(stdout)).toContainEqual(
    expect.objectContaining({ scope: "globals", database: null, backups: 0, stale: true }),
  );
  const metrics = await status(storeWith(app), ["--openmetrics"], variables);
  expect(metrics.stdout).toContain('rcdump_stale{database="",server="",engine="",scope="globals"} 1');
});
