/** SIGTERM, SIGINT and SIGHUP in the middle of a dump: the run ends with the signal's code and leaves nothing. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRcdump, type Variables } from "../fixtures/cli.ts";
import { family } from "../fixtures/command-lines.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort, until } from "../fixtures/process.ts";
import { pathWithEndlessDump } from "../fixtures/programs.ts";
import { filesIn, localStore } from "../fixtures/store.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase("app");
  // More than what rclone keeps in memory before it begins to write.
  await server.psql(
    "app",
    "CREATE TABLE noise AS SELECT string_agg(md5(random()::text), '') AS a FROM generate_series(1, 200000) n GROUP BY n % 100",
  );
});
afterAll(() => server.stop());

const endless = pathWithEndlessDump();

function settings(variables: Variables): Variables {
  return {
    ...server.env,
    PATH: endless,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_COMPRESSION: "none",
    ...variables,
  };
}

/** Whether there is such a process, and it is more than an entry that its parent has not read. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test.for<["SIGTERM" | "SIGINT" | "SIGHUP", number]>([
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
])("%s while a dump is uploaded: %i, and nothing is left", async ([signal, code]) => {
  const store = localStore();
  const run = startRcdump(settings(store.env));
  await until("something is uploaded", async () => store.files().length > 0, 60_000);
  const started = family(run.pid);
  expect(started.length).toBeGreaterThan(2);
  run.kill(signal);
  const { exitCode, message, log } = await run.outcome;
  expect({ exitCode, message }).toEqual({ exitCode: code, message: `cancelled by ${signal}` });
  expect(log).toHaveLength(1);
  expect(store.files()).toEqual([]);
  await until("all that it started has gone", async () => !started.some(isRunning));
});

test("signals that come again and again do not cut the clearing up short", async () => {
  const store = localStore();
  const run = startRcdump(settings(store.env));
  await until("something is uploaded", async () => store.files().length > 0, 60_000);
  let ended = false;
  void run.outcome.finally(() => (ended = true));
  await until("it has ended", async () => {
    if (!ended) run.kill("SIGTERM");
    return ended;
  });
  const { exitCode, message } = await run.outcome;
  expect({ exitCode, message }).toEqual({ exitCode: 143, message: "cancelled by SIGTERM" });
  expect(store.files()).toEqual([]);
});

test("SIGTERM while a dump is spooled: nothing is left in the spool folder either", async () => {
  const store = localStore();
  const spool = temporaryFolder("spool");
  const run = startRcdump(settings({ ...store.env, BACKUP_SPOOL_DIR: spool }));
  await until("something is spooled", async () => filesIn(spool).length > 0, 60_000);
  run.kill("SIGTERM");
  expect((await run.outcome).exitCode).toBe(143);
  expect(filesIn(spool)).toEqual([]);
  expect(store.files()).toEqual([]);
});

test("SIGTERM between two databases: the rest is not begun", async () => {
  const store = localStore();
  await server.createDatabase("tiny");
  const run = startRcdump(settings({ ...store.env, BACKUP_DATABASES: "app,tiny" }));
  await until("something is uploaded", async () => store.files().length > 0, 60_000);
  run.kill("SIGTERM");
  expect((await run.outcome).exitCode).toBe(143);
  expect(store.files()).toEqual([]);
});

test("SIGTERM while a server is waited for ends the wait", async () => {
  const store = localStore();
  const port = String(await freePort());
  const run = startRcdump(settings({ ...store.env, PGPORT: port, BACKUP_WAIT: "3600" }));
  await until("it waits", async () => run.stderr().includes("waiting for the server"), 60_000);
  run.kill("SIGTERM");
  expect(await run.outcome).toMatchObject({ exitCode: 143, message: "cancelled by SIGTERM" });
});

test("SIGKILL: all that it started ends by itself, and no backup appears", async () => {
  const store = localStore();
  const run = startRcdump(settings(store.env));
  await until("something is uploaded", async () => store.files().length > 0, 60_000);
  const started = family(run.pid);
  expect(started.length).toBeGreaterThan(2);
  run.kill("SIGKILL");
  await run.outcome;
  await until("all that it started has gone", async () => !started.some(isRunning));
  expect(store.files().filter((path) => !path.endsWith(".partial"))).toEqual([]);
});
