/** Bad input that the database server objects to, and what becomes of a dump that breaks. Nothing of it is stored. */
import { spawn } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort, until } from "../fixtures/process.ts";
import { pathOf, pathWith } from "../fixtures/programs.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";

let postgres: PostgresServer;
let mariadb: MariadbServer;

beforeAll(async () => {
  [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  for (const name of ["app", "crm"]) {
    await postgres.createDatabase(name);
    await mariadb.createDatabase(name);
  }
  await postgres.psql("app", "CREATE TABLE t AS SELECT 1 AS a; CREATE TABLE payroll AS SELECT 2 AS b");
  await postgres.psql("app", "CREATE ROLE clerk LOGIN PASSWORD 'clerks-own-81'; GRANT SELECT ON t TO clerk");
  await mariadb.query(
    "app",
    `CREATE TABLE t AS SELECT 1 AS a; CREATE TABLE payroll AS SELECT 2 AS b; CREATE VIEW v AS SELECT b FROM payroll;
     CREATE USER clerk@'127.0.0.1' IDENTIFIED BY 'clerks-own-81'; GRANT SELECT ON app.* TO clerk@'127.0.0.1';`,
  );
});
afterAll(() => Promise.all([postgres.stop(), mariadb.stop()]));

type Engine = "postgres" | "mariadb";

function settings(engine: Engine, store: LocalStore): Variables {
  const reach = engine === "postgres" ? postgres.env : mariadb.env;
  const backup = { BACKUP_ENGINE: engine, BACKUP_DATABASES: "app", BACKUP_FILE_NAME: "${DB}" };
  return { ...store.env, ...reach, ...backup };
}

function argumentsFor(engine: Engine): readonly string[] {
  return engine === "mariadb" ? mariadb.args : [];
}

/** A run that must store nothing; resolves to exit code and message. */
async function fail(
  engine: Engine,
  variables: Variables,
  args: readonly string[] = argumentsFor(engine),
): Promise<Pick<Outcome, "exitCode" | "message">> {
  const store = localStore();
  const { exitCode, message, stdout } = await rcdump({ ...settings(engine, store), ...variables }, args);
  expect(stdout).toBe("");
  expect(store.files()).toEqual([]);
  return { exitCode, message };
}

/** Dump programs that leave a note if they are asked for a dump, and then do as they are told. */
function noted(scripts: Record<string, string>): { path: string; wasRun: () => boolean } {
  const note = join(temporaryFolder("note"), "dumped");
  const whole = Object.fromEntries(
    Object.entries(scripts).map(([name, script]) => [
      name,
      `case " $* " in *" --version "*|*" --print-defaults "*|*" --help "*) ;; *) touch ${note};; esac\n${script}`,
    ]),
  );
  return { path: pathWith(whole), wasRun: () => existsSync(note) };
}

describe.concurrent("logging in", () => {
  test("PostgreSQL: a wrong password", async () => {
    const { exitCode, message } = await fail("postgres", { PGPASSWORD: "not-the-password" });
    expect(exitCode).toBe(10);
    expect(message).toBe(
      `cannot log in: connection to server at "127.0.0.1", port ${postgres.port} failed: FATAL:  password authentication failed for user "postgres"\n  hint: correct PGUSER and PGPASSWORD (or PGPASSWORD_FILE, PGPASSFILE, PGSERVICE); --username wins over PGUSER`,
    );
  });

  test("PostgreSQL: no password at all", async () => {
    const { exitCode, message } = await fail("postgres", { PGPASSWORD: undefined });
    expect(exitCode).toBe(10);
    expect(message).toMatch(
      /^cannot log in: .*fe_sendauth: no password supplied\n {2}hint: correct PGUSER and PGPASSWORD/,
    );
  });

  test("PostgreSQL: an unknown user", async () => {
    const { exitCode, message } = await fail("postgres", { PGUSER: "nobody" });
    expect(exitCode).toBe(10);
    expect(message).toMatch(/^cannot log in: .*user "nobody"\n {2}hint: correct PGUSER and PGPASSWORD/);
  });

  test("MariaDB: a wrong password", async () => {
    const { exitCode, message } = await fail("mariadb", { MYSQL_PWD: "not-the-password" });
    expect(exitCode).toBe(10);
    expect(message).toBe(
      "cannot log in: ERROR 1045 (28000): Access denied for user 'root'@'127.0.0.1' (using password: YES)\n  hint: correct --user and MYSQL_PWD (or MYSQL_PWD_FILE, or the option file)",
    );
  });

  test("PostgreSQL: an unknown service", async () => {
    const { exitCode, message } = await fail("postgres", { PGSERVICE: "nowhere" });
    expect(exitCode).toBe(10);
    expect(message).toMatch(
      /^cannot connect: definition of service "nowhere" not found\n {2}hint: correct PGHOST/,
    );
  });

  test.for<Engine>(["postgres", "mariadb"])("%s: a wrong password is not waited for", async (engine) => {
    const start = performance.now();
    const { exitCode } = await fail(engine, {
      PGPASSWORD: "not-the-password",
      MYSQL_PWD: "not-the-password",
      BACKUP_WAIT: "60",
    });
    expect(exitCode).toBe(10);
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

describe.concurrent("what is to be dumped", () => {
  test("PostgreSQL: an unknown database", async () => {
    const { exitCode, message } = await fail("postgres", { BACKUP_DATABASES: "shop" });
    expect(exitCode).toBe(11);
    expect(message).toMatch(/^dump of shop failed: .*database "shop" does not exist/);
  });

  test("MariaDB: an unknown database", async () => {
    const { exitCode, message } = await fail("mariadb", { BACKUP_DATABASES: "shop" });
    expect(exitCode).toBe(11);
    expect(message).toMatch(/^dump of shop failed: 1049: "Unknown database 'shop'"/);
  });

  test("PEERS 9: one that fails takes nothing from the others, and is named: exit 3", async () => {
    const store = localStore();
    const variables = { ...settings("postgres", store), BACKUP_DATABASES: "nowhere,app,crm" };
    const { exitCode, message, log } = await rcdump(variables);
    expect(exitCode).toBe(3);
    expect(message).toMatch(/^1 of 3 dumps failed\n {2}- nowhere: dump of nowhere failed: .*does not exist/);
    expect(log.filter(({ level }) => level === "info").map(({ msg }) => msg.slice(0, 13))).toEqual([
      "backed up app",
      "backed up crm",
    ]);
    expect(store.files()).toEqual([
      "app.sql.gz",
      "app.sql.gz.manifest.json",
      "crm.sql.gz",
      "crm.sql.gz.manifest.json",
    ]);
  });

  test("when all fail the exit code is what they failed at", async () => {
    const { exitCode, message } = await fail("postgres", { BACKUP_DATABASES: "nowhere,neverland" });
    expect(exitCode).toBe(11);
    expect(message).toMatch(/^2 of 2 dumps failed\n {2}- nowhere: .*\n {2}- neverland: /);
  });

  test("PostgreSQL: no right to read one table", async () => {
    const { exitCode, message } = await fail("postgres", { PGUSER: "clerk", PGPASSWORD: "clerks-own-81" });
    expect(exitCode).toBe(11);
    expect(message).toMatch(
      /^dump of app failed: .*permission denied for table payroll\n {2}hint: grant pg_read_all_data to this account, or leave the object out with --exclude-table/,
    );
  });

  test("MariaDB: no right to see a view's definition", async () => {
    const { exitCode, message } = await fail("mariadb", { MYSQL_PWD: "clerks-own-81" }, ["--user=clerk"]);
    expect(exitCode).toBe(11);
    expect(message).toMatch(
      /^dump of app failed: .*denied.*\n {2}hint: grant SELECT, SHOW VIEW, TRIGGER and EVENT on the database/s,
    );
  });
});

describe.concurrent("the dump program", () => {
  test("PEERS 10: a pg_dump older than the server is refused before it dumps", async () => {
    const { path, wasRun } = noted({ pg_dump: "echo 'pg_dump (PostgreSQL) 14.1'" });
    const { exitCode, message } = await fail("postgres", { PATH: path });
    expect(exitCode).toBe(11);
    expect(message).toMatch(
      /^pg_dump 14\.1 is too old for a server of PostgreSQL \d+\.\d+\n {2}hint: use the image rcdump-postgres:(\d+), or put pg_dump \1 or newer on the PATH$/,
    );
    expect(wasRun()).toBe(false);
  });

  test("PEERS 10: a mariadb-dump older than the server is refused before it dumps", async () => {
    const version = "mariadb-dump  Ver 10.19 Distrib 10.5.8-MariaDB, for Linux (x86_64)";
    const script = `case "$*" in *--print-defaults*) exec $REAL "$@";; *) echo '${version}';; esac`;
    const { path, wasRun } = noted({ "mariadb-dump": script });
    const { exitCode, message } = await fail("mariadb", { PATH: path });
    expect(exitCode).toBe(11);
    expect(message).toMatch(
      /^mariadb-dump 10\.5\.8 is too old for a server of MariaDB \d+\.\d+\.\d+\n {2}hint: use the rcdump image for MariaDB (\d+\.\d+) or newer, or put mariadb-dump \1 or newer on the PATH$/,
    );
    expect(wasRun()).toBe(false);
  });

  test("PEERS 10: of an older pg_dumpall nothing is dumped either", async () => {
    const { path, wasRun } = noted({ pg_dumpall: "echo 'pg_dumpall (PostgreSQL) 14.1'" });
    const { exitCode, message } = await fail("postgres", { PATH: path, BACKUP_GLOBALS: "true" });
    expect({ exitCode, message: message.split(" is too")[0] }).toEqual({
      exitCode: 11,
      message: "pg_dumpall 14.1",
    });
    expect(wasRun()).toBe(false);
  });

  test.for<[engine: Engine, installed: string[], exitCode: number, message: string]>([
    [
      "postgres",
      ["psql", "rclone", "gzip"],
      11,
      "dump of app failed: pg_dump is not installed\n  hint: BACKUP_ENGINE=postgres needs pg_dump: use the image rcdump-postgres, or put it on the PATH, or set BACKUP_ENGINE=mariadb if that is what the server is",
    ],
    [
      "postgres",
      ["mariadb-dump", "rclone", "gzip"],
      10,
      "a query of database app failed: psql is not installed\n  hint: BACKUP_ENGINE=postgres needs psql: use the image rcdump-postgres, or put it on the PATH, or set BACKUP_ENGINE=mariadb if that is what the server is",
    ],
    [
      "mariadb",
      ["mariadb", "rclone", "gzip"],
      11,
      "mariadb-dump cannot read its settings: mariadb-dump is not installed\n  hint: BACKUP_ENGINE=mariadb needs mariadb-dump: use the image rcdump-mariadb, or put it on the PATH, or set BACKUP_ENGINE=postgres if that is what the server is",
    ],
  ])("%s: what is on the PATH is %s", async ([engine, installed, exitCode, message]) => {
    expect(await fail(engine, { PATH: pathOf(...installed) })).toEqual({ exitCode, message });
  });

  test("MariaDB: an option file that is not there", async () => {
    const args = ["--defaults-file=/run/none.cnf", ...mariadb.args];
    expect(await fail("mariadb", {}, args)).toEqual({
      exitCode: 2,
      message:
        "mariadb-dump cannot read its settings: Could not open required defaults file: /run/none.cnf; Fatal error in defaults handling. Program aborted\n  hint: correct the option file, or the --defaults-file, --defaults-extra-file or MYSQL_HOME that says where it is, and let the user that this runs as read it",
    });
  });

  test.for<Engine>(["postgres", "mariadb"])("%s: an argument that it does not know", async (engine) => {
    const { exitCode, message } = await fail(engine, {}, [...argumentsFor(engine), "--nonsense"]);
    expect(exitCode).toBe(11);
    expect(message).toMatch(
      /^dump of app failed: un\w+ option '--nonsense'\n {2}hint: correct the arguments behind --$/,
    );
  });

  test.for<[engine: Engine, program: string]>([
    ["postgres", "pg_dump"],
    ["mariadb", "mariadb-dump"],
  ])("PEERS 1 and 2: %s: what it wrote before it failed is not stored", async ([engine, program]) => {
    const script = `
      case " $* " in *" --version "*|*" --print-defaults "*|*" --help "*) exec $REAL "$@";; esac
      $REAL "$@"; echo "${program}: error: out of luck" >&2; exit 1`;
    const { exitCode, message } = await fail(engine, { PATH: pathWith({ [program]: script }) });
    expect(exitCode).toBe(11);
    expect(message).toMatch(/^dump of app failed: .*out of luck$/);
  });

  test.for<[engine: Engine, program: string]>([
    ["postgres", "pg_dump"],
    ["mariadb", "mariadb-dump"],
  ])(
    "PEERS 4: %s: a dump cut in half is not stored, though its program exits 0",
    async ([engine, program]) => {
      const script = `
      case " $* " in *" --version "*|*" --print-defaults "*|*" --help "*) exec $REAL "$@";; esac
      $REAL "$@" | head -c 600; exit 0`;
      const { exitCode, message } = await fail(engine, { PATH: pathWith({ [program]: script }) });
      expect(exitCode).toBe(11);
      expect(message).toBe(
        `${program} ended well but its dump is not complete: its end is missing\n  hint: look for something that cuts its output short: a wrapper, a proxy, an option that sends the dump elsewhere`,
      );
    },
  );

  test("a custom dump that is empty, or no dump at all, is not stored either", async () => {
    for (const words of ["", "echo usage: pg_dump"]) {
      const script = `[ "$1" = --version ] && exec $REAL "$@"\n${words}\nexit 0`;
      const variables = { PATH: pathWith({ pg_dump: script }) };
      expect(await fail("postgres", variables, ["-Fc"])).toMatchObject({ exitCode: 11 });
    }
  });
});

describe("a database that vanishes while it is dumped", () => {
  test("dropped WITH (FORCE): the others are backed up, nothing of it is stored, exit 3", async () => {
    const store = localStore();
    await postgres.createDatabase("doomed");
    await postgres.psql(
      "doomed",
      "CREATE TABLE t AS SELECT md5(n::text) AS a FROM generate_series(1, 1000) n",
    );
    // Waits for its lock, so that it is surely under way.
    const lock = holdLock(postgres, "doomed", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
    await lock.held;
    const run = startRcdump({ ...settings("postgres", store), BACKUP_DATABASES: "doomed,crm" }, [
      // A dump of what a pattern chooses does not wait before it begins.
      "--exclude-table-data=nothing*",
    ]);
    await until("pg_dump waits for the lock", () => isWaiting(postgres, "doomed"));
    await postgres.psql("postgres", "DROP DATABASE doomed WITH (FORCE)");
    const { exitCode, message } = await run.outcome;
    expect(exitCode).toBe(3);
    expect(message).toMatch(
      /^1 of 2 dumps failed\n {2}- doomed: dump of doomed failed: .*(terminating connection|closed the connection)/,
    );
    expect(store.files()).toEqual(["crm.sql.gz", "crm.sql.gz.manifest.json"]);
    lock.release();
  });

  test("alone: exit 11, and nothing at its final name", async () => {
    await postgres.createDatabase("doomed");
    await postgres.psql(
      "doomed",
      "CREATE TABLE t AS SELECT md5(n::text) AS a FROM generate_series(1, 400000) n",
    );
    const store = localStore();
    const { path, begun, goOn } = await stalledDump("pg_dump");
    const run = startRcdump({ ...settings("postgres", store), BACKUP_DATABASES: "doomed", PATH: path });
    await begun();
    await postgres.psql("postgres", "DROP DATABASE doomed WITH (FORCE)");
    await goOn();
    const { exitCode, message } = await run.outcome;
    expect(exitCode).toBe(11);
    expect(message).toMatch(/^dump of doomed failed: .*(terminating connection|closed the connection)/);
    expect(store.files()).toEqual([]);
  });

  test("MariaDB: its connection killed", async () => {
    const store = localStore();
    await mariadb.query("crm", "CREATE TABLE big AS SELECT seq, md5(seq) AS a FROM seq_1_to_400000");
    const { path, begun, goOn } = await stalledDump("mariadb-dump");
    const variables = { ...settings("mariadb", store), BACKUP_DATABASES: "crm", PATH: path };
    const run = startRcdump(variables, mariadb.args);
    await begun();
    const id = await mariadb.query(
      "",
      "SELECT id FROM information_schema.processlist WHERE db = 'crm' AND id <> connection_id() LIMIT 1",
    );
    await mariadb.query("", `KILL ${id}`);
    await goOn();
    const { exitCode, message } = await run.outcome;
    expect(exitCode).toBe(11);
    expect(message).toMatch(/^dump of crm failed: .*(Lost connection|Connection was killed)/);
    expect(store.files()).toEqual([]);
  });
});

describe.concurrent("BACKUP_WAIT", () => {
  test("a server that never comes ends with exit 10, after lines that say how long it is waited for", async () => {
    const store = localStore();
    const port = String(await freePort());
    const start = performance.now();
    const variables = { ...settings("postgres", store), PGPORT: port, BACKUP_WAIT: "4" };
    const { exitCode, message, log } = await rcdump(variables);
    expect(performance.now() - start).toBeGreaterThan(4000);
    expect(exitCode).toBe(10);
    expect(message).toBe(
      `cannot reach the server: connection to server at "127.0.0.1", port ${port} failed: Connection refused; Is the server running on that host and accepting TCP/IP connections?\n  hint: see that it is up and that PGHOST and PGPORT are right, or give it time with BACKUP_WAIT=60`,
    );
    expect(log[0]?.msg).toMatch(/^waiting for the server, \d+ s of 4 s: cannot reach the server: .*refused/);
    expect(store.files()).toEqual([]);
  });

  test("MariaDB: a server that is down", async () => {
    const port = String(await freePort());
    const { exitCode, message } = await fail("mariadb", { MYSQL_TCP_PORT: port });
    expect(exitCode).toBe(10);
    expect(message).toBe(
      `cannot reach the server: ERROR 2002 (HY000): Can't connect to server on '127.0.0.1' (115)\n  hint: see that it is up and that MYSQL_HOST and MYSQL_TCP_PORT are right, or give it time with BACKUP_WAIT=60`,
    );
  });

  test("a server that starts meanwhile is waited for", async () => {
    const store = localStore();
    await using late = await startPostgres();
    await late.createDatabase("app");
    const socket = `.s.PGSQL.${late.port}`;
    // It cannot be reached by a link that is not there yet.
    const folder = temporaryFolder("late");
    const run = startRcdump({
      ...settings("postgres", store),
      ...late.env,
      PGHOST: folder,
      BACKUP_WAIT: "60",
    });
    await until("it waits", async () => run.stderr().includes("waiting for the server"));
    symlinkSync(join(late.folder, socket), join(folder, socket));
    const { exitCode, log } = await run.outcome;
    expect(exitCode).toBe(0);
    const said = new Set(log.map(({ msg }) => msg.slice(0, 13)));
    expect([...said]).toEqual(["waiting for t", "backed up app"]);
    expect(store.onlyObject()).toBe("app.sql.gz");
  });

  test("an unknown remote is not waited out: the run ends at once", async () => {
    const store = localStore();
    const variables = { ...settings("postgres", store), PGPORT: String(await freePort()), BACKUP_WAIT: "60" };
    const start = performance.now();
    const { exitCode } = await rcdump({ ...variables, REMOTE_NAME: "nosuch" });
    expect(exitCode).toBe(20);
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

/** Takes a lock in a session of its own, which ends with `release` or when the database is dropped. */
function holdLock(
  server: PostgresServer,
  database: string,
  statement: string,
): { held: Promise<void>; release: () => void } {
  const child = spawn("psql", ["-XqAt", "-v", "ON_ERROR_STOP=1"], {
    env: { ...process.env, ...server.env, PGDATABASE: database },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const held = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  child.stdin.on("error", () => {}); // it has gone with its database
  child.stdin.write(`BEGIN; ${statement}; SELECT 'held';\n`);
  return { held, release: () => void child.kill() };
}

async function isWaiting(server: PostgresServer, database: string): Promise<boolean> {
  const count = await server.psql(
    "postgres",
    `SELECT count(*) FROM pg_stat_activity WHERE datname = '${database}' AND application_name = 'pg_dump' AND wait_event_type = 'Lock'`,
  );
  return count === "1";
}
