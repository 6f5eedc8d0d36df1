/** rcdump list: what a person and a program see of what lies in the store. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort } from "../fixtures/process.ts";
import { pathWith } from "../fixtures/programs.ts";
import { startS3 } from "../fixtures/s3.ts";
import { type LocalStore, localStore, type StoredManifest } from "../fixtures/store.ts";

const recipients = [
  "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
  "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z",
];

let postgres: PostgresServer;
let mariadb: MariadbServer;
/** Backups of two servers, none of them damaged, and nothing else. */
const store = localStore();

beforeAll(async () => {
  [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  await Promise.all(["app", "app2"].map((name) => postgres.createDatabase(name)));
  await mariadb.createDatabase("app");
  const ofPostgres = { ...store.env, ...postgres.env, BACKUP_ENGINE: "postgres" };
  const made = [
    await rcdump({
      ...ofPostgres,
      BACKUP_DATABASES: "app,app2",
      BACKUP_FILE_NAME: "pg/$DB-1",
    }),
    await rcdump({
      ...ofPostgres,
      BACKUP_DATABASES: "app",
      BACKUP_FILE_NAME: "pg/$DB-2",
      BACKUP_COMPRESSION: "none",
      BACKUP_GLOBALS: "true",
      ENCRYPT_RECIPIENTS: recipients.join(","),
    }),
    await rcdump(
      {
        ...store.env,
        ...mariadb.env,
        BACKUP_ENGINE: "mariadb",
        BACKUP_DATABASES: "app",
        BACKUP_FILE_NAME: "maria/$DB",
        BACKUP_COMPRESSION: "zstd",
        ENCRYPT_RECIPIENTS: recipients[0],
      },
      mariadb.args,
    ),
  ];
  for (const outcome of made) expect(outcome).toMatchObject({ exitCode: 0, message: "" });
});
afterAll(() => Promise.all([postgres.stop(), mariadb.stop()]));

/** Lists what lies in a store, without a server. */
function list(
  args: readonly string[] = [],
  variables: Variables = {},
  of: LocalStore = store,
): Promise<Outcome> {
  return rcdump({ ...of.env, BACKUP_ENGINE: "postgres", ...variables }, ["list", ...args]);
}

/** What differs from run to run made the same, and the columns two spaces apart. */
function masked(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/\d+\.\d s /g, "N.N s ")
    .replaceAll(/ \d+ s /g, " N s ")
    .replaceAll(/\d+\.\d(?=x|\skB)/g, "N.N")
    .replaceAll(/ \d+ B /g, " N B ")
    .replaceAll(/ {2,}/g, "  ");
}

/** The paths of the backups in a list, from its JSON. */
async function pathsOf(args: readonly string[], variables: Variables = {}, of = store): Promise<string[]> {
  const { exitCode, message, stdout } = await list([...args, "--json"], variables, of);
  expect({ exitCode, message }).toEqual({ exitCode: 0, message: "" });
  return (JSON.parse(stdout) as { backups: { path: string }[] }).backups.map(({ path }) => path);
}

/** A store with copies of some files of the first one. */
function copyOf(paths: readonly string[]): LocalStore {
  const copy = localStore();
  for (const path of paths) place(copy, path.replaceAll("/", "_"), store.read(path));
  return copy;
}

function place(into: LocalStore, path: string, content: string | Buffer): void {
  writeFileSync(join(into.folder, path), content);
}

const sorted = ["maria/app.sql.zst.age", "pg/app-1.sql.gz", "pg/app-2.sql.age", "pg/app2-1.sql.gz"];

describe.concurrent("the table", () => {
  test("is read by a person: a row for each backup, newest first, its columns below each other", async () => {
    const { exitCode, stdout, stderr } = await list();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const [heading = "", ...rows] = stdout.trimEnd().split("\n");
    const titles = heading.split(/ {2,}/);
    expect(titles).toEqual([
      "WHEN (UTC)",
      "AGE",
      "DATABASE",
      "SERVER",
      "ENGINE",
      "SIZE",
      "RATIO",
      "TOOK",
      "ENCRYPTED FOR",
      "PATH",
    ]);
    // A cell begins where its title does, behind two spaces.
    for (const row of rows)
      for (const title of titles.slice(1))
        expect(row.slice(heading.indexOf(title) - 2, heading.indexOf(title) + 1), row).toMatch(/^ {2}\S$/);
    const cells = rows.map((row) => masked(row).split(/ {2,}/));
    const version = store.manifest("pg/app-1.sql.gz").server.version;
    const server = `127.0.0.1:${postgres.port}`;
    expect(cells).toHaveLength(5);
    const last = store.manifest("maria/app.sql.zst.age");
    expect(cells[0]).toEqual([
      "TIME",
      "N s",
      "app",
      `127.0.0.1:${mariadb.port}`,
      `mariadb ${last.server.version}`,
      "N.N kB",
      "N.Nx",
      "N.N s",
      "age1ql3z7h…mcac8p",
      "maria/app.sql.zst.age",
    ]);
    expect(cells.slice(1).map((row) => [row[2], row[3], row[4], row[8], row[9]])).toEqual(
      expect.arrayContaining([
        ["app", server, `postgres ${version}`, "age1ql3z7h…mcac8p +1", "pg/app-2.sql.age"],
        ["roles and tablespaces", server, `postgres ${version}`, "age1ql3z7h…mcac8p +1", expect.any(String)],
        ["app", server, `postgres ${version}`, "-", "pg/app-1.sql.gz"],
        ["app2", server, `postgres ${version}`, "-", "pg/app2-1.sql.gz"],
      ]),
    );
  });

  test("leaves the server out where there is only one", async () => {
    const { stdout } = await list(["--database", "app2"]);
    const version = store.manifest("pg/app2-1.sql.gz").server.version;
    expect(masked(stdout)).toBe(
      `WHEN (UTC)  AGE  DATABASE  ENGINE  SIZE  RATIO  TOOK  ENCRYPTED FOR  PATH
TIME  N s  app2  postgres ${version}  N B  N.Nx  N.N s  -  pg/app2-1.sql.gz
`,
    );
  });

  test.for(["Asia/Tokyo", ":America/St_Johns"])("has its times in TZ=%s", async (zone) => {
    const { stdout } = await list(["--database", "app2"], { TZ: zone });
    const timeZone = zone.replace(":", "");
    const { started } = store.manifest("pg/app2-1.sql.gz");
    const local = Temporal.Instant.from(started).toZonedDateTimeISO(timeZone).toPlainDateTime();
    expect(stdout).toMatch(new RegExp(`^WHEN \\(${timeZone}\\) +AGE `));
    expect(stdout).toContain(`\n${local.toString({ smallestUnit: "second" }).replace("T", " ")}  `);
  });
});

describe.concurrent("--json", () => {
  test("has the whole manifest of each backup", async () => {
    const { exitCode, stdout, stderr } = await list(["--json"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { backups, ...rest } = JSON.parse(stdout) as { backups: ({ path: string } & StoredManifest)[] };
    expect(rest).toEqual({});
    expect(backups).toHaveLength(5);
    for (const { path, ...manifest } of backups) {
      const { checksum, ...stored } = store.manifest(path) as StoredManifest & { checksum: string };
      expect(checksum).toMatch(/^[0-9a-f]{64}$/);
      expect(manifest).toEqual(stored);
    }
    const times = backups.map(({ started }) => started);
    expect(times).toEqual(times.toSorted().toReversed());
  });

  test("with --all has what else there is", async () => {
    const of = copyOf(["pg/app-1.sql.gz"]);
    place(of, "gone.manifest.json", store.read("pg/app-1.sql.gz.manifest.json"));
    place(of, "x.0123abcd-mk4z0a1b2c3d.partial", "half");
    const { stdout, stderr } = await list(["--all", "--json"], {}, of);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      backups: [],
      damaged: [{ path: "gone", problem: "is not there, only its manifest is" }],
      incomplete: [{ path: "pg_app-1.sql.gz", bytes: store.read("pg/app-1.sql.gz").length }],
      leftovers: [{ path: "x.0123abcd-mk4z0a1b2c3d.partial", bytes: 4 }],
    });
  });

  test("of an empty folder is an empty list", async () => {
    expect(JSON.parse((await list(["--json"], {}, localStore())).stdout)).toEqual({ backups: [] });
  });
});

describe.concurrent("which backups", () => {
  test("all of them, whichever engine is set", async () => {
    expect((await pathsOf([])).filter((path) => !path.includes("globals")).toSorted()).toEqual(
      expect.arrayContaining(sorted),
    );
    expect(await pathsOf([], { BACKUP_ENGINE: "mariadb" })).toHaveLength(5);
  });

  test("those of a database are of that very name, on every server", async () => {
    expect(await pathsOf(["--database", "app"])).toEqual([
      "maria/app.sql.zst.age",
      "pg/app-2.sql.age",
      "pg/app-1.sql.gz",
    ]);
    expect(await pathsOf(["--database=app2"])).toEqual(["pg/app2-1.sql.gz"]);
    expect(await list(["--database", "ap"])).toMatchObject({ exitCode: 22, stdout: "" });
  });

  test("those of a server", async () => {
    const server = `127.0.0.1:${mariadb.port}`;
    expect(await pathsOf(["--server", server])).toEqual(["maria/app.sql.zst.age"]);
    expect(await pathsOf(["--server", "127.0.0.1"])).toHaveLength(5);
    expect(await list(["--server", "127.0.0"])).toMatchObject({ exitCode: 22, stdout: "" });
  });

  test("the newest of them", async () => {
    expect(await pathsOf(["--limit", "1"])).toEqual(["maria/app.sql.zst.age"]);
    expect(await pathsOf(["--database", "app", "--limit", "2"])).toEqual([
      "maria/app.sql.zst.age",
      "pg/app-2.sql.age",
    ]);
    expect(await pathsOf(["--limit", "99999999999999999999"])).toHaveLength(5);
  });

  test("those whose dumps began at or after a time", async () => {
    const { started } = store.manifest("pg/app-2.sql.age");
    expect(await pathsOf(["--database", "app", "--since", started])).toEqual([
      "maria/app.sql.zst.age",
      "pg/app-2.sql.age",
    ]);
    expect(await pathsOf(["--since", "1h"])).toHaveLength(5);
    expect(await pathsOf(["--since", "9999-01-01"])).toEqual([]);
  });

  test("a time without a zone is one of TZ", async () => {
    const { started } = store.manifest("maria/app.sql.zst.age");
    const local = Temporal.Instant.from(started)
      .toZonedDateTimeISO("Asia/Tokyo")
      .toPlainDateTime()
      .toString();
    expect(await pathsOf(["--since", local], { TZ: "Asia/Tokyo" })).toEqual(["maria/app.sql.zst.age"]);
    expect(await pathsOf(["--since", local], { TZ: "UTC" })).toEqual([]);
  });

  test("those below UPLOAD_PREFIX, with their paths from there", async () => {
    const variables = {
      RCLONE_CONFIG_STORE_TYPE: "local",
      RCLONE_CONFIG_STORE_REMOTE: undefined,
      UPLOAD_PREFIX: `${store.folder}/maria`,
    };
    expect(await pathsOf([], variables)).toEqual(["app.sql.zst.age"]);
  });
});

describe.concurrent("what else lies there", () => {
  /** A backup, and one of everything that is none. */
  function mixed(): LocalStore {
    const of = copyOf(["pg/app-1.sql.gz", "pg/app-1.sql.gz.manifest.json"]);
    const manifest = store.read("pg/app-1.sql.gz.manifest.json");
    place(of, "bad.sql.gz", "content");
    place(of, "bad.sql.gz.manifest.json", manifest.subarray(0, 100));
    place(of, "cut.sql.gz", "content");
    place(of, "cut.sql.gz.manifest.json", manifest);
    place(of, "gone.sql.gz.manifest.json", manifest);
    place(of, "notes.txt", "mine");
    place(of, "new.sql.gz.0123abcd-mk4z0a1b2c3d.partial", "x".repeat(1234));
    return of;
  }

  test("is told in one line", async () => {
    const { exitCode, stdout, log } = await list([], {}, mixed());
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").filter((line) => line.endsWith(".sql.gz"))).toHaveLength(1);
    expect(log).toMatchObject([
      {
        level: "warn",
        msg: "5 more objects are no backups",
        hint: "`rcdump list --all` shows what and why",
      },
    ]);
  });

  test("is told of one object as of one", async () => {
    const of = localStore();
    place(of, "notes.txt", "mine");
    const { stdout, log } = await list([], {}, of);
    expect(stdout).toBe("no backups\n");
    expect(log.map(({ msg }) => msg)).toEqual(["1 more object is no backup"]);
  });

  test("is shown with --all, and why", async () => {
    const of = mixed();
    const { exitCode, stdout, stderr } = await list(["--all"], {}, of);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const { bytes } = store.manifest("pg/app-1.sql.gz").stored;
    expect(stdout.slice(stdout.indexOf("\n\n") + 1)).toBe(`
No backups:
PATH                                      SIZE    WHY
bad.sql.gz                                -       DAMAGED: has a manifest that is damaged: it is no JSON
cut.sql.gz                                -       DAMAGED: is 7 bytes long, and its manifest says ${bytes}
gone.sql.gz                               -       DAMAGED: is not there, only its manifest is
notes.txt                                 4 B     no manifest: unfinished, or made by something else
new.sql.gz.0123abcd-mk4z0a1b2c3d.partial  1.2 kB  an upload under way, or one that was cut off
`);
  });

  test("is nothing where there are only backups", async () => {
    const { stdout, stderr } = await list(["--all", "--limit", "1"]);
    expect(stderr).toBe("");
    expect(stdout).not.toContain("No backups");
  });

  test("is a manifest of more than a megabyte", async () => {
    const of = localStore();
    place(of, "app.sql.gz", "content");
    place(of, "app.sql.gz.manifest.json", "x".repeat(1024 * 1024 + 1));
    const { stdout } = await list(["--all"], {}, of);
    expect(stdout).toContain("app.sql.gz  -     DAMAGED: has a manifest that is too long to be one\n");
  });
});

describe.concurrent("nothing", () => {
  test("lies in an empty folder", async () => {
    expect(await list([], {}, localStore())).toMatchObject({
      exitCode: 0,
      stdout: "no backups\n",
      stderr: "",
    });
    expect(await list(["--all"], {}, localStore())).toMatchObject({ exitCode: 0, stdout: "no backups\n" });
  });

  test("lies in a folder that does not exist", async () => {
    const of = localStore();
    rmSync(of.folder, { recursive: true });
    expect(await list([], {}, of)).toMatchObject({ exitCode: 0, stdout: "no backups\n", stderr: "" });
  });

  test("lies in one folder of a union, which is not there: what is in the other counts", async () => {
    await using first = await startS3("first");
    await first.createBucket("bucket");
    const second = temporaryFolder("second");
    const variables = {
      ...first.env,
      RCLONE_CONFIG_STORE_TYPE: "union",
      RCLONE_CONFIG_STORE_UPSTREAMS: "first:bucket/backups second:backups",
      RCLONE_CONFIG_STORE_CREATE_POLICY: "all",
      RCLONE_CONFIG_STORE_ACTION_POLICY: "all",
      RCLONE_CONFIG_STORE_SEARCH_POLICY: "ff",
      RCLONE_CONFIG_STORE_REMOTE: undefined,
      RCLONE_CONFIG_SECOND_TYPE: "alias",
      RCLONE_CONFIG_SECOND_REMOTE: second,
    };
    const run = { ...variables, ...postgres.env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: "app,app2" };
    const made = await rcdump({ ...run, BACKUP_FILE_NAME: "pg/$DB" });
    expect(made).toMatchObject({ exitCode: 0, message: "" });
    const before = await list(["--json"], variables);
    expect(before.stdout).toContain("pg/app2.sql.gz");

    rmSync(join(second, "backups"), { recursive: true });
    expect(await list(["--json"], variables)).toEqual(before);
    expect((await list(["--database", "nosuch"], variables)).exitCode).toBe(22);
  });

  test("is of a database that there is no backup of: 22, and what there is", async () => {
    expect(await list(["--database", "nosuch"])).toMatchObject({
      exitCode: 22,
      stdout: "",
      message:
        "there is no backup of nosuch in the remote\n  hint: there are backups of app, app2, roles and tablespaces; `rcdump list` shows them",
    });
  });

  test("is changed or left behind by it", async () => {
    const tmp = temporaryFolder("tmp");
    const before = store.snapshot();
    await list(["--all"], { TMPDIR: tmp });
    expect(store.snapshot()).toEqual(before);
    expect(localStore(tmp).files()).toEqual([]);
  });

  test("needs to be said of what is dumped and for whom it is encrypted, nor be reached of the server", async () => {
    const variables = {
      PGHOST: "nosuch.invalid",
      ENCRYPT_RECIPIENTS_FILE: "/nonexistent",
      BACKUP_DATABASES: undefined,
    };
    expect(await list(["--database", "app2"], variables)).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describe.concurrent("is refused", () => {
  const noTime =
    "write a time such as 2026-11-21T02:00 or 2026-11-21T02:00:00Z, a day, or how long ago it was, such as 7d";

  test.for<[args: string[], message: string, hint: string]>([
    [["--limit", "0"], '--limit is "0"', "write a whole number from 1"],
    [["--limit=-1"], '--limit is "-1"', "write a whole number from 1"],
    [["--limit="], "--limit has no value", "write it behind, as in --limit=VALUE"],
    [["--since", "yesterday"], '--since is "yesterday", which is no time', noTime],
    [["--since", "2026-02-30"], '--since is "2026-02-30", which is no time', noTime],
  ])("%j", async ([args, message, hint]) => {
    const outcome = await list(args);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: "", message: `${message}\n  hint: ${hint}` });
  });

  test.for([["--nosuch"], ["--json=yes"]])("%j, which is no option of it", async (args) => {
    expect(await list(args)).toMatchObject({ exitCode: 2, stdout: "" });
  });

  test("a store that is not there", async () => {
    const variables = {
      RCLONE_CONFIG_STORE_TYPE: "s3",
      RCLONE_CONFIG_STORE_REMOTE: undefined,
      RCLONE_CONFIG_STORE_PROVIDER: "Other",
      RCLONE_CONFIG_STORE_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      RCLONE_CONFIG_STORE_ACCESS_KEY_ID: "rcdump",
      RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: "rcdump-secret",
      UPLOAD_PREFIX: "backups",
      RCLONE_LOW_LEVEL_RETRIES: "1",
      RCLONE_RETRIES: "1",
    };
    const { exitCode, stdout, message } = await list([], variables);
    expect({ exitCode, stdout }).toEqual({ exitCode: 20, stdout: "" });
    expect(message).toMatch(/connection refused/);
    expect(message).toMatch(/\n {2}hint: \S/);
  });

  const missing = "2026/11/21 02:00:00 ERROR : error listing: directory not found";
  test.for<[title: string, printed: string, said: string]>([
    ["a listing that is cut off where a folder is missing", '[\n{"Path":"x","Size":1,"ModTime":""}', missing],
    [
      "a listing in which another folder is missing for another reason",
      '[\n{"Path":"x","Size":1,"ModTime":""}\n]\n',
      `2026/11/21 02:00:00 ERROR : pg: error listing: permission denied\n${missing}`,
    ],
    [
      "a store in which nothing can be listed for another reason",
      "[\n",
      `2026/11/21 02:00:00 ERROR : pg: error listing: permission denied\n${missing}`,
    ],
  ])("%s", async ([, printed, said]) => {
    const path = pathWith({
      rclone: `[ "$1" = lsjson ] || exec $REAL "$@"\nprintf '%s' '${printed}'; echo '${said}' >&2; exit 3`,
    });
    expect(await list([], { PATH: path })).toMatchObject({
      exitCode: 20,
      stdout: "",
      message: expect.stringMatching(/^cannot use store: .*directory not found/) as string,
    });
  });

  test("a store that nothing says how to reach", async () => {
    const variables = { RCLONE_CONFIG_STORE_TYPE: undefined, RCLONE_CONFIG_STORE_REMOTE: undefined };
    expect(await list([], variables)).toMatchObject({ exitCode: 20, stdout: "" });
  });
});
