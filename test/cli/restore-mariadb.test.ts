/** `rcdump restore` into MariaDB: the way back, bad input, damage, and faults on the way. What cannot be left as it was is told. */
import { execa } from "execa";
import { cpSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeManifest, type Manifest } from "../../src/manifest.ts";
import { rcdump, type Run, startRcdump, type Variables } from "../fixtures/cli.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { mariadbContents, mariadbDatabases } from "../fixtures/mariadb-contents.ts";
import { sha256 } from "../fixtures/manifests.ts";
import { until } from "../fixtures/process.ts";
import { pathWith } from "../fixtures/programs.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";
import { startCuttingProxy } from "../fixtures/tcp.ts";

let server: MariadbServer;
/** Backups of `app`, `app_test` and `App`. */
const base = localStore();
/** The SQL in the backup of `app`, and its manifest. */
let appSql: string;
let appManifest: Manifest;

const clerksPassword = "clerks-own-81";

beforeAll(async () => {
  server = await startMariadb();
  for (const name of ["app", "app_test", "App"]) {
    await server.createDatabase(name);
    await server.query(
      name,
      `CREATE TABLE note (id int PRIMARY KEY, text text);
       INSERT INTO note SELECT seq, concat(database(), seq) FROM seq_1_to_2000;
       CREATE VIEW last_note AS SELECT max(id) AS id FROM note;
       CREATE TABLE later AS SELECT 1 AS a;`,
    );
  }
  await server.query(
    "",
    `CREATE USER clerk@'127.0.0.1' IDENTIFIED BY '${clerksPassword}'; GRANT ALL ON own.* TO clerk@'127.0.0.1'`,
  );
  await backUp(base, { BACKUP_DATABASES: "app,app_test,App", BACKUP_FILE_NAME: "${DB}" });
  appSql = gunzipSync(base.read("app.sql.gz")).toString();
  appManifest = base.manifest("app.sql.gz") as unknown as Manifest;
});
afterAll(() => server.stop());

function settings(store: LocalStore): Variables {
  return { ...store.env, ...server.env, BACKUP_ENGINE: "mariadb" };
}

/** Backs up, which must go well. */
async function backUp(store: LocalStore, variables: Variables, args: readonly string[] = []): Promise<void> {
  const all = { ...settings(store), BACKUP_DATABASES: "app", ...variables };
  expect(await rcdump(all, [...server.args, ...args])).toMatchObject({ exitCode: 0, message: "" });
}

function startRestore(
  store: LocalStore,
  args: readonly string[],
  variables: Variables = {},
  account: readonly string[] = server.args,
): Run {
  const command = ["restore", "--yes", ...args, "--", ...account];
  return startRcdump({ ...settings(store), ...variables }, command);
}

/** A restore that must go well; resolves to its last word. */
async function bringBack(...given: Parameters<typeof startRestore>): Promise<string> {
  const before = given[0].snapshot();
  const { exitCode, message, log, stdout } = await startRestore(...given).outcome;
  expect({ exitCode, message, stdout }).toEqual({ exitCode: 0, message: "", stdout: "" });
  expect(given[0].snapshot()).toEqual(before);
  return log.at(-1)?.msg ?? "";
}

/** A restore that must not; resolves to its exit code and message. */
async function fail(...given: Parameters<typeof startRestore>): Promise<[exitCode: number, message: string]> {
  const before = given[0].snapshot();
  const { exitCode, message, log, stdout } = await startRestore(...given).outcome;
  expect(stdout).toBe("");
  expect(log.filter(({ msg }) => msg.startsWith("restored "))).toEqual([]);
  expect(given[0].snapshot()).toEqual(before);
  return [exitCode, message];
}

const contentsOf = (database: string): Promise<string> => mariadbContents(server, database);
const databases = (pattern: string): Promise<string[]> => mariadbDatabases(server, pattern);

async function exists(database: string): Promise<boolean> {
  const hex = Buffer.from(database).toString("hex");
  const rows = await server.query(
    "",
    `SELECT 1 FROM information_schema.schemata WHERE HEX(schema_name) = '${hex}'`,
  );
  return rows === "1";
}

/** A store of one's own with what is in another. */
function copyOf(store: LocalStore): LocalStore {
  const copy = localStore();
  cpSync(store.folder, copy.folder, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** A store with one backup of `app`, whose dump has all of this SQL before its end. */
function storeWith(sql: string): LocalStore {
  const store = localStore();
  const end = "\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;";
  const dump = appSql.replace(end, () => `\n${sql}\n${end}`);
  const measure = { bytes: Buffer.byteLength(dump), sha256: sha256(dump) };
  writeFileSync(join(store.folder, "app.sql"), dump);
  const manifest: Manifest = {
    ...appManifest,
    object: "app.sql",
    compression: "none",
    plain: measure,
    stored: measure,
  };
  writeFileSync(join(store.folder, "app.sql.manifest.json"), encodeManifest(manifest));
  return store;
}

/** Flips one bit of a file, in its middle. */
function flipBit(store: LocalStore, path: string): void {
  const bytes = store.read(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(join(store.folder, path), bytes);
}

describe.concurrent("where it goes", () => {
  test("the newest, into a database that is made for it; nothing else is touched", async () => {
    const original = await contentsOf("app");
    const said = await bringBack(base, ["--database", "app", "--to", "fresh", "--create"]);
    expect(said).toMatch(/^restored app\.sql\.gz into fresh, \d+(\.\d+)? kB in \d+\.\d s$/);
    expect(await contentsOf("fresh")).toBe(original);
    expect(await contentsOf("app")).toBe(original);
  });

  test.for(["app_test", "App"])("%s is matched letter by letter, and its own", async (name) => {
    await server.createDatabase(`${name}_again`);
    await bringBack(base, ["--database", name, "--to", `${name}_again`]);
    expect(await contentsOf(`${name}_again`)).toBe(await contentsOf(name));
  });

  test.for(["it's\\a", 'say "hi" k=v tick`tock', "-Fd", "like_a%", "ü".repeat(64)])(
    "--to %s --create",
    async (name) => {
      await bringBack(base, ["--database", "app", `--to=${name}`, "--create"]);
      const quoted = `\`${name.replaceAll("`", "``")}\``;
      expect(
        await server.query("", `SELECT count(*) FROM ${quoted}.note; SELECT id FROM ${quoted}.last_note`),
      ).toBe("2000\n2000");
    },
  );

  test("the default character set of the database comes with it", async () => {
    await server.query("", "CREATE DATABASE old CHARACTER SET latin1 COLLATE latin1_german2_ci");
    await server.query(
      "old",
      "CREATE TABLE note (text varchar(9)); INSERT INTO note VALUES ('Größe'); CREATE PROCEDURE p() SELECT 'é'",
    );
    const store = localStore();
    await backUp(store, { BACKUP_DATABASES: "old", BACKUP_COMPRESSION: "zstd" });
    await bringBack(store, ["--to", "old again", "--create"]);
    expect(await contentsOf("old again")).toBe(await contentsOf("old"));
    expect(
      await server.query(
        "",
        "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = 'old again'",
      ),
    ).toBe("latin1_german2_ci");
  });

  test("a procedure that creates databases is no way out: such a backup restores", async () => {
    await server.createDatabase("tenancy");
    await server.query(
      "tenancy",
      "DELIMITER //\nCREATE PROCEDURE make_tenant()\nBEGIN\nCREATE DATABASE IF NOT EXISTS `tenant`;\nALTER DATABASE `tenant` CHARACTER SET utf8mb4;\nEND//\nDELIMITER ;\n",
    );
    const store = localStore();
    await backUp(store, { BACKUP_DATABASES: "tenancy" });
    await bringBack(store, ["--to", "tenancy again", "--create"]);
    expect(await contentsOf("tenancy again")).toBe(await contentsOf("tenancy"));
    expect(await exists("tenant")).toBe(false);
  });

  test("into one that is not empty: refused; with --force what has the same name is replaced, and what has not stays", async () => {
    await server.createDatabase("filled");
    await server.query(
      "filled",
      "CREATE TABLE note AS SELECT 7 AS seven; CREATE TABLE mine AS SELECT 8 AS a",
    );
    const before = await contentsOf("filled");
    const args = ["--database", "app", "--to", "filled"];
    for (const more of [[], ["--create"]])
      expect(await fail(base, [...args, ...more])).toEqual([
        41,
        "database filled is not empty: it has 2 tables with about 2 rows\n  hint: restore into another (--to NAME --create), replace it and keep it under another name (--swap), or drop those of its tables that are in the backup (--force)",
      ]);
    expect(await contentsOf("filled")).toBe(before);
    const { exitCode, log } = await startRestore(base, [...args, "--force"]).outcome;
    expect(exitCode).toBe(0);
    expect(log[0]?.msg).toContain("tables that are in the backup as well will be DROPPED and replaced");
    expect(await server.query("filled", "SELECT count(*) FROM note; SELECT a FROM mine")).toBe("2000\n8");
  });
});

describe.concurrent("bad input", () => {
  const app = ["--database", "app"];

  test.for<[title: string, args: string[], exitCode: number, message: string]>([
    [
      "a target that is not there, but for its case",
      [...app, "--to", "APP"],
      41,
      "there is no database APP on the server\n  hint: add --create, or name another with --to",
    ],
  ])("%s", async ([, args, exitCode, message]) => {
    expect(await fail(base, args)).toEqual([exitCode, message]);
    expect(await exists("bad")).toBe(false);
  });

  test("an account of one database: it cannot make another, and it can restore into its own", async () => {
    const own = { MYSQL_PWD: clerksPassword };
    const clerk = ["--user=clerk"];
    expect(await fail(base, [...app, "--to", "denied", "--create"], own, clerk)).toEqual([
      40,
      expect.stringMatching(
        /^cannot create database denied: ERROR 1044 .*Access denied for user 'clerk'@.* to database 'denied'\n {2}hint: grant this account CREATE on it, or restore into an empty database that was made for it$/,
      ),
    ]);
    expect(await exists("denied")).toBe(false);
    const store = storeWith("");
    await server.createDatabase("own");
    const [exitCode, message] = await fail(store, ["--to", "own"], own, clerk);
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(
        /^restore into own failed: ERROR 1227 .*; own is incomplete: it has \d+ tables? .* now\n {2}hint: give this account all privileges on the database; views, routines and triggers with other definers need SET USER/,
      ),
    ]);
    expect(await exists("own")).toBe(true);
  });
});

describe("--swap", () => {
  async function makeShop(name: string): Promise<string> {
    await server.query("", `CREATE DATABASE ${name} CHARACTER SET latin1 COLLATE latin1_german2_ci`);
    await server.query(
      name,
      `CREATE TABLE customer (id int PRIMARY KEY) ENGINE=InnoDB;
       CREATE TABLE orders (id int PRIMARY KEY, customer int, FOREIGN KEY (customer) REFERENCES customer (id)) ENGINE=InnoDB;
       CREATE TABLE note AS SELECT 'mine' AS text; CREATE SEQUENCE numbers START 7;
       INSERT INTO customer VALUES (1); INSERT INTO orders VALUES (10, 1);
       CREATE TRIGGER watch BEFORE INSERT ON orders FOR EACH ROW SET NEW.id = NEW.id + 1;
       CREATE VIEW names AS SELECT id FROM customer; CREATE VIEW more AS SELECT id FROM names;
       CREATE PROCEDURE count_all() SELECT count(*) FROM orders; CREATE FUNCTION one() RETURNS int RETURN 1;
       CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM orders WHERE false;`,
    );
    return contentsOf(name);
  }

  const charset = (name: string): Promise<string> =>
    server.query(
      "",
      `SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = '${name}'`,
    );

  test("exchanges the two and keeps the earlier one, with its views, triggers, routines and events; and back again", async () => {
    const before = await makeShop("shop");
    const session = execa(
      "mariadb",
      ["--no-defaults", "--host=127.0.0.1", ...server.args, "-e", "SELECT sleep(600)", "shop"],
      {
        env: server.env,
        reject: false,
      },
    );
    const said = await bringBack(base, ["--database", "app", "--to", "shop", "--swap"]);
    const [kept = ""] = await databases("^shop_[0-9]{8}_[0-9]{6}$");
    expect(said).toMatch(
      /^restored app\.sql\.gz into shop, .*; the earlier database is now called shop_\d{8}_\d{6}$/,
    );
    expect(said.endsWith(kept)).toBe(true);
    expect(await contentsOf("shop")).toBe(await contentsOf("app"));
    // Only its events rest: the live database's own do their work.
    expect(await contentsOf(kept)).toBe(before.replace(" ENABLE DO ", " DISABLE DO "));
    expect([await charset("shop"), await charset(kept)]).toEqual(["latin1_german2_ci", "latin1_german2_ci"]);
    // What is kept works: its trigger fires, its routine and views read its own tables.
    expect(
      await server.query(
        kept,
        "INSERT INTO orders VALUES (20, 1); SELECT max(id) FROM orders; CALL count_all(); SELECT id FROM more",
      ),
    ).toBe("21\n2\n1");
    const changed = await contentsOf(kept);

    // An earlier database with triggers comes back the same way.
    const store = localStore();
    await backUp(store, { BACKUP_DATABASES: kept });
    const again = await bringBack(store, ["--to", "shop", "--swap", "--force"]);
    await session;
    expect(await contentsOf("shop")).toBe(changed);
    expect(await contentsOf(/called (\S+)$/.exec(again)?.[1] ?? "")).toBe(await contentsOf("app"));
  });

  test("a dump that fails leaves the live one as it was, and nothing else", async () => {
    const before = await makeShop("unswapped");
    const store = storeWith("SELECT * FROM nowhere;");
    const [exitCode, message] = await fail(store, ["--to", "unswapped", "--swap"]);
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(/^restore into rcdump_restore_[0-9a-f]{12} failed: ERROR 1146/),
    ]);
    expect(await contentsOf("unswapped")).toBe(before);
    expect(await databases("^(unswapped_|rcdump_)")).toEqual([]);
  });
});

test("an exchange that the server refuses leaves the live one as it was, triggers and all", async () => {
  await server.createDatabase("refused");
  await server.query(
    "refused",
    "CREATE TABLE t (a int); CREATE TRIGGER watch BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1; CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM t",
  );
  const before = await contentsOf("refused");
  const refusing = pathWith({
    mariadb: `case " $* " in *" -- refused ") ;; *) exec $REAL "$@";; esac
      sql=$(cat); exec $REAL "$@" <<< "\${sql/RENAME TABLE/RENAME TABLE nowhere.a TO nowhere.b,}"`,
  });
  const args = ["--database", "app", "--to", "refused", "--swap"];
  const [exitCode, message] = await fail(base, args, { PATH: refusing });
  expect([exitCode, message]).toEqual([
    40,
    expect.stringMatching(/^cannot exchange the tables of refused: ERROR 1\d+ .*; refused is as it was$/),
  ]);
  expect(await contentsOf("refused")).toBe(before);
  expect(await databases("^(refused_|rcdump_)")).toEqual([]);
});

describe.concurrent("what is damaged", () => {
  const target = ["--database", "app", "--to"];

  test.for<[title: string, damage: (store: LocalStore) => void, message: RegExp]>([
    [
      "a flipped bit",
      (store) => flipBit(store, "app.sql.gz"),
      /^app\.sql\.gz: the object is not what was backed up/,
    ],
    [
      "another object of the same size",
      (store) =>
        writeFileSync(join(store.folder, "app.sql.gz"), Buffer.alloc(store.read("app.sql.gz").length, 7)),
      /^app\.sql\.gz: the object is not what was backed up/,
    ],
    [
      "a truncated object",
      (store) => truncateSync(join(store.folder, "app.sql.gz"), 1000),
      /^the backup that is meant is damaged: app\.sql\.gz is 1000 bytes long, and its manifest says \d+\n/,
    ],
    [
      "a flipped bit in the only manifest",
      (store) => flipBit(store, "app.sql.gz.manifest.json"),
      /^there is no backup of app in the remote/,
    ],
  ])("%s: nothing is touched, not even with --force", async ([title, damage, message]) => {
    const store = copyOf(base);
    damage(store);
    await server.createDatabase(title);
    await server.query(title, "CREATE TABLE note AS SELECT 'mine' AS text");
    const before = await contentsOf(title);
    const [exitCode, said] = await fail(store, [...target, title, "--force"]);
    expect([exitCode, said]).toEqual([
      title.includes("manifest") && title.includes("bit") ? 22 : 30,
      expect.stringMatching(message),
    ]);
    expect(await contentsOf(title)).toBe(before);
  });

  test("with --no-verify it is told what state the target is left in, and what was created is dropped", async () => {
    const store = storeWith("");
    const path = join(store.folder, "app.sql");
    writeFileSync(path, store.read("app.sql").toString().replace("'app7'", "'APP7'"));
    const problem = "app.sql: the object is not what was backed up: its SHA-256 is not the manifest's";
    await server.createDatabase("left");
    expect(await fail(store, ["--to", "left", "--no-verify"])).toEqual([
      30,
      expect.stringMatching(
        new RegExp(
          `^${problem}; (left is empty, as it was|left is incomplete: it has \\d tables? with about [\\d,]+ rows( and 1 other object)? now)`,
        ),
      ),
    ]);
    expect(await fail(store, ["--to", "left new", "--create", "--no-verify"])).toEqual([30, problem]);
    expect(await exists("left new")).toBe(false);
  });
});

describe.concurrent("a predecessor's backup, which has no manifest", () => {
  const unverified = (file: string, to: string): string[] => [
    "--file",
    file,
    "--unverified",
    "--to",
    to,
    "--create",
  ];

  async function dumpBy(script: string, store: LocalStore): Promise<void> {
    const connection = `--no-defaults --host=127.0.0.1 ${server.args.join(" ")}`;
    await execa("bash", ["-o", "pipefail", "-ec", script.replaceAll("DUMP", `mariadb-dump ${connection}`)], {
      cwd: store.folder,
      env: server.env,
    });
  }

  test("mariadb-dump | gzip; whole and cut", async () => {
    const store = localStore();
    await dumpBy(
      "DUMP --databases app > named.sql; DUMP app | gzip > x.sql.gz; head -c 3000 x.sql.gz > cut.sql.gz; DUMP app | head -n -2 | gzip > ended.sql.gz",
      store,
    );
    await bringBack(store, unverified("x.sql.gz", "by hand"));
    expect(await contentsOf("by hand")).toBe(await contentsOf("app"));
    for (const [file, problem] of [
      ["cut.sql.gz", "what is stored cannot be decompressed"],
      ["ended.sql.gz", "what is stored is no complete dump: its end is missing"],
    ] as const) {
      const [exitCode, message] = await fail(store, unverified(file, file));
      expect([exitCode, message]).toEqual([30, expect.stringContaining(`${file}: ${problem}`)]);
      expect(await exists(file)).toBe(false);
    }
  });

  test.for<[options: string]>([
    ["--databases"],
    ["--databases --add-drop-database"],
    ["--databases --no-create-db --skip-quote-names"],
    ["--databases --no-create-db --skip-comments"],
  ])(
    "one that names its database never reaches that, but goes into it by its own name: %s",
    async ([options]) => {
      const store = localStore();
      const file = `${options.replaceAll(/\W/g, "")}.sql`;
      await dumpBy(`DUMP ${options} live | sed 's/precious/replaced/' > ${file}`, store);
      const before = await contentsOf("live");
      const [exitCode, message] = await fail(store, unverified(file, file));
      expect(await contentsOf("live")).toBe(before);
      expect([exitCode, message]).toEqual([
        40,
        `the dump leads out of ${file}, into database live\n  hint: restore it into live itself (--to), or by hand`,
      ]);
      expect(await exists(file)).toBe(false);
    },
  );

  beforeAll(async () => {
    await server.createDatabase("live");
    await server.query("live", "CREATE TABLE treasure AS SELECT 'precious' AS a");
    await server.createDatabase("own name");
    await server.query("own name", "CREATE TABLE treasure AS SELECT 'precious' AS a");
  });

  test.for(["", "--skip-comments"])(
    "nor does one of two databases go into the second: %s",
    async (options) => {
      const store = localStore();
      const name = `first${options}`;
      await server.createDatabase(name);
      await server.query(name, `CREATE TABLE filler AS SELECT repeat('x', 20000) AS a`);
      await dumpBy(`DUMP ${options} --databases '${name}' live | sed 's/precious/replaced/' > x.sql`, store);
      const before = await contentsOf("live");
      const args = ["--file", "x.sql", "--unverified", "--to", name, "--force"];
      const [exitCode, message] = await fail(store, args);
      expect(await contentsOf("live")).toBe(before);
      expect([exitCode, message]).toEqual([
        40,
        expect.stringMatching(
          new RegExp(`^the dump leads out of ${name}, into database live; ${name} is incomplete`),
        ),
      ]);
    },
  );

  test("--databases, restored into the database that it names", async () => {
    const store = localStore();
    await dumpBy("DUMP --databases 'own name' > x.sql", store);
    const before = await contentsOf("own name");
    await server.query("", "DROP DATABASE `own name`");
    await bringBack(store, unverified("x.sql", "own name"));
    expect(await contentsOf("own name")).toBe(before);
  });
});

describe.concurrent("faults on the way", () => {
  /** rclone that stops in the middle of an object, and waits there for ever. */
  const stalling = pathWith({
    rclone: `[[ "$*" =~ ^cat.*sql$ ]] || exec $REAL "$@"
      [ -n "$GUARDED" ] || GUARDED=yes exec setpriv --pdeathsig=KILL "$0" "$@"
      $REAL "$@" | head -c 20000
      exec tail -f /dev/null`,
  });

  /** Starts a restore and resolves when it is in the middle of the data. */
  async function startStalled(args: readonly string[], pattern: string): Promise<Run> {
    const run = startRestore(storeWith(""), [...args, "--no-verify"], { PATH: stalling });
    let ended = false;
    void run.outcome.finally(() => (ended = true));
    await until(
      "it has made a table",
      async () => {
        if (ended) throw new Error(`it ended: ${run.stderr()}`);
        const count = await server.query(
          "",
          `SELECT count(*) FROM information_schema.tables WHERE table_schema REGEXP '${pattern}' AND table_name = 'later'`,
        );
        return count !== "0";
      },
      60_000,
    );
    return run;
  }

  test("SIGTERM: what an existing database is left with is told", async () => {
    await server.createDatabase("stopped");
    const run = await startStalled(["--to", "stopped"], "^stopped$");
    run.kill("SIGTERM");
    const { exitCode, message } = await run.outcome;
    expect([exitCode, message]).toEqual([
      143,
      expect.stringMatching(
        /^cancelled by SIGTERM; stopped is incomplete: it has \d tables? with about \d+ rows.* now$/,
      ),
    ]);
  });

  test("SIGTERM: a database that was made for it is dropped", async () => {
    const run = await startStalled(["--to", "half made", "--create"], "^half made$");
    run.kill("SIGTERM");
    const { exitCode, message } = await run.outcome;
    expect([exitCode, message]).toEqual([143, "cancelled by SIGTERM"]);
    expect(await exists("half made")).toBe(false);
  });

  test("SIGTERM with --swap: the live one is as it was, and nothing else is left", async () => {
    await server.createDatabase("swapping");
    await server.query("swapping", "CREATE TABLE mine AS SELECT 1 AS a");
    const before = await contentsOf("swapping");
    const run = await startStalled(["--to", "swapping", "--swap"], "^rcdump_restore_");
    run.kill("SIGTERM");
    const { exitCode, message } = await run.outcome;
    expect([exitCode, message]).toEqual([143, "cancelled by SIGTERM"]);
    expect(await contentsOf("swapping")).toBe(before);
    expect(await databases("^swapping_")).toEqual([]);
  });

  test("SIGTERM at the very moment that a database is made: it is dropped", async () => {
    const slow = pathWith({
      mariadb: `case " $* " in *" --batch "*) ;; *) exec $REAL "$@";; esac
        sql=$(cat); case $sql in *"CREATE DATABASE"*) $REAL "$@" <<< "$sql"; exec tail -f /dev/null;; esac; exec $REAL "$@" <<< "$sql"`,
    });
    const run = startRestore(base, ["--database", "app", "--to", "just made", "--create"], { PATH: slow });
    await until("it is there", () => exists("just made"), 60_000);
    run.kill("SIGTERM");
    expect((await run.outcome).exitCode).toBe(143);
    expect(await exists("just made")).toBe(false);
  });

  test("a connection that is lost: 40, and in what state the target may be", async () => {
    await server.createDatabase("cut off");
    const store = storeWith(`SELECT length('${"x".repeat(70)}');\n`.repeat(4000));
    await using proxy = await startCuttingProxy(server.port, 100_000);
    const [exitCode, message] = await fail(store, ["--to", "cut off"], {
      MYSQL_TCP_PORT: String(proxy.port),
    });
    expect(proxy.cut()).toBe(true);
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(
        /^restore into cut off failed: ERROR 20(06|13) .*; cut off is incomplete: it has an unknown part of the dump now\n {2}hint: the server or the connection to it went away: look at the server's log$/,
      ),
    ]);
  });
});

test("BACKUP_ALL goes into a fresh server, accounts and all, and not into one that has something", async () => {
  const store = localStore();
  await using origin = await startMariadb();
  await using fresh = await startMariadb();
  await origin.createDatabase("one");
  await origin.query(
    "one",
    "CREATE TABLE origin AS SELECT DATABASE() AS name; CREATE PROCEDURE greet() SELECT 'hello'; CREATE USER teller@'%' IDENTIFIED BY 'tellers-own-7'; GRANT SELECT, EXECUTE ON one.* TO teller@'%'",
  );
  const variables = {
    ...origin.env,
    BACKUP_DATABASES: undefined,
    BACKUP_ALL: "true",
    BACKUP_FILE_NAME: "all",
  };
  await backUp(store, variables);
  expect(await fail(store, [], origin.env)).toEqual([
    41,
    "the server is not empty: it has one\n  hint: restore into a new server, or add --force to go on all the same",
  ]);
  expect(await bringBack(store, [], fresh.env)).toMatch(/^restored all\.sql\.gz to the server/);
  const connection = ["--no-defaults", "--host=127.0.0.1", `--port=${fresh.port}`, "--user=teller", "-BN"];
  const { stdout } = await execa(
    "mariadb",
    [...connection, "-e", "SELECT name FROM origin; CALL greet()", "one"],
    {
      env: { MYSQL_PWD: "tellers-own-7" },
    },
  );
  expect(stdout).toBe("one\nhello");
});

test("no scratch database is left on the server", async () => {
  expect(await databases("^rcdump_")).toEqual([]);
});
