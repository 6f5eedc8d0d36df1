/**
 * A store that takes no stream: rclone writes the whole dump to the temporary folder first. Nothing of it stays there, whoever is killed. (A
 * folder of this machine stands for such a store: without PutStream rclone treats it as one, but takes no time to upload.)
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { killFamily, uploadOf } from "../fixtures/command-lines.ts";
import { startFaultyProxy } from "../fixtures/faulty-proxy.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { until } from "../fixtures/process.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { filesIn, localStore } from "../fixtures/store.ts";
import { startRcloneWebdav } from "../fixtures/webdav.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  for (const name of ["app", "other"]) await server.createDatabase(name);
  await server.psql(
    "app",
    "CREATE TABLE noise AS SELECT string_agg(md5(random()::text), '') AS a FROM generate_series(1, 200000) n GROUP BY n % 100",
  );
});
afterAll(() => server.stop());

const dump = { bytes: 4_000_000, database: "app" };

function settings(): { store: ReturnType<typeof localStore>; variables: Variables; TMPDIR: string } {
  const store = localStore();
  const TMPDIR = temporaryFolder("tmp");
  const variables = {
    ...store.env,
    ...server.env,
    TMPDIR,
    RCLONE_DISABLE: "PutStream",
    RCLONE_BUFFER_SIZE: "1Mi",
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "${DB}",
    BACKUP_COMPRESSION: "none",
  };
  return { store, variables, TMPDIR };
}

/** A run in the midst of its dump, of which rclone has a part in this folder. */
async function startSpooling(variables: Variables, folder: string) {
  const held = await stalledDump("pg_dump", dump);
  const run = startRcdump({ ...variables, PATH: held.path });
  await held.begun();
  await until("rclone spools", async () => filesIn(folder).length === 1);
  return { held, run };
}

test("a good run leaves nothing", async () => {
  const { store, variables, TMPDIR } = settings();
  const { held, run } = await startSpooling(variables, TMPDIR);
  await held.goOn();
  expect(await run.outcome).toMatchObject({ exitCode: 0, message: "" });
  expect(store.files()).toEqual(["app.sql", "app.sql.manifest.json"]);
  expect(readdirSync(TMPDIR)).toEqual([]);
});

test("rclone is killed while it spools", async () => {
  const { store, variables, TMPDIR } = settings();
  const { held, run } = await startSpooling(variables, TMPDIR);
  process.kill(await uploadOf(run.pid), "SIGKILL");
  await held.goOn();
  expect((await run.outcome).exitCode).toBe(21);
  expect(store.files()).toEqual([]);
  expect(readdirSync(TMPDIR)).toEqual([]);
});

test("SIGTERM while what was spooled is uploaded", async () => {
  const { variables, TMPDIR } = settings();
  await using webdav = await startRcloneWebdav();
  await using proxy = await startFaultyProxy(webdav.port);
  proxy.inject("hang", { when: ({ path, bytes }) => path.includes(".sql") && bytes > dump.bytes });
  const run = startRcdump({ ...variables, ...webdav.through(proxy.port) });
  await until("it is uploaded", async () => proxy.hits() === 1);
  expect(filesIn(TMPDIR)).toHaveLength(1);
  run.kill("SIGTERM");
  expect((await run.outcome).exitCode).toBe(143);
  expect(readdirSync(TMPDIR)).toEqual([]);
});

test("everything is killed: the next good run of the job clears it away, and no other", async () => {
  const { variables, TMPDIR } = settings();
  const { run } = await startSpooling(variables, TMPDIR);
  killFamily(run.pid);
  await run.outcome;
  const [left = ""] = readdirSync(TMPDIR);
  expect(filesIn(TMPDIR)).toHaveLength(1);

  expect((await rcdump({ ...variables, BACKUP_DATABASES: "other" })).exitCode).toBe(0);
  const bad = await rcdump(variables, ["--", "--table=nowhere"]);
  expect(bad.exitCode).toBe(11);
  expect(readdirSync(TMPDIR)).toEqual([left]);

  const good = await rcdump(variables);
  expect(good.exitCode).toBe(0);
  expect(good.log.map(({ msg }) => msg)).toContain(
    `removed ${join(TMPDIR, left)}, which an earlier run left unfinished`,
  );
  expect(readdirSync(TMPDIR)).toEqual([]);
});

test("a place that the user has chosen for rclone is kept to", async () => {
  const { variables, TMPDIR } = settings();
  const RCLONE_TEMP_DIR = temporaryFolder("chosen");
  const { held, run } = await startSpooling({ ...variables, RCLONE_TEMP_DIR }, RCLONE_TEMP_DIR);
  expect(readdirSync(TMPDIR)).toEqual([]);
  await held.goOn();
  expect((await run.outcome).exitCode).toBe(0);
  expect(existsSync(RCLONE_TEMP_DIR)).toBe(true);
  expect(filesIn(RCLONE_TEMP_DIR)).toEqual([]);
});

test("no temporary folder: told by name before anything is dumped", async () => {
  const { store, variables } = settings();
  const { exitCode, message } = await rcdump({ ...variables, TMPDIR: "/nowhere" });
  expect(exitCode).toBe(21);
  expect(message).toMatch(/^cannot write to the temporary folder \/nowhere/);
  expect(store.files()).toEqual([]);
});
