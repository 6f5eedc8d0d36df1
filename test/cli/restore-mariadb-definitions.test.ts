/** `rcdump restore` and `verify --restore` of MariaDB: what views, triggers, routines and events are afterwards, and where they lead. */
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, type Variables } from "../fixtures/cli.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { mariadbContents, mariadbDatabases } from "../fixtures/mariadb-contents.ts";
import type { Outcome } from "../fixtures/outcome.ts";
import { pathWith } from "../fixtures/programs.ts";
import { restoreMariadb } from "../fixtures/restore.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";

let server: MariadbServer;
const clerksPassword = "clerks-own-82";

beforeAll(async () => {
  server = await startMariadb();
  await server.query(
    "",
    `CREATE USER clerk@'127.0.0.1' IDENTIFIED BY '${clerksPassword}';
     GRANT ALL ON \`clerks%\`.* TO clerk@'127.0.0.1'; GRANT ALL ON \`rcdump%\`.* TO clerk@'127.0.0.1';
     GRANT SELECT ON mysql.proc TO clerk@'127.0.0.1'`,
  );
});
afterAll(() => server.stop());

function settings(store: LocalStore): Variables {
  return { ...store.env, ...server.env, BACKUP_ENGINE: "mariadb", BACKUP_FILE_NAME: "${DB}" };
}

/** A store with a backup of a database. */
async function backedUp(database: string, ...args: string[]): Promise<LocalStore> {
  const store = localStore();
  const variables = { ...settings(store), BACKUP_DATABASES: database };
  expect(await rcdump(variables, [...server.args, ...args])).toMatchObject({ exitCode: 0, message: "" });
  return store;
}

function restore(
  store: LocalStore,
  args: readonly string[],
  variables: Variables = {},
  account: readonly string[] = server.args,
): Promise<Outcome> {
  return rcdump({ ...settings(store), ...variables }, ["restore", "--yes", ...args, "--", ...account]);
}

async function bringBack(store: LocalStore, ...args: string[]): Promise<Outcome> {
  const outcome = await restore(store, args);
  expect(outcome).toMatchObject({ exitCode: 0, message: "" });
  return outcome;
}

/** Runs statements as they are, byte by byte, by a client of a character set. */
async function tell(database: string, characterSet: string, sql: string): Promise<void> {
  const connection = ["--no-defaults", "--host=127.0.0.1", ...server.args, "--binary-mode"];
  await execa("mariadb", [...connection, `--default-character-set=${characterSet}`, "--", database], {
    env: server.env,
    input: Buffer.from(sql, "latin1"),
  });
}

const contentsOf = (database: string): Promise<string> => mariadbContents(server, database);
const databases = (pattern: string): Promise<string[]> => mariadbDatabases(server, pattern);

/** The database that an exchange has kept. */
async function keptOf(live: string): Promise<string> {
  return (await databases(`^${live}_[0-9]{8}_[0-9]{6}$`))[0] ?? "";
}

/** What is there of every kind that has a text of its own, with `é` in Latin-1 or a line's end in it. */
function definitions(text: string): string {
  return `CREATE TABLE t (i int, x varchar(20) CHARACTER SET utf8mb4);
    DELIMITER //
    CREATE FUNCTION f() RETURNS text CHARSET utf8mb4 DETERMINISTIC\nBEGIN\n  RETURN '${text}';\nEND//
    CREATE TRIGGER watch BEFORE INSERT ON t FOR EACH ROW\nSET NEW.x = '${text}'//
    CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DO\nDELETE FROM t WHERE x = '${text}'//
    CREATE VIEW v AS SELECT '${text}' AS x//`;
}

describe.concurrent("texts come back byte by byte", () => {
  test.for<[what: string, name: string, characterSet: string, text: string, hex: string]>([
    ["lines that end as those of Windows do", "windows", "utf8mb4", "a\r\nb", "610D0A62"],
    ["a client of Latin-1", "latin", "latin1", "caf\xe9", "636166C3A9"],
  ])("%s", async ([, name, characterSet, text, hex]) => {
    await server.createDatabase(name);
    await tell(name, characterSet, definitions(text));
    const before = await contentsOf(name);
    const read = (database: string): Promise<string> =>
      server.query(
        database,
        "INSERT INTO t (i) VALUES (1); SELECT HEX(f()), HEX((SELECT CONVERT(x USING utf8mb4) FROM v)), HEX(max(x)) FROM t; DELETE FROM t",
      );
    const store = await backedUp(name);
    expect(
      await rcdump(settings(store), [
        "verify",
        "--restore",
        "--file",
        `${name}.sql.gz`,
        "--",
        ...server.args,
      ]),
    ).toMatchObject({ exitCode: 0, message: "" });
    await bringBack(store, "--to", `${name}_copy`, "--create");
    await server.createDatabase(`${name}_by_hand`);
    await restoreMariadb(server, `${store.folder}/${name}.sql.gz`, `${name}_by_hand`);
    await bringBack(store, "--swap");
    const kept = await keptOf(name);
    for (const database of [`${name}_copy`, `${name}_by_hand`, name]) {
      expect(await contentsOf(database)).toBe(before);
      expect(await read(database)).toBe(`${hex}\t${hex}\t${hex}`);
    }
    expect(await contentsOf(kept)).toBe(before.replace(" ENABLE DO", " DISABLE DO"));
    expect(await read(kept)).toBe(`${hex}\t${hex}\t${hex}`);
  });
});

describe.concurrent("a view that names its own database", () => {
  test("because a table is elsewhere: it stays with the tables that it comes with", async () => {
    await server.createDatabase("elsewhere");
    await server.query("elsewhere", "CREATE TABLE u AS SELECT 1 AS i");
    await server.createDatabase("across");
    await server.query(
      "across",
      `CREATE TABLE across AS SELECT 1 AS i, 1 AS j; CREATE FUNCTION one() RETURNS int DETERMINISTIC RETURN 1;
       CREATE VIEW v AS SELECT across.i, across.j FROM across WHERE i IN (SELECT i FROM elsewhere.u) AND i = across.one();
       CREATE VIEW w AS SELECT sum(across.j) AS \`across\` FROM across WHERE '\`across\`.\`j\`' <> '${"x".repeat(3000)}'`,
    );
    const before = await contentsOf("across");
    const store = await backedUp("across");
    expect(await rcdump(settings(store), ["verify", "--restore", "--", ...server.args])).toMatchObject({
      exitCode: 0,
      message: "",
    });
    await bringBack(store, "--to", "across_copy", "--create");
    await bringBack(store, "--swap");
    const kept = await keptOf("across");
    expect(await contentsOf("across")).toBe(before);
    let j = 10;
    for (const database of ["across_copy", kept, "across"]) {
      await server.query(database, `UPDATE v SET j = ${++j}`);
      const definition = await server.query("", `SHOW CREATE VIEW \`${database}\`.v`);
      expect(definition).toContain(`\`${database}\`.\`across\`.\`j\``);
      expect(definition).not.toContain(database === "across" ? "across_" : "`across`.`across`");
    }
    const values = "SELECT j, across FROM across.across, across.w";
    expect(
      await server.query(
        "",
        `${values}; ${values.replaceAll("across.", "across_copy.")}; ${values.replaceAll("across.", `${kept}.`)}`,
      ),
    ).toBe("13\t13\n11\t11\n12\t12");
  });

  test("because its definer is not there any more: it goes into any database", async () => {
    await server.createDatabase("orphaned");
    await server.query(
      "orphaned",
      `CREATE USER gone@'%'; CREATE TABLE t AS SELECT 1 AS i;
       CREATE DEFINER = gone@'%' VIEW v AS SELECT i FROM t; DROP USER gone@'%'`,
    );
    const before = await contentsOf("orphaned");
    expect(before).toContain("select `orphaned`.`t`.`i` AS `i` from `t`");
    const store = await backedUp("orphaned");
    expect(await rcdump(settings(store), ["verify", "--restore", "--", ...server.args])).toMatchObject({
      exitCode: 0,
      message: "",
    });
    await bringBack(store, "--swap");
    expect(await contentsOf("orphaned")).toBe(before);
    const kept = await keptOf("orphaned");
    expect(await contentsOf(kept)).toBe(before.replaceAll("`orphaned`.", `\`${kept}\`.`));
  });
});

describe.concurrent("--swap and what the live database has in it", () => {
  const clerk = [{ MYSQL_PWD: clerksPassword }, ["--user=clerk"]] as const;
  let plain: LocalStore;

  beforeAll(async () => {
    await server.createDatabase("plain");
    await server.query("plain", "CREATE TABLE t (i int)");
    plain = await backedUp("plain");
  });

  test.for([
    "TRIGGER theirs BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 5",
    "VIEW theirs AS SELECT 1 AS a",
    "FUNCTION theirs() RETURNS int DETERMINISTIC RETURN 1",
    "PROCEDURE theirs() SELECT 1",
    "EVENT theirs ON SCHEDULE EVERY 1 DAY DO SELECT 1",
  ])("nothing is taken apart that this account may not make again: %s", async (theirs) => {
    const name = `clerks_${theirs.split(" ")[0]}`;
    await server.createDatabase(name);
    await server.query(name, `CREATE TABLE t (i int); CREATE ${theirs}`);
    const before = await contentsOf(name);
    const { exitCode, message } = await restore(plain, ["--to", name, "--swap"], ...clerk);
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(
        new RegExp(
          `^this account may not make the views, triggers, routines and events of ${name} again, and they would be lost: ERROR 1227 .*; ${name} is as it was\n {2}hint: .* need SET USER`,
        ),
      ),
    ]);
    expect(await contentsOf(name)).toBe(before);
    expect(await databases(`^${name}_`)).toEqual([]);
  });

  test("an account of one database exchanges what is its own", async () => {
    await server.createDatabase("clerks_own");
    await server.query(
      "clerks_own",
      `CREATE TABLE t (i int); CREATE DEFINER = clerk@'127.0.0.1' TRIGGER mine BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 5;
       CREATE DEFINER = clerk@'127.0.0.1' EVENT mine ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1;
       CREATE DEFINER = clerk@'127.0.0.1' VIEW mine AS SELECT i FROM t`,
    );
    const before = await contentsOf("clerks_own");
    const store = await backedUp("clerks_own");
    expect(await restore(store, ["--swap"], ...clerk)).toMatchObject({ exitCode: 0, message: "" });
    expect(await contentsOf("clerks_own")).toBe(before);
    expect(await contentsOf(await keptOf("clerks_own"))).toBe(before);
  });

  test("triggers that cannot be made again after all are told, and why", async () => {
    await server.createDatabase("unlucky");
    await server.query(
      "unlucky",
      "CREATE TABLE t (i int); CREATE TRIGGER watch BEFORE INSERT ON t FOR EACH ROW SET NEW.i = 5",
    );
    const store = await backedUp("unlucky");
    const refusing = pathWith({
      mariadb: `case " $* " in *" -- unlucky ") ;; *) exec $REAL "$@";; esac
        sql=$(cat); sql=\${sql/RENAME TABLE/RENAME TABLE nowhere.a TO nowhere.b,}
        exec $REAL "$@" <<< "\${sql/SET NEW.i = 5/SET NEW.nothing = 5}"`,
    });
    const { exitCode, message } = await restore(store, ["--swap"], { PATH: refusing });
    expect([exitCode, message]).toEqual([
      40,
      expect.stringMatching(
        /^cannot exchange the tables of unlucky: ERROR 1\d+ .*; and the triggers of unlucky are gone, for they cannot be made again: ERROR 1054 /,
      ),
    ]);
  });

  test("a view that is broken is no obstacle, and its loss is told", async () => {
    await server.createDatabase("broken");
    await server.query(
      "broken",
      "CREATE TABLE orders AS SELECT 1 AS i; CREATE VIEW v AS SELECT * FROM orders; CREATE TABLE t AS SELECT 2 AS i; CREATE VIEW whole AS SELECT i FROM t",
    );
    const before = await contentsOf("broken");
    const store = await backedUp("broken");
    await server.query("broken", "DROP TABLE orders");
    const { log } = await bringBack(store, "--swap");
    const kept = await keptOf("broken");
    expect(log).toContainEqual(
      expect.objectContaining({
        level: "warn",
        msg: `view v of broken is not in ${kept}: it was broken, what it needs was not there`,
      }),
    );
    expect(await contentsOf("broken")).toBe(before);
    expect(await server.query(kept, "SELECT i FROM whole; SHOW TABLES")).toBe("2\nt\nwhole");
  });
});

test("the accounts of a database mysql that is brought back take effect", async () => {
  await server.query("", "CREATE USER restored@'127.0.0.1' IDENTIFIED BY 'restored-4'");
  const store = await backedUp("mysql");
  await server.query("", "DROP USER restored@'127.0.0.1'");
  await bringBack(store, "--database", "mysql", "--force");
  expect(await server.query("", "SHOW GRANTS FOR restored@'127.0.0.1'")).toContain("GRANT USAGE");
});

test("verify --restore leaves out what the backup has left out", async () => {
  await server.createDatabase("leaving");
  await server.query(
    "leaving",
    "CREATE TABLE logs AS SELECT 1 AS i; CREATE TABLE more AS SELECT 1 AS i; CREATE TABLE t AS SELECT 1 AS i",
  );
  const options = ["--ignore-table-data=leaving.logs", "--ignore-table", "leaving.more"];
  const store = await backedUp("leaving", ...options, "--ignore-table=other.t");
  expect(await rcdump(settings(store), ["verify", "--restore", "--", ...server.args])).toMatchObject({
    exitCode: 0,
    message: "",
  });
});
