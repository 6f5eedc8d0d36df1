/** A MariaDB server that fails while it is backed up, and ones that are peculiar. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump } from "../fixtures/cli.ts";
import { uploadOf } from "../fixtures/command-lines.ts";
import { type DisturbedMariadb, startDisturbedMariadb } from "../fixtures/disturbed-mariadb.ts";
import { disturb } from "../fixtures/disturbed-run.ts";
import { startMariadb } from "../fixtures/mariadb.ts";
import { until } from "../fixtures/process.ts";
import { Session } from "../fixtures/session.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";

let maria: DisturbedMariadb;

beforeAll(async () => {
  maria = await startDisturbedMariadb(["--log-bin", "--server-id=1"]);
});
afterAll(() => maria.server.stop());

const names = { victim: "app", bystander: "crm" };
const gone =
  /Error (2013: Lost connection to server during query|1927: Connection was killed) when dumping table `big` at row: \d+; the server or the connection to it went away: look at the server's log; if it tells of a timeout raise net_write_timeout and wait_timeout, or set BACKUP_SPOOL_DIR/;

/** Has a statement executed by the administrator. */
async function admin(sql: string): Promise<string> {
  return maria.server.query("", sql);
}

describe("the server goes away in the midst of a dump", () => {
  test("it crashes, and starts again", async () => {
    const dump = await stalledDump("mariadb-dump", { database: "app" });
    await disturb(maria.source, {
      ...names,
      variables: { PATH: dump.path },
      strike: async () => {
        await dump.begun();
        await maria.server.crash();
        await maria.server.startAgain();
        await dump.goOn();
      },
      says: gone,
    });
  });

  test("its session is killed", async () => {
    const dump = await stalledDump("mariadb-dump", { database: "app" });
    await disturb(maria.source, {
      ...names,
      variables: { PATH: dump.path },
      strike: async () => {
        await dump.begun();
        for (const session of await maria.sessions()) await admin(`KILL ${session}`).catch(() => {}); // it may have gone
        await dump.goOn();
      },
      says: gone,
    });
  });

  test("net_write_timeout: rclone stands still for too long", async () => {
    await admin("SET GLOBAL net_write_timeout = 4");
    await disturb(maria.source, {
      ...names,
      strike: async (run) => {
        const rclone = await uploadOf(run.pid);
        process.kill(rclone, "SIGSTOP");
        const isDumping = async (): Promise<boolean> =>
          (await admin("SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'app'")) === "1";
        try {
          await until("the dump has begun", isDumping);
          await until("the server has given up", async () => !(await isDumping()));
        } finally {
          process.kill(rclone, "SIGCONT");
        }
      },
      mend: async () => void (await admin("SET GLOBAL net_write_timeout = DEFAULT")),
      says: gone,
    });
  });
});

describe("the server does not let rcdump in", () => {
  test("the password is changed between two databases", async () => {
    const dump = await stalledDump("mariadb-dump", { database: "app" });
    const setPassword = async (password: string): Promise<void> =>
      void (await admin(`SET PASSWORD FOR clerk@'127.0.0.1' = PASSWORD('${password}')`));
    await disturb(maria.source, {
      victim: "crm",
      bystander: "app",
      variables: { PATH: dump.path, BACKUP_DATABASES: "app,crm" },
      strike: async () => {
        await dump.begun();
        await setPassword(randomUUID());
        await dump.goOn();
      },
      mend: () => setPassword("clerks-own-81"),
      says: /ERROR 1045 .*Access denied.*; correct --user and MYSQL_PWD \(or MYSQL_PWD_FILE, or the option file\)$/,
    });
  });

  test("it has no connection free for the account", async () => {
    const store = localStore();
    const variables = {
      ...store.env,
      ...maria.source.env,
      BACKUP_ENGINE: "mariadb",
      BACKUP_DATABASES: "crm",
    };
    await admin("ALTER USER clerk@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1");
    const env = { ...maria.server.env, MYSQL_PWD: maria.source.env["MYSQL_PWD"] ?? "" };
    const holder = Session.onMariadb({ ...maria.server, args: maria.source.args, env }, "crm");
    await holder.execute("SELECT 1");
    expect(await rcdump(variables, maria.source.args)).toMatchObject({
      exitCode: 10,
      message: expect.stringMatching(
        /^cannot reach the server: ERROR 1226 .*\n {2}hint: the server has no connection free: raise its max_connections or the account's MAX_USER_CONNECTIONS, lower BACKUP_CONCURRENCY, or wait for one with BACKUP_WAIT=60$/,
      ),
    });
    expect(store.files()).toEqual([]);
    await holder[Symbol.asyncDispose]();
    await admin("ALTER USER clerk@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0");
    expect(await rcdump(variables, maria.source.args)).toMatchObject({ exitCode: 0 });
  });
});

describe("servers on which a backup works", () => {
  const variables = { BACKUP_ENGINE: "mariadb", BACKUP_DATABASES: "*", BACKUP_FILE_NAME: "${DB}" };

  test("max_statement_time and wait_timeout are short", async () => {
    const store = localStore();
    await admin("SET GLOBAL max_statement_time = 0.001; SET GLOBAL wait_timeout = 1");
    const { exitCode, message } = await rcdump(
      { ...variables, ...store.env, ...maria.source.env },
      maria.source.args,
    );
    await admin("SET GLOBAL max_statement_time = DEFAULT; SET GLOBAL wait_timeout = DEFAULT");
    expect({ exitCode, message }).toEqual({ exitCode: 0, message: "" });
  });

  test("a replica that is read-only: check and backup; restore --create tells that it is none for that", async () => {
    const store = localStore();
    const { server } = maria;
    await using replica = await startMariadb({
      // The accounts stay its own.
      options: ["--server-id=2", "--read-only", "--replicate-do-db=crm"],
    });
    await replica.query(
      "",
      `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${server.port}, MASTER_USER='root', MASTER_PASSWORD='${server.password}';
       START SLAVE`,
    );
    await until(
      "the replica has followed",
      async () => (await replica.query("", "SHOW TABLES FROM crm").catch(() => "")) === "t",
      60_000,
    );
    // Without READ_ONLY ADMIN, as accounts for backups are.
    const password = randomUUID();
    await replica.query(
      "",
      `CREATE USER reader@'127.0.0.1' IDENTIFIED BY '${password}'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, CREATE ON *.* TO reader@'127.0.0.1'`,
    );
    const reader = { ...variables, ...store.env, ...replica.env, MYSQL_PWD: password };
    expect(await rcdump(reader, ["check", "--", "--user=reader"])).toMatchObject({ exitCode: 0 });
    expect(await rcdump(reader, ["--user=reader"])).toMatchObject({ exitCode: 0 });
    expect(store.files()).toContain("crm.sql.gz.manifest.json");
    const restore = ["restore", "--database=crm", "--to=new", "--create", "--yes", "--", "--user=reader"];
    expect(await rcdump(reader, restore)).toMatchObject({
      exitCode: 40,
      message: expect.stringMatching(
        /^cannot create database new: ERROR 1290 .*\n {2}hint: the server is a replica, or read-only: this needs the primary$/,
      ),
    });
  });
});
