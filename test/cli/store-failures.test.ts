/** Stores that are not there, hang, run full, or break off. Nothing that looks like a backup is left in them. */
import { execa } from "execa";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { observeCommandLines, uploadOf } from "../fixtures/command-lines.ts";
import { runsAsRoot, temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { freePort, until } from "../fixtures/process.ts";
import { pathWith, pathWithEndlessDump } from "../fixtures/programs.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";
import { filesIn, localStore } from "../fixtures/store.ts";
import { startCuttingProxy, startSilent } from "../fixtures/tcp.ts";

let server: PostgresServer;
let s3: S3Server;
const bucketSecret = "rcdump-secret";

beforeAll(async () => {
  [server, s3] = await Promise.all([startPostgres(), startS3()]);
  await s3.createBucket("backups");
  await server.createDatabase("app");
  await server.createDatabase("large");
  // Some 9 MB that do not compress: more than one part of a multipart upload.
  await server.psql(
    "large",
    "CREATE TABLE noise AS SELECT string_agg(md5(random()::text), '') AS a FROM generate_series(1, 280000) n GROUP BY n % 100",
  );
});
afterAll(() => Promise.all([server.stop(), s3.stop()]));

/** So that the tests need not wait until rclone gives up. */
const impatient = { RCLONE_LOW_LEVEL_RETRIES: "1", RCLONE_RETRIES: "1", RCLONE_CONTIMEOUT: "2s" };

function settings(variables: Variables): Variables {
  return {
    ...server.env,
    RCLONE_CONFIG: "/dev/null",
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "x",
    ...variables,
  };
}

/** A pg_dump that leaves a note if it is asked for a dump. */
function notedDump(): { PATH: string; wasRun: () => boolean } {
  const note = join(temporaryFolder("note"), "dumped");
  const script = `[ "$1" = --version ] || touch ${note}\nexec $REAL "$@"`;
  return { PATH: pathWith({ pg_dump: script }), wasRun: () => existsSync(note) };
}

/** A run that the store must stop before anything is dumped. */
async function failEarly(
  variables: Variables,
  secrets: string[] = [],
): Promise<Pick<Outcome, "exitCode" | "message">> {
  const { PATH, wasRun } = notedDump();
  const cwd = temporaryFolder("cwd");
  const { exitCode, message } = await rcdump(settings({ PATH, ...impatient, ...variables }), [], {
    cwd,
    secrets,
  });
  expect(wasRun()).toBe(false);
  expect(filesIn(cwd)).toEqual([]);
  return { exitCode, message };
}

describe.concurrent("before anything is dumped", () => {
  test.for(["nosuch", "nosuch:", "nosuch:deep"])("an unknown remote, %s", async (name) => {
    expect(await failEarly({ REMOTE_NAME: name })).toEqual({
      exitCode: 20,
      message:
        'cannot use nosuch: didn\'t find section in config file ("nosuch")\n  hint: there is no remote called nosuch: set RCLONE_CONFIG_NOSUCH_TYPE and its companions, or RCLONE_CONFIG to a file that has [nosuch], or correct REMOTE_NAME',
    });
  });

  test("an unknown kind of remote", async () => {
    const { exitCode, message } = await failEarly({ REMOTE_NAME: ":floppy" });
    expect(exitCode).toBe(20);
    expect(message).toMatch(
      /^cannot use the remote: didn't find backend called "floppy"\n {2}hint: correct the type of the remote/,
    );
  });

  test.for(["backups", "backups/daily"])("one that refuses connections, asked for %s", async (prefix) => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const { exitCode, message } = await failEarly({
      ...s3.env,
      RCLONE_CONFIG_STORE_ENDPOINT: endpoint,
      UPLOAD_PREFIX: prefix,
    });
    expect(exitCode).toBe(20);
    expect(message).toMatch(
      /^cannot use store: .*connection refused\n {2}hint: see that the store is up and can be reached from here, and correct its host or endpoint$/,
    );
  });

  test("one that hangs is given up by rclone's own timeouts", async () => {
    await using silent = await startSilent();
    const { exitCode, message } = await failEarly({
      ...s3.env,
      RCLONE_CONFIG_STORE_ENDPOINT: `http://127.0.0.1:${silent.port}`,
      UPLOAD_PREFIX: "backups",
      RCLONE_TIMEOUT: "2s",
      RCLONE_CONTIMEOUT: "2s",
    });
    expect(silent.connections()).toBeGreaterThan(0);
    expect(exitCode).toBe(20);
    expect(message).toMatch(/^cannot use store: .*\n {2}hint: see that the store is up and can be reached/);
  });

  test("a bucket that is not there, which rclone is told not to create", async () => {
    const { exitCode, message, log } = await rcdump(
      settings({ ...s3.env, UPLOAD_PREFIX: "elsewhere", RCLONE_S3_NO_CHECK_BUCKET: "true" }),
    );
    expect(exitCode).toBe(21);
    expect(log.map(({ level }) => level)).toEqual(["error"]);
    expect(message).toMatch(
      /^upload to store failed: .*NoSuchBucket.*\n {2}hint: create the bucket, or correct UPLOAD_PREFIX, which begins with its name$/,
    );
  });

  test.for(["RCLONE_DUMP=headers", "RCLONE_USE_JSON_LOG=true"])(
    "%s shows no secret and breaks nothing",
    async (setting) => {
      const [name = "", value] = setting.split("=");
      const outcome = await rcdump(settings({ ...s3.env, UPLOAD_PREFIX: `backups/${name}`, [name]: value }));
      expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    },
  );
});

describe.concurrent("a connection string with a secret in it", () => {
  const remote = (): string =>
    `:s3,provider=Other,access_key_id=rcdump,secret_access_key=${bucketSecret},region=us-east-1,endpoint="${s3.endpoint}":backups/by-string`;

  test("works, and the secret is in no command line, no log and no manifest", async () => {
    const variables = settings({ REMOTE_NAME: remote(), BACKUP_DATABASES: "large", BACKUP_CONCURRENCY: "1" });
    const run = startRcdump(variables, [], { secrets: [bucketSecret] });
    const [outcome, commandLines] = await Promise.all([
      run.outcome,
      observeCommandLines(run.pid, run.outcome),
    ]);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    const seen = [...commandLines];
    expect(seen.some((line) => line.startsWith("rclone rcat "))).toBe(true);
    expect(seen.filter((line) => line.includes(bucketSecret))).toEqual([]);
    const manifest = await rclone(["cat", "store:backups/by-string/x.sql.gz.manifest.json"]);
    expect(JSON.parse(manifest)).toMatchObject({ database: "large" });
    expect(manifest).not.toContain(bucketSecret);
  });

  test.for<[title: string, broken: (remote: string) => string]>([
    ["a value that cannot be read", (name) => name.replace(":s3,", ":s3,chunk_size=much,")],
    ["a store that is down", (name) => name.replace(/:\d+"/, ':1"')],
    ["an unknown kind", (name) => name.replace(":s3,", ":s4,")],
    ["a quote that is not closed", (name) => name.replace(/":backups.*/, "")],
  ])("is not shown when it does not work: %s", async ([, broken]) => {
    const { exitCode, message } = await failEarly({ REMOTE_NAME: broken(remote()) }, [bucketSecret]);
    expect([2, 20]).toContain(exitCode);
    expect(message).not.toBe("");
  });

  test("is not shown when the upload fails", async () => {
    await using proxy = await startCuttingProxy(Number(new URL(s3.endpoint).port), 2_000_000);
    const name = remote().replace(/:\d+"/, `:${proxy.port}"`).replace("by-string", "cut-string");
    const variables = settings({ REMOTE_NAME: name, BACKUP_DATABASES: "large", ...impatient });
    const { exitCode } = await rcdump(variables, [], { secrets: [bucketSecret] });
    expect(exitCode).toBe(21);
  });
});

describe("in the middle of an upload", () => {
  test("a store that breaks off has nothing at the final name", async () => {
    const prefix = "backups/broken";
    await using proxy = await startCuttingProxy(Number(new URL(s3.endpoint).port), 2_000_000);
    const { exitCode, message } = await rcdump(
      settings({
        ...s3.env,
        ...impatient,
        RCLONE_CONFIG_STORE_ENDPOINT: `http://127.0.0.1:${proxy.port}`,
        UPLOAD_PREFIX: prefix,
        BACKUP_DATABASES: "large",
      }),
    );
    expect(proxy.cut()).toBe(true);
    expect(exitCode).toBe(21);
    expect(message).toMatch(/^upload to store failed: .*\n {2}hint: see that the store is up/);
    expect(await rclone(["lsf", "-R", `store:${prefix}`])).toBe("");
  });

  test.skipIf(!runsAsRoot)("a store that runs full has neither a backup nor a part of one", async () => {
    const folder = temporaryFolder("full");
    await execa("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
    try {
      const store = localStore(folder);
      const good = await rcdump(settings({ ...store.env }));
      expect(good.exitCode).toBe(0);
      const before = store.snapshot();
      const variables = settings({ ...store.env, BACKUP_DATABASES: "large" });
      for (const name of ["x", "y"]) {
        const { exitCode, message } = await rcdump({ ...variables, BACKUP_FILE_NAME: name });
        expect(exitCode).toBe(21);
        expect(message).toMatch(
          /^upload to store failed: .*no space left on device.*\n {2}hint: make room in the store$/,
        );
        expect(store.snapshot()).toEqual(before);
      }
    } finally {
      await execa("umount", [folder]);
    }
  });

  test("what a killed run left is cleared away by the next good run of the same job, and nothing else is", async () => {
    const store = localStore();
    const variables = settings({ ...store.env, BACKUP_DATABASES: "large" });
    const run = startRcdump({ ...variables, PATH: pathWithEndlessDump(), BACKUP_COMPRESSION: "none" });
    await until("a part is there", async () => store.files().some((path) => path.endsWith(".partial")));
    // rclone would still clear up after itself when it learns that the run has gone: here both go at once.
    const upload = await uploadOf(run.pid);
    process.kill(upload, "SIGSTOP");
    run.kill("SIGKILL");
    process.kill(upload, "SIGKILL");
    await run.outcome;
    const [left = ""] = store.files();
    expect(left).toMatch(/^x\.sql\.[0-9a-f]{8}-\w+\.partial$/);
    const foreign = left.replace(/[0-9a-f]{8}-/, "00000000-");
    await execa("cp", [join(store.folder, left), join(store.folder, foreign)]);
    expect((await rcdump(variables)).exitCode).toBe(0);
    expect(store.files()).toEqual([foreign, "x.sql.gz", "x.sql.gz.manifest.json"].toSorted());
  });
});

async function rclone(args: string[]): Promise<string> {
  return (await execa("rclone", args, { env: s3.env })).stdout;
}
