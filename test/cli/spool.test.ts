/** BACKUP_SPOOL_DIR: the dump goes to local disk first, and is kept there while the store is down. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort } from "../fixtures/process.ts";
import { pathWith } from "../fixtures/programs.ts";
import { plainSql } from "../fixtures/restore.ts";
import { filesIn, localStore, type LocalStore } from "../fixtures/store.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase("app");
  await server.psql("app", "CREATE TABLE state AS SELECT 'the-first' AS which");
});
afterAll(() => server.stop());

function settings(store: LocalStore, spool: string): Variables {
  return {
    ...store.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "${DB}-%s%L",
    BACKUP_SPOOL_DIR: spool,
  };
}

/** Makes `store` a store that cannot be reached. */
async function down(): Promise<Variables> {
  return {
    RCLONE_CONFIG_STORE_TYPE: "s3",
    RCLONE_CONFIG_STORE_PROVIDER: "Other",
    RCLONE_CONFIG_STORE_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    RCLONE_CONFIG_STORE_ACCESS_KEY_ID: "x",
    RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: "x-secret-x",
    RCLONE_LOW_LEVEL_RETRIES: "1",
  };
}

test("a good run leaves the spool folder empty", async () => {
  const store = localStore();
  const spool = join(temporaryFolder("spool"), "new");
  expect(await rcdump(settings(store, spool))).toMatchObject({ exitCode: 0, message: "" });
  expect(filesIn(spool)).toEqual([]);
  expect(await plainSql(join(store.folder, store.onlyObject()))).toContain("the-first");
  expect(store.manifest(store.onlyObject()).stored.bytes).toBe(store.read(store.onlyObject()).length);
});

test("while the store is down the dump is kept; the next run sends it first, and clears the folder", async () => {
  const store = localStore();
  const spool = temporaryFolder("spool");
  const failed = await rcdump({ ...settings(store, spool), ...(await down()) });
  expect(failed.exitCode).toBe(20);
  expect(failed.log[0]).toMatchObject({
    level: "warn",
    msg: expect.stringMatching(
      /^cannot use store: .*; the dumps are made all the same and kept in the spool folder$/,
    ) as string,
  });
  expect(failed.message).toMatch(
    /^cannot use store: .*connection refused\n {2}hint: see that the store is up/,
  );
  expect(filesIn(spool).map((path) => path.split(".")[1])).toEqual(["dump", "json"]);
  expect(store.files()).toEqual([]);

  await server.psql("app", "UPDATE state SET which = 'the-second'");
  const { exitCode, log } = await rcdump(settings(store, spool));
  expect(exitCode).toBe(0);
  expect(log.map(({ msg }) => msg.split(":")[0])).toEqual([
    expect.stringMatching(/^backed up app-\d+\.sql\.gz \(kept from an earlier run\)$/) as string,
    "backed up app",
  ]);
  expect(filesIn(spool)).toEqual([]);
  const objects = store.files().filter((path) => path.endsWith(".gz"));
  const texts = await Promise.all(objects.map((path) => plainSql(join(store.folder, path))));
  expect(texts.map((text) => /the-\w+/.exec(text)?.[0])).toEqual(["the-first", "the-second"]);
});

test("a dump that is kept does not replace a newer backup of its name", async () => {
  const store = localStore();
  const spool = temporaryFolder("spool");
  const named = { ...settings(store, spool), BACKUP_FILE_NAME: "nightly" };
  expect((await rcdump({ ...named, ...(await down()) })).exitCode).toBe(20);
  await rcdump({ ...named, BACKUP_SPOOL_DIR: undefined });
  const newer = store.snapshot();

  // Its own dump is made to fail, so that what the name has is what was there before.
  const PATH = pathWith({ pg_dump: '[ "$1" = --version ] && exec $REAL "$@"; exit 1' });
  const { exitCode, log } = await rcdump({ ...named, PATH });
  expect(exitCode).toBe(3);
  expect(log.map(({ msg }) => msg)).toContain(
    "nightly.sql.gz is a newer backup than the dump that was kept, which is not sent any more",
  );
  expect(filesIn(spool)).toEqual([]);
  expect(store.snapshot()).toEqual(newer);
});

test("a dump that is kept, and of nothing that the settings ask for any more, is told", async () => {
  const store = localStore();
  const spool = temporaryFolder("spool");
  await server.createDatabase("old");
  const variables = { ...settings(store, spool), BACKUP_DATABASES: "*,!postgres" };
  expect((await rcdump({ ...variables, ...(await down()) })).exitCode).toBe(20);
  expect(filesIn(spool)).toHaveLength(4);
  await server.psql("postgres", "DROP DATABASE old");

  const { exitCode, log } = await rcdump(variables);
  expect(exitCode).toBe(0);
  const [dump, note] = filesIn(spool).map((name) => join(spool, name));
  expect(note).toBe(dump?.replace(".dump", ".json"));
  const warnings = log.filter(({ level }) => level !== "info");
  expect(warnings).toEqual([
    expect.objectContaining({
      level: "warn",
      file: dump,
      hint: "back that up again with the REMOTE_NAME, UPLOAD_PREFIX and BACKUP_FILE_NAME that it had, or copy the file there by hand and remove it and its .json",
    }),
  ]);
  expect(warnings[0]?.msg.replace(/old-\d+/, "old-TIME")).toBe(
    `${dump} is not sent, for the settings ask for no such dump in this store: it is of old of 127.0.0.1:${server.port}, to be stored as old-TIME.sql.gz`,
  );

  // It is not told of a dump that is sent meanwhile by another job that shares the folder.
  const path = pathWith({ pg_dump: `[ "$1" = --version ] || rm -f ${spool}/*.dump\nexec $REAL "$@"` });
  expect((await rcdump({ ...variables, PATH: path })).log.map(({ level }) => level)).toEqual(["info"]);
});

test("a dump that was to go to another store is not sent to this one", async () => {
  const store = localStore();
  const spool = temporaryFolder("spool");
  const monthly = { ...settings(store, spool), UPLOAD_PREFIX: `${store.folder}/monthly` };
  expect((await rcdump({ ...monthly, ...(await down()) })).exitCode).toBe(20);

  const daily = await rcdump({ ...settings(store, spool), UPLOAD_PREFIX: "daily" });
  expect(daily.exitCode).toBe(0);
  expect(daily.log.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
    expect.stringMatching(/^info backed up app:/),
    expect.stringMatching(/^warn .*\.dump is not sent, for the settings ask for no such dump in this store/),
  ]);
  expect(filesIn(spool)).toHaveLength(2);
  expect(store.files().filter((path) => path.endsWith(".gz"))).toEqual([
    expect.stringMatching(/^daily\/app-/),
  ]);
});

test("while the store is down its silence does not cost more time the more dumps are kept, and none before the next one", async () => {
  const spool = temporaryFolder("spool");
  const notes = join(temporaryFolder("notes"), "calls");
  const note = `echo "\${0##*/} $1" >> ${notes}; exec $REAL "$@"`;
  const variables = {
    ...settings(localStore(), spool),
    ...(await down()),
    PATH: pathWith({ rclone: note, pg_dump: note }),
  };
  const calls = async (): Promise<string[]> => {
    writeFileSync(notes, "");
    const { exitCode, message } = await rcdump(variables);
    expect([exitCode, message]).toEqual([20, expect.stringContaining("connection refused")]);
    return readFileSync(notes, "utf8").trim().split("\n");
  };
  await calls();
  const withOne = await calls();
  await calls();
  const withThree = await calls();
  expect(withThree).toEqual(withOne);
  expect(filesIn(spool)).toHaveLength(8);
  const dumping = withThree.findIndex((call) => call.startsWith("pg_dump --no-password"));
  expect(withThree.slice(0, dumping).filter((call) => call === "rclone lsjson")).toHaveLength(1);
});

test("a dump that fails leaves nothing in the spool folder", async () => {
  const store = localStore();
  const spool = temporaryFolder("spool");
  const path = pathWith({
    pg_dump: '[ "$1" = --version ] && exec $REAL "$@"\n$REAL "$@" | head -c 700; exit 1',
  });
  expect((await rcdump({ ...settings(store, spool), PATH: path })).exitCode).toBe(11);
  expect(filesIn(spool)).toEqual([]);
  expect(store.files()).toEqual([]);
});

test("a spool folder that cannot be written to is refused by name", async () => {
  const store = localStore();
  const file = join(temporaryFolder("spool"), "a-file");
  writeFileSync(file, "");
  const { exitCode, message } = await rcdump(settings(store, join(file, "spool")));
  expect(exitCode).toBe(2);
  expect(message).toBe(
    `BACKUP_SPOOL_DIR names ${file}/spool, which cannot be written to (ENOTDIR)\n  hint: mount a volume there that the user this runs as may write to`,
  );
  expect(store.files()).toEqual([]);
});

test("other jobs' dumps in a spool folder that they share are left alone", async () => {
  const store = localStore();
  const spool = temporaryFolder("spool");
  mkdirSync(spool, { recursive: true });
  writeFileSync(join(spool, "00000000-abc.part"), "someone else's");
  writeFileSync(join(spool, "notes.txt"), "the owner's");
  expect((await rcdump(settings(store, spool))).exitCode).toBe(0);
  expect(filesIn(spool)).toEqual(["00000000-abc.part", "notes.txt"]);
});
