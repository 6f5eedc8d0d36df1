/** What lies between rcdump and a database server, and loses its connection without a word. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rcdump, startRcdump } from "../fixtures/cli.ts";
import { type DisturbedMariadb, startDisturbedMariadb } from "../fixtures/disturbed-mariadb.ts";
import { type DisturbedPostgres, startDisturbedPostgres } from "../fixtures/disturbed-postgres.ts";
import { disturb } from "../fixtures/disturbed-run.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { until } from "../fixtures/process.ts";
import { password, remoteVariables } from "../fixtures/remote-variables.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";
import { startSilent, startStallingProxy } from "../fixtures/tcp.ts";
import { marker, processesOf } from "./campaign/processes.ts";

let postgres: DisturbedPostgres;
let mariadb: DisturbedMariadb;

beforeAll(async () => {
  [postgres, mariadb] = await Promise.all([startDisturbedPostgres(), startDisturbedMariadb()]);
});
afterAll(() => Promise.all([postgres.server.stop(), mariadb.server.stop()]));

test.for([
  ["postgres", "PGPORT"],
  ["mariadb", "MYSQL_TCP_PORT"],
] as const)(
  "%s: a connection that stays open and dead is ended by BACKUP_TIMEOUT",
  async ([engine, variable]) => {
    const { server, source } = engine === "postgres" ? postgres : mariadb;
    await using proxy = await startStallingProxy(server.port, 2_000_000);
    await disturb(source, {
      victim: "app",
      bystander: "crm",
      variables: { [variable]: String(proxy.port), BACKUP_TIMEOUT: "10" },
      says: /BACKUP_TIMEOUT=10 was reached waiting for the dump, of which [\d.]+ MB had come; see what holds the dump up/,
    });
  },
);

test("a server that takes connections and never says a word is no server: PGCONNECT_TIMEOUT", async () => {
  await using silent = await startSilent();
  const variables = {
    ...postgres.source.env,
    ...localStore().env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
  };
  expect(await rcdump({ ...variables, PGPORT: String(silent.port), PGCONNECT_TIMEOUT: "2" })).toMatchObject({
    exitCode: 10,
    message: expect.stringMatching(
      /^cannot reach the server: .*timeout expired\n {2}hint: see that it is up and that PGHOST and PGPORT are right/,
    ),
  });
});

test("a store that never says a word is no longer asked when the database cannot be had", async () => {
  await using silent = await startSilent();
  const run = randomUUID();
  const { exitCode } = await rcdump({
    ...remoteVariables("store", {
      type: "sftp",
      host: "127.0.0.1",
      port: String(silent.port),
      user: "backup",
      pass: password.obscured,
    }),
    ...postgres.source.env,
    PGPASSWORD: "wrong",
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    [marker]: run,
  });
  expect(exitCode).toBe(10);
  expect(processesOf(run)).toEqual([]);
});

test("a service file says how soon PostgreSQL's programs look whether a silent server is there: keepalives_idle", async () => {
  const { server, source } = postgres;
  const services = join(temporaryFolder("services"), "pg_service.conf");
  await writeFile(services, "[db]\nkeepalives_idle=30\n");
  const dump = await stalledDump("pg_dump");
  const store = localStore();
  const variables = { ...source.env, ...store.env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: "app" };
  const run = startRcdump({ ...variables, PATH: dump.path, PGSERVICEFILE: services, PGSERVICE: "db" });
  await dump.begun();
  // The connection of pg_dump is held up, and so no data are under way that would have a timer of their own. There is another one for as
  // long as rcdump looks whether tables were rewritten.
  const soon = async (): Promise<boolean> =>
    keepaliveTimers(server.port).filter((seconds) => seconds <= 30).length === 1;
  await until("pg_dump's connection has such a timer", soon);
  await dump.goOn();
  expect(await run.outcome).toMatchObject({ exitCode: 0 });
});

/** When the kernel is going to look whether the other end of connections to a port is there, in seconds: see proc_net_tcp.rst. */
function keepaliveTimers(port: number): number[] {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, , to = "", state, , timer = ""]) => {
      const [kind, ticks = "0"] = timer.split(":");
      return state === "01" && to.endsWith(remote) && kind === "02" ? [Number.parseInt(ticks, 16) / 100] : [];
    });
}
