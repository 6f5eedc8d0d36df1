/** What a MariaDB server's owner does: selection, everything in the dump, option files, passwords. Good input. */
import { writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, startRcdump, type Variables } from "../fixtures/cli.ts";
import { observeCommandLines } from "../fixtures/command-lines.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { program } from "../fixtures/program.ts";
import { plainSql, restoreMariadb } from "../fixtures/restore.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";

let server: MariadbServer;
const ownPassword = "shopkeepers-own-5512";

beforeAll(async () => {
  server = await startMariadb();
  for (const name of ["shop", "shop2", "crm"]) {
    await server.createDatabase(name);
    await server.query(name, "CREATE TABLE origin AS SELECT DATABASE() AS name");
  }
  await server.query(
    "shop",
    `CREATE PROCEDURE count_all() SELECT count(*) FROM origin;
     CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO DELETE FROM origin WHERE false;
     CREATE TRIGGER watch BEFORE INSERT ON origin FOR EACH ROW SET NEW.name = upper(NEW.name);
     CREATE VIEW names AS SELECT name FROM origin;
     CREATE USER keeper@'%' IDENTIFIED BY '${ownPassword}'; GRANT ALL ON *.* TO keeper@'%';`,
  );
});
afterAll(() => server.stop());

interface Backup {
  store: LocalStore;
  outcome: Outcome;
  /** All command lines there were meanwhile. */
  commandLines: Set<string>;
}

/** Backs up into a new store, which must go well. */
async function backUp(variables: Variables, args: readonly string[]): Promise<Backup> {
  const store = localStore();
  const settings = { ...store.env, ...server.env, BACKUP_ENGINE: "mariadb", BACKUP_DATABASES: "shop" };
  const run = startRcdump({ ...settings, ...variables }, args, { secrets: [ownPassword, server.password] });
  const [outcome, commandLines] = await Promise.all([run.outcome, observeCommandLines(run.pid, run.outcome)]);
  expect(outcome).toMatchObject({ exitCode: 0, message: "", stdout: "" });
  return { store, outcome, commandLines };
}

const withoutPassword = { MYSQL_PWD: undefined };

function optionFile(text: string): string {
  const file = join(temporaryFolder("options"), "my.cnf");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

test.for(["", "ANSI"])(
  "rights on a database whose name has _ are seen as they are, sql_mode=%j",
  async (mode) => {
    await server.query("", "CREATE DATABASE IF NOT EXISTS in_escape");
    await server.query(
      "",
      `SET GLOBAL sql_mode = '${mode}'; CREATE OR REPLACE USER hoster@'%' IDENTIFIED BY '${ownPassword}'; GRANT ALL ON \`in\\_escape\`.* TO hoster@'%'`,
    );
    const login = { BACKUP_DATABASES: "in_escape", MYSQL_PWD: ownPassword };
    const { outcome } = await backUp(login, ["--user=hoster"]);
    expect(outcome.log.map(({ level }) => level)).toEqual(["info"]);
    await server.query("", "SET GLOBAL sql_mode = DEFAULT; DROP DATABASE in_escape");
  },
);

describe("which databases", () => {
  test("a folder that is no database, as a disk has it at its root, is none", async () => {
    const data = (await server.query("", "SELECT @@datadir")).trim();
    await mkdir(join(data, "lost+found"));
    const { store } = await backUp({ BACKUP_DATABASES: "*", BACKUP_FILE_NAME: "${DB}" }, server.args);
    expect(store.files()).toContain("crm.sql.gz");
    await rm(join(data, "lost+found"), { recursive: true });
  });

  test.for<[list: string, databases: string[]]>([
    ["*", ["crm", "shop", "shop2"]],
    ["*,!shop", ["crm", "shop2"]],
  ])("%s", async ([list, databases]) => {
    const { store } = await backUp({ BACKUP_DATABASES: list, BACKUP_FILE_NAME: "${DB}" }, server.args);
    expect(store.files()).toEqual(
      databases.flatMap((name) => [`${name}.sql.gz`, `${name}.sql.gz.manifest.json`]).toSorted(),
    );
  });

  test("BACKUP_ALL is one dump of everything", async () => {
    const { store } = await backUp({ BACKUP_DATABASES: undefined, BACKUP_ALL: "true" }, server.args);
    expect(store.onlyObject()).toMatch(/^all_.*Z\.sql\.gz$/);
    const sql = await plainSql(join(store.folder, store.onlyObject()));
    for (const name of ["crm", "shop", "shop2"]) expect(sql).toContain(`USE \`${name}\`;`);
    expect(store.manifest(store.onlyObject())).toMatchObject({ scope: "server", database: null });
  });
});

test("PEERS 7: routines, events, triggers and views are in the dump, and restore under another name", async () => {
  const { store } = await backUp({}, server.args);
  await server.createDatabase("restored");
  await restoreMariadb(server, join(store.folder, store.onlyObject()), "restored");
  await server.query("restored", "INSERT INTO origin VALUES ('second')");
  const read = await server.query(
    "restored",
    "SELECT name FROM names ORDER BY 1; CALL count_all(); SELECT event_name FROM information_schema.events WHERE event_schema = 'restored'",
  );
  expect(read).toBe("SECOND\nshop\n2\ntidy");
  await server.query("", "DROP DATABASE restored");
});

test("the dump names no database, unless --databases asks for it", async () => {
  const plain = await backUp({}, server.args);
  expect(await plainSql(join(plain.store.folder, plain.store.onlyObject()))).not.toMatch(
    /CREATE DATABASE|USE `/,
  );
  const named = await backUp({}, [...server.args, "--databases"]);
  expect(await plainSql(join(named.store.folder, named.store.onlyObject()))).toContain("USE `shop`;");
});

test("the manifest has the server, the client and the arguments", async () => {
  const { store } = await backUp({}, server.args);
  expect(store.manifest(store.onlyObject())).toMatchObject({
    engine: "mariadb",
    scope: "database",
    database: "shop",
    server: {
      host: "127.0.0.1",
      port: server.port,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
    },
    client: { program: "mariadb-dump", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string },
    arguments: ["--single-transaction", "--routines", "--events", "--triggers", "--user=root"],
    format: "sql",
    compression: "gzip",
    readBack: true,
  });
});

describe.concurrent("arguments for mariadb-dump", () => {
  test.for([["--ignore-table=shop.origin"], ["--ignore-table", "shop.origin"]])(
    "%s reaches it",
    async (args) => {
      const { store } = await backUp({}, [...server.args, ...args]);
      const sql = await plainSql(join(store.folder, store.onlyObject()));
      expect(sql).not.toContain("CREATE TABLE `origin`");
    },
  );

  test.for(["--lock-all-tables", "-x"])(
    "%s, with which no single transaction is asked for",
    async (option) => {
      const { store } = await backUp({}, [...server.args, option]);
      expect(await plainSql(join(store.folder, store.onlyObject()))).toContain("CREATE TABLE `origin`");
      expect(store.manifest(store.onlyObject()).arguments).not.toContain("--single-transaction");
    },
  );

  test("what the user passes wins over the standard: --skip-routines", async () => {
    const { store } = await backUp({}, [...server.args, "--skip-routines"]);
    expect(await plainSql(join(store.folder, store.onlyObject()))).not.toContain("count_all");
  });

  test.for(["--compact", "--skip-comments"])(
    "%s, which leaves no closing comment, is stored",
    async (option) => {
      const { store } = await backUp({}, [...server.args, option]);
      const sql = await plainSql(join(store.folder, store.onlyObject()));
      expect(sql).toContain("CREATE TABLE `origin`");
      expect(sql).not.toContain("Dump completed");
    },
  );
});

describe.concurrent("the password", () => {
  const found = [
    ["--user=keeper", `--password=${ownPassword}`],
    ["-ukeeper", `-p${ownPassword}`],
    ["--user=keeper", `--pass=${ownPassword}`],
  ];

  test.for(found)("given as %s %s works, and is in no command line and not in the manifest", async (args) => {
    const { store, commandLines } = await backUp({ MYSQL_PWD: "wrong-in-the-environment" }, args);
    const seen = [...commandLines];
    expect(seen.some((line) => line.includes("mariadb-dump "))).toBe(true);
    // What the user typed is the program's own; of all others none has it.
    expect(seen.filter((line) => line.includes(ownPassword) && !line.includes(program))).toEqual([]);
    const files = store.files().map((path) => store.read(path).toString("latin1"));
    expect(files.some((text) => text.includes(ownPassword))).toBe(false);
    expect(store.manifest(store.onlyObject()).arguments.join(" ")).not.toContain("pass");
  });

  test.for(["", "\n", "\r\n"])("comes from MYSQL_PWD_FILE, which ends in %j", async (ending) => {
    const file = join(temporaryFolder("login"), "password");
    writeFileSync(file, `${server.password}${ending}`);
    await backUp({ ...withoutPassword, MYSQL_PWD_FILE: file }, server.args);
  });
});

describe.concurrent("option files", () => {
  test.for(["client", "mysqldump", "mariadb-dump"])(
    "user, password and host come from [%s]",
    async (group) => {
      const file = optionFile(
        `[${group}]\nuser=keeper\npassword="${ownPassword}"\nhost=127.0.0.1\nport=${server.port}\n`,
      );
      const variables = { ...withoutPassword, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined };
      const { store, commandLines } = await backUp(variables, [`--defaults-extra-file=${file}`]);
      expect(store.manifest(store.onlyObject())).toMatchObject({
        database: "shop",
        server: { host: "127.0.0.1", port: server.port },
      });
      expect([...commandLines].filter((line) => line.includes(ownPassword))).toEqual([]);
    },
  );

  test("what [client] has for a host is not overridden by MYSQL_HOST", async () => {
    const file = optionFile(`[client]\nuser=keeper\npassword=${ownPassword}\nhost=127.0.0.1\n`);
    const { store } = await backUp({ ...withoutPassword, MYSQL_HOST: "elsewhere.invalid" }, [
      `--defaults-file=${file}`,
    ]);
    expect(store.manifest(store.onlyObject()).server.host).toBe("127.0.0.1");
  });

  test("comments switched off there are known: no closing comment is waited for", async () => {
    const file = optionFile("[mysqldump]\nskip-comments\n");
    await backUp({}, [`--defaults-extra-file=${file}`, ...server.args]);
  });

  test("the socket comes from there too", async () => {
    const file = optionFile(`[client]\nsocket=${server.socket}\nuser=root\n`);
    const { store } = await backUp({ MYSQL_HOST: undefined }, [`--defaults-extra-file=${file}`]);
    expect(store.manifest(store.onlyObject()).server.host).toBe(server.socket);
  });
});
