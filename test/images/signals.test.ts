import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { engine } from "./fixtures/engine.ts";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { images, run, type Run, type RunOptions } from "./fixtures/run.ts";
import {
  startMariadb,
  startPostgres,
  type MariadbContainer,
  type PostgresContainer,
} from "./fixtures/servers.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { startS3, volumeStore, type Store } from "./fixtures/stores.ts";

let site: Site;
let keys: Keys;
let postgres: PostgresContainer;
let mariadb: MariadbContainer;
let s3: Store & { pendingUploads(): Promise<string[]> };

beforeAll(async () => {
  site = await createSite();
  [keys, postgres, mariadb, s3] = await Promise.all([
    createKeys(site),
    startPostgres(site),
    startMariadb(site),
    startS3(site),
  ]);
  // Half of it is left after compression.
  await postgres.createDatabase("app");
  await postgres.psql(
    "app",
    "CREATE TABLE t AS SELECT md5(i::text) AS a, md5((-i)::text) AS b FROM generate_series(1, 1500000) i",
  );
  await mariadb.createDatabase("app");
  await mariadb.query(
    "app",
    "CREATE TABLE t (a char(32), b char(32)) SELECT MD5(seq) a, MD5(-seq) b FROM seq_1_to_1000000",
  );
});
afterAll(() => site?.remove());

/** What the store takes a second: the dump lasts half a minute, and each test is done with it long before. */
const slowly = { RCLONE_BWLIMIT: "2M" };

const jobs = {
  PostgreSQL: (store: Store): Job =>
    createJob({
      site,
      image: images.postgres,
      store,
      keys,
      variables: { ...slowly, ...postgres.env, BACKUP_DATABASES: "app" },
    }),
  MariaDB: (store: Store): Job =>
    createJob({
      site,
      image: images.mariadb,
      store,
      keys,
      variables: { ...slowly, ...mariadb.env, BACKUP_DATABASES: "app" },
    }),
};
type EngineName = keyof typeof jobs;

/** How many sessions there are on the server but the one that asks. */
const sessions: Readonly<Record<EngineName, () => Promise<string>>> = {
  PostgreSQL: () =>
    postgres.psql(
      "postgres",
      "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    ),
  MariaDB: () =>
    mariadb.query(
      "",
      "SELECT count(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'root'",
    ),
};

/** Starts a backup and waits until some of it is in the store, and the server is at it. */
async function startDumping(
  name: EngineName,
  store: Store,
  hasBegun: () => Promise<boolean>,
  options: RunOptions = {},
): Promise<Run> {
  const running = await jobs[name](store).start(name === "MariaDB" ? ["--user=root"] : [], {}, options);
  await vi.waitFor(
    async () => {
      expect(await hasBegun()).toBe(true);
      expect(await sessions[name]()).not.toBe("0");
    },
    { timeout: 60_000, interval: 100 },
  );
  return running;
}

describe.for(["PostgreSQL", "MariaDB"] as const)("%s, in the middle of a dump", (name) => {
  const noSession = (): Promise<void> =>
    vi.waitFor(async () => expect(await sessions[name]()).toBe("0"), { timeout: 30_000, interval: 100 });

  test.for([
    ["docker stop", 143, (running: Run) => running.stop(30)],
    ["SIGINT", 130, (running: Run) => running.kill("SIGINT")],
  ] as const)("%s: exit code %i, nothing in the store, no session left", async ([how, exitCode, end]) => {
    const store = await volumeStore(site, `${name}-${exitCode}`);
    const begun = async (): Promise<boolean> =>
      (await store.list()).some((path) => path.endsWith(".partial"));
    const running = await startDumping(name, store, begun);
    await end(running);
    const signal = how === "SIGINT" ? how : "SIGTERM";
    const outcome = await running.outcome;
    expect(outcome).toMatchObject({
      exitCode,
      message: expect.stringContaining(`cancelled by ${signal}`) as string,
    });
    expect(await store.list()).toEqual([]);
    await noSession();
  });

  test("docker stop, with S3: no object, no part of an upload", async () => {
    const running = await startDumping(name, s3, async () => (await s3.pendingUploads()).length > 0);
    await running.stop(30);
    expect(await running.outcome).toMatchObject({ exitCode: 143 });
    expect(await s3.list()).toEqual([]);
    expect(await s3.pendingUploads()).toEqual([]);
    await noSession();
  });

  test("docker kill: nothing under a final name, and the next run sweeps up", async () => {
    const store = await volumeStore(site, `${name}-killed`);
    const begun = async (): Promise<boolean> =>
      (await store.list()).some((path) => path.endsWith(".partial"));
    const running = await startDumping(name, store, begun);
    await running.kill("SIGKILL");
    expect(await running.outcome).toMatchObject({ exitCode: 137 });
    const left = await store.list();
    expect(left).toHaveLength(1);
    expect(left[0]).toMatch(/\.partial$/);
    await noSession();

    const args = name === "MariaDB" ? ["--user=root"] : [];
    expect(await jobs[name](store).run(args, { RCLONE_BWLIMIT: undefined })).toMatchObject(good);
    expect(await store.list()).toEqual(["app.sql.gz.age", "app.sql.gz.age.manifest.json"]);
  });

  test("no secret is on a command line", async () => {
    const running = await startDumping(name, s3, async () => (await s3.pendingUploads()).length > 0);
    const lines = await running.commandLines();
    await running.stop(30);
    await running.outcome;
    // It was looked at in time: the dump program is there, and what uploads.
    expect(lines).toMatch(name === "PostgreSQL" ? /pg_dump/ : /mariadb-dump/);
    expect(lines).toMatch(/rclone/);
    const { PGPASSWORD, MYSQL_PWD } = { ...postgres.env, ...mariadb.env };
    const { RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: key = "" } = s3.variables;
    for (const secret of [PGPASSWORD, MYSQL_PWD, key, keys.secret]) expect(lines).not.toContain(secret);
  });
});

describe.for(Object.entries(images))("process 1 of rcdump-%s", ([, image]) => {
  test("reaps orphans", async () => {
    const { Config: config } = await (await engine()).getImage(image).inspect();
    // The image's own, up to the program: this one leaves an orphan behind and tells what becomes of it.
    const entrypoint = [config.Entrypoint ?? []].flat().slice(0, -1);
    const script = `
      const { spawn, spawnSync } = require("node:child_process");
      const parent = 'const { pid } = require("node:child_process").spawn("node", ["-e", "process.stdin.resume()"], { stdio: "ignore", detached: true }); console.log(pid); process.exit()';
      const orphan = Number(spawnSync("node", ["-e", parent], { encoding: "utf8" }).stdout);
      const state = () => { try { return /^State:\\s+(\\w)/m.exec(fs.readFileSync("/proc/" + orphan + "/status", "utf8"))[1]; } catch { return "reaped"; } };
      try { process.kill(orphan, "SIGKILL"); } catch {}
      const until = Date.now() + 10_000;
      const look = () => state() === "reaped" || Date.now() > until ? console.log(orphan > 1, state()) : setTimeout(look, 20);
      look();`;
    const { stdout } = await run(site, image, {}, ["-e", script], { entrypoint });
    expect(stdout).toBe("true reaped\n");
  });
});
