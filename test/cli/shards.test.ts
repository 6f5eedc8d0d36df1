/** BACKUP_SHARD: several runs that divide the databases among them, as the pods of an Indexed Job do. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort } from "../fixtures/process.ts";
import { filesIn, localStore, type LocalStore } from "../fixtures/store.ts";

/** By the first eight digits that sha256sum prints for each name, modulo three. */
const shards = [
  ["blog", "wiki"],
  ["crm", "postgres"],
  ["app", "shop"],
];

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  for (const name of shards.flat().filter((name) => name !== "postgres")) await server.createDatabase(name);
});
afterAll(() => server.stop());

function settings(store: LocalStore, shard: string): Variables {
  return {
    ...store.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "*",
    BACKUP_FILE_NAME: "${DB}-%s%L",
    BACKUP_SHARD: shard,
  };
}

/** Runs each of the shards at the same time. */
function rcdumpEach(store: LocalStore, variables: Variables = {}): Promise<Outcome[]> {
  return Promise.all(
    shards.map((_, index) => rcdump({ ...settings(store, `${index}/${shards.length}`), ...variables })),
  );
}

/** The databases that are backed up in a store, one for each backup. */
function databasesIn(store: LocalStore): string[] {
  return store
    .files()
    .filter((path) => path.endsWith(".gz"))
    .map((object) => store.manifest(object).database ?? store.manifest(object).scope)
    .toSorted();
}

/** Those that a run says it made. */
function databasesOf({ log }: Outcome): string[] {
  return log
    .filter(({ msg }) => msg.startsWith("backed up"))
    .map(({ database }) => String(database))
    .toSorted();
}

test("each dumps its own, and together they dump all; roles go with the first", async () => {
  const store = localStore();
  const outcomes = await rcdumpEach(store, { BACKUP_GLOBALS: "true" });
  expect(outcomes.map(({ exitCode, message }) => ({ exitCode, message }))).toEqual(
    shards.map(() => ({ exitCode: 0, message: "" })),
  );
  expect(outcomes.map(databasesOf)).toEqual([["blog", "roles and tablespaces", "wiki"], ...shards.slice(1)]);
  expect(databasesIn(store)).toEqual([...shards.flat(), "globals"].toSorted());
});

test("a database that is new or gone moves no other", async () => {
  const store = localStore();
  await server.createDatabase("erp");
  try {
    const excluded = { BACKUP_DATABASES: "*,!blog" };
    expect((await rcdumpEach(store, excluded)).map(databasesOf)).toEqual([
      ["erp", "wiki"],
      ...shards.slice(1),
    ]);
  } finally {
    await server.psql("postgres", "DROP DATABASE erp");
  }
});

test("names are divided as well; one that is not there fails in its own shard alone", async () => {
  const store = localStore();
  const named = { BACKUP_DATABASES: "app,blog,absent" };
  const outcomes = await rcdumpEach(store, named);
  expect(outcomes.map(databasesOf)).toEqual([["blog"], [], ["app"]]);
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 11, 0]);
  expect(outcomes[1]?.message).toMatch(/database "absent" does not exist/);
});

test("a shard with nothing in it is a success that says so", async () => {
  const store = localStore();
  const { exitCode, stdout, log } = await rcdump({
    ...settings(store, "1/3"),
    BACKUP_DATABASES: "a*,b*",
    KEEP_LAST: "1",
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  expect(log.map(({ level, msg }) => ({ level, msg }))).toEqual([
    { level: "info", msg: "nothing to back up: shard 1/3 has 0 of 2 dumps" },
  ]);
  expect(log[0]).toMatchObject({ shard: "1/3", total: 2 });
  expect(store.files()).toEqual([]);
});

test("that no database matches is a mistake in every shard", async () => {
  const store = localStore();
  const outcomes = await rcdumpEach(store, { BACKUP_DATABASES: "erp_*" });
  expect(outcomes.map(({ exitCode, message }) => `${exitCode} ${message.split("\n")[0]}`)).toEqual(
    shards.map(() => "2 no database matches BACKUP_DATABASES=erp_*"),
  );
});

describe("two databases that get one path", () => {
  const both = ["a b", "a-b"];
  beforeAll(async () => {
    for (const name of both) await server.createDatabase(name);
  });
  afterAll(async () => {
    for (const name of both) await server.psql("postgres", `DROP DATABASE "${name}"`);
  });

  test("are refused though they are in two shards, in the third as well", async () => {
    const store = localStore();
    const outcomes = await rcdumpEach(store, { BACKUP_DATABASES: "a*", BACKUP_FILE_NAME: "${DB}" });
    for (const { exitCode, message } of outcomes) {
      expect(exitCode).toBe(2);
      expect(message).toContain("a b and a-b would both be written to a-b.sql.gz");
    }
    expect(store.files()).toEqual([]);
  });

  test("and so is one with the name that roles have", async () => {
    const store = localStore();
    await server.createDatabase("pg_globals");
    try {
      const variables = { BACKUP_DATABASES: "pg*,crm", BACKUP_FILE_NAME: "${DB}", BACKUP_GLOBALS: "1" };
      for (const { exitCode } of await rcdumpEach(store, variables)) expect(exitCode).toBe(2);
      expect(store.files()).toEqual([]);
    } finally {
      await server.psql("postgres", "DROP DATABASE pg_globals");
    }
  });
});

describe("check", () => {
  test("shows the shard's dumps only", async () => {
    const store = localStore();
    const { exitCode, stdout } = await rcdump(settings(store, "2/3"), ["check"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/names +shard 2\/3 has 2 of 6 dumps, listed below\n/);
    const [, table = ""] = stdout.split("\n\n");
    expect(table.split("\n").map((line) => line.split(" ")[0])).toEqual(["DATABASE", "app", "shop", ""]);
    expect(stdout.match(/rights on \w+/g)).toEqual(["rights on app", "rights on shop"]);
  });

  test("tries out the rest where there are none", async () => {
    const store = localStore();
    const variables = { ...settings(store, "1/3"), BACKUP_DATABASES: "app" };
    const { exitCode, stdout } = await rcdump(variables, ["check", "--json"]);
    expect(exitCode).toBe(0);
    const { ok, findings, dumps } = JSON.parse(stdout) as {
      ok: boolean;
      findings: { what: string; detail: string }[];
      dumps: unknown[];
    };
    expect({ ok, dumps }).toEqual({ ok: true, dumps: [] });
    expect(findings.find(({ what }) => what === "names")?.detail).toBe("shard 1/3 has 0 of 1 dump");
    expect(findings.map(({ what }) => what)).not.toContain("dump program");
    expect(findings.map(({ what }) => what)).toContain("write");
  });
});

test("what waits in a spool folder is sent by the shard that it belongs to", async () => {
  const store = localStore();
  const spool = { BACKUP_SPOOL_DIR: temporaryFolder("spool") };
  const down = {
    RCLONE_CONFIG_STORE_TYPE: "webdav",
    RCLONE_CONFIG_STORE_URL: `http://127.0.0.1:${await freePort()}`,
    RCLONE_LOW_LEVEL_RETRIES: "1",
  };
  const failed = await rcdumpEach(store, { ...spool, ...down });
  expect(failed.map(({ exitCode }) => exitCode)).toEqual([20, 20, 20]);
  expect(filesIn(spool.BACKUP_SPOOL_DIR).filter((name) => name.endsWith(".dump"))).toHaveLength(6);

  const { exitCode, log } = await rcdump({ ...settings(store, "2/3"), ...spool });
  expect(exitCode).toBe(0);
  expect(log.filter(({ level }) => level !== "info")).toEqual([]);
  expect(databasesIn(store)).toEqual(["app", "app", "shop", "shop"]);
  expect(filesIn(spool.BACKUP_SPOOL_DIR).filter((name) => name.endsWith(".dump"))).toHaveLength(4);

  // Divided otherwise, each is sent by whoever has it now.
  expect((await rcdump({ ...settings(store, "0/1"), ...spool })).exitCode).toBe(0);
  expect(filesIn(spool.BACKUP_SPOOL_DIR)).toEqual([]);
  const twice = shards.flat().flatMap((name) => [name, name]);
  expect(databasesIn(store)).toEqual([...twice, "app", "shop"].toSorted());
});

test("each removes earlier backups of its own databases alone, while the others do the same", async () => {
  const store = localStore();
  await rcdumpEach(store);
  await rcdumpEach(store);
  const outcomes = await rcdumpEach(store, { KEEP_LAST: "1" });
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
  expect(outcomes.flatMap(({ log }) => log.filter(({ level }) => level !== "info"))).toEqual([]);
  expect(databasesIn(store)).toEqual(shards.flat().toSorted());
  expect(store.files()).toHaveLength(2 * shards.flat().length);
});

test("status is about all that BACKUP_DATABASES names", async () => {
  const store = localStore();
  await rcdump(settings(store, "0/3"));
  const variables = { ...settings(store, "0/3"), BACKUP_DATABASES: "blog,crm" };
  const { exitCode, message } = await rcdump(variables, ["status"]);
  expect(exitCode).toBe(50);
  expect(message).toMatch(/crm/);
});
