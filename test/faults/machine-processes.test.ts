/** The machine stops processes for a while, ends all of them at once, has no memory for one, or sets its clock. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { memberOf, signalFamily } from "../fixtures/command-lines.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { pathWith } from "../fixtures/programs.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";
import { stalledDump } from "../fixtures/stalled-dump.ts";
import { localStore } from "../fixtures/store.ts";

let server: PostgresServer;
let s3: S3Server;

beforeAll(async () => {
  [server, s3] = await Promise.all([startPostgres(), startS3()]);
  await s3.createBucket("backups");
  await server.createDatabase("app");
  // More than what all pipes and rclone's memory hold: every child is there while the dump is held up.
  await server.psql(
    "app",
    "CREATE TABLE noise AS SELECT string_agg(md5(random()::text), '') AS a FROM generate_series(1, 500000) n GROUP BY n % 100",
  );
});
afterAll(() => Promise.all([server.stop(), s3.stop()]));

function settings(folder: string, variables: Variables = {}): Variables {
  return {
    ...s3.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "${DB}",
    UPLOAD_PREFIX: `backups/${folder}`,
    ...variables,
  };
}

/** Half of the dump has gone through. */
const half = { bytes: 8_000_000, database: "app" };

async function expectGood(variables: Variables): Promise<void> {
  expect(await rcdump(variables, ["verify", "--deep"])).toMatchObject({ exitCode: 0, message: "" });
}

describe("stopped for a while, a run goes on and succeeds", () => {
  // Twenty seconds were tried by hand; nothing in between is counted in seconds.
  test.concurrent.for(["pg_dump", "igzip", "rclone", "rcdump"])("%s", async (name) => {
    const dump = await stalledDump("pg_dump", half);
    const variables = settings(`stopped-${name}`, { PATH: dump.path });
    const run = startRcdump(variables);
    await dump.begun();
    const pid = name === "rcdump" ? run.pid : await memberOf(run.pid, name);
    process.kill(pid, "SIGSTOP");
    await dump.goOn();
    await delay(2000);
    process.kill(pid, "SIGCONT");
    expect(await run.outcome).toMatchObject({ exitCode: 0, message: "" });
    await expectGood(variables);
  });
});

describe("SIGTERM to all processes of a run at once, as a control group gets it", () => {
  test.for([
    ["streamed to a name that is free", false, false],
    ["streamed to one that is taken", true, false],
    ["spooled", true, true],
  ] as const)("%s: what was there is as it was, and nothing is left", async ([, isTaken, isSpooled]) => {
    const spool = { BACKUP_SPOOL_DIR: temporaryFolder("spool") };
    const variables = settings(`all-${isTaken}-${isSpooled}`, isSpooled ? spool : {});
    if (isTaken) expect((await rcdump(variables)).exitCode).toBe(0);
    const before = (await rcdump(variables, ["list", "--json"])).stdout;
    const dump = await stalledDump("pg_dump", half);
    const run = startRcdump({ ...variables, PATH: dump.path });
    await dump.begun();
    signalFamily(run.pid, "SIGTERM");
    expect(await run.outcome).toMatchObject({ exitCode: 143, message: "cancelled by SIGTERM" });
    expect((await rcdump(variables, ["list", "--json"])).stdout).toBe(before);
    expect((await rcdump(variables, ["list", "--all"])).stdout).not.toMatch(/incomplete|partial/);
    expect(await s3.pendingUploads("backups")).toEqual([]);
    if (isTaken) await expectGood(variables);
  });
});

describe("no memory", () => {
  // A limit of each process stands for the machine's: Go's and Node's run-times need more than this to begin with.
  test.for([
    ["pg_dump", 11, /^dump of app failed: /],
    ["igzip", 11, /^compression failed: /],
    ["rclone", 20, /^cannot use store: /],
  ] as const)("%s does not get any: told, and nothing is stored", async ([program, code, says]) => {
    const store = localStore();
    const starved = pathWith({
      [program]: `case "$1" in *version) ;; *) ulimit -v 4000;; esac\nexec $REAL "$@"`,
    });
    const run = await rcdump({ ...settings("unused", { PATH: starved }), ...store.env, UPLOAD_PREFIX: "" });
    expect(run.exitCode, run.message).toBe(code);
    expect(run.message).toMatch(says);
    expect(store.files()).toEqual([]);
  });
});

describe("the clock is set", () => {
  /** As `date --set` would, but for rcdump alone, once `trigger` is there. */
  const clock = (trigger: string, days: number): string =>
    `import { existsSync } from "node:fs";
     const { now } = Date;
     const shift = () => (existsSync(${JSON.stringify(trigger)}) ? ${days} * 86400000 : 0);
     globalThis.Date = class extends Date {
       constructor(...given) { given.length === 0 ? super(now() + shift()) : super(...given); }
       static now() { return now() + shift(); }
     };`;

  test.for([
    ["back by a year", -365],
    ["forward by a year", 365],
  ] as const)("%s in the midst of a dump", async ([, days]) => {
    const folder = temporaryFolder("clock");
    const [module, trigger] = [join(folder, "clock.mjs"), join(folder, "trigger")];
    writeFileSync(module, clock(trigger, days));
    const variables = { ...settings("unused"), ...localStore().env, UPLOAD_PREFIX: "" };
    const dump = await stalledDump("pg_dump", half);
    const run = startRcdump({ ...variables, PATH: dump.path, NODE_OPTIONS: `--import=${module}` });
    await dump.begun();
    writeFileSync(trigger, "");
    await dump.goOn();
    const { exitCode, log } = await run.outcome;
    expect(exitCode).toBe(0);
    // How long it took is measured by a clock that nobody sets.
    expect(log.at(-1)?.["seconds"]).toBeGreaterThan(0);
    expect(log.at(-1)?.["seconds"]).toBeLessThan(120);
    const [backup] = (
      JSON.parse((await rcdump(variables, ["list", "--json"])).stdout) as { backups: Dated[] }
    ).backups;
    expect(Date.parse(backup?.finished ?? "")).toBeGreaterThanOrEqual(Date.parse(backup?.started ?? ""));
    expect((await rcdump(variables, ["list"])).stdout).not.toMatch(/-\d+(\.\d+)? s/);
    await expectGood(variables);
    // And by the clock as it was: what a run left in a time to come stands in nobody's way.
    expect((await rcdump(variables)).exitCode).toBe(0);
    await expectGood(variables);
  });
});

interface Dated {
  readonly started: string;
  readonly finished: string;
}
