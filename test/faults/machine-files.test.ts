/** The machine lacks what a backup needs of it: room, open files, a log that is read, a home, a language. */
import { execa } from "execa";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, type Variables } from "../fixtures/cli.ts";
import { runsAsRoot, temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { program } from "../fixtures/program.ts";
import { plainSql } from "../fixtures/restore.ts";
import { startS3 } from "../fixtures/s3.ts";
import { localStore, type LocalStore } from "../fixtures/store.ts";

let server: PostgresServer;
const unicode = 'Größe 数据 "ü"';

beforeAll(async () => {
  server = await startPostgres();
  for (const name of ["app", "tiny", unicode]) await server.createDatabase(name);
  await server.psql(
    "app",
    "CREATE TABLE noise AS SELECT string_agg(md5(random()::text), '') AS a FROM generate_series(1, 200000) n GROUP BY n % 100",
  );
  await server.psql(unicode, "CREATE TABLE größe AS SELECT '数据' AS wert");
});
afterAll(() => server.stop());

function settings(store: LocalStore, variables: Variables = {}): Variables {
  return {
    ...store.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "${DB}",
    ...variables,
  };
}

/** Runs a command of a shell's, in which `$RCDUMP` is the program. */
async function shell(script: string, variables: Variables): Promise<{ exitCode: number; stderr: string }> {
  const env = {
    PATH: process.env["PATH"],
    HOME: "/nonexistent",
    ...variables,
    RCDUMP: `${process.execPath} ${program}`,
  };
  const options = { env, extendEnv: false, reject: false, stdin: "ignore", timeout: 60_000 } as const;
  const { exitCode = -1, stderr } = await execa("bash", ["-c", script], options);
  return { exitCode, stderr };
}

/** The error that a run ended with. */
function lastError(stderr: string): Record<string, unknown> {
  return JSON.parse(
    stderr.split("\n").findLast((line) => line.includes('"level":"error"')) ?? "{}",
  ) as Record<string, unknown>;
}

/** A file must not grow beyond a megabyte: what anybody may forbid himself, and to a writer the same as a full disk. */
const noRoom = "ulimit -f 1024; exec $RCDUMP";

describe("no room", () => {
  const store = localStore();

  beforeAll(async () => {
    expect((await rcdump(settings(store))).exitCode).toBe(0);
  });

  test("in the spool folder: told by name, nothing is left there, the earlier backup is untouched", async () => {
    const before = store.snapshot();
    const spool = temporaryFolder("spool");
    const { exitCode, stderr } = await shell(noRoom, settings(store, { BACKUP_SPOOL_DIR: spool }));
    expect(exitCode).toBe(11);
    expect(lastError(stderr)).toMatchObject({
      msg: `cannot write to BACKUP_SPOOL_DIR=${spool} (EFBIG)`,
      hint: "make room there, or unset it to stream to the store without local disk",
    });
    expect(readdirSync(spool)).toEqual([]);
    expect(store.snapshot()).toEqual(before);
  });

  test("in the store", async () => {
    const before = store.snapshot();
    const { exitCode, stderr } = await shell(noRoom, settings(store));
    expect(exitCode).toBe(21);
    expect(lastError(stderr)["msg"]).toMatch(/^upload to store failed: write .*\.partial: file too large/);
    expect(store.snapshot()).toEqual(before);
  });

  test("in the temporary folder, where rclone keeps what a store takes no stream of", async () => {
    const before = store.snapshot();
    const TMPDIR = temporaryFolder("tmp");
    const variables = settings(store, { TMPDIR, RCLONE_DISABLE: "PutStream" });
    const { exitCode, stderr } = await shell(noRoom, variables);
    expect(exitCode).toBe(21);
    expect(lastError(stderr)).toMatchObject({
      hint: "make room in the temporary folder, or set TMPDIR to another: rclone keeps a dump there that the store takes no stream of",
    });
    expect(readdirSync(TMPDIR)).toEqual([]);
    expect(store.snapshot()).toEqual(before);
  });
});

test("no room in the temporary folder to read manifests in: told by name", async () => {
  const s3 = await startS3();
  await s3.createBucket("backups");
  const variables = {
    ...settings(localStore()),
    ...s3.env,
    UPLOAD_PREFIX: "backups",
    BACKUP_DATABASES: "tiny",
  };
  expect((await rcdump(variables)).exitCode).toBe(0);
  const TMPDIR = temporaryFolder("tmp");
  // Not even one byte.
  const { exitCode, stderr } = await shell("ulimit -f 0; exec $RCDUMP list", { ...variables, TMPDIR });
  expect(exitCode).toBe(20);
  expect(lastError(stderr)).toMatchObject({
    msg: `cannot write to the temporary folder ${TMPDIR}`,
    hint: "mount a tmpfs there, or set TMPDIR to a folder that can be written to and has room",
  });
  expect(readdirSync(TMPDIR)).toEqual([]);
  await s3.stop();
});

test("a disk's root as the store: its lost+found, which only root may read, is no hindrance", async () => {
  const store = localStore();
  mkdirSync(join(store.folder, "lost+found"), { mode: 0 });
  const run = async (args: string, variables: Variables = {}) => {
    // Root that may not pass over a folder's mode.
    const bounded = runsAsRoot ? "setpriv --bounding-set=-dac_override,-dac_read_search" : "";
    return shell(`exec ${bounded} $RCDUMP ${args}`, settings(store, variables));
  };
  for (const name of ["first", "second"]) {
    const { exitCode, stderr } = await run("", { BACKUP_FILE_NAME: name, KEEP_LAST: "1" });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).not.toMatch(/"level":"(warn|error)"/);
  }
  expect(store.files()).toEqual(["second.sql.gz", "second.sql.gz.manifest.json"]);
  const verified = await run("verify");
  expect(verified.exitCode, verified.stderr).toBe(0);
});

test("64 open files are enough", async () => {
  const store = localStore();
  const { exitCode, stderr } = await shell("ulimit -n 64; exec $RCDUMP", settings(store));
  expect(exitCode, stderr).toBe(0);
});

describe("the log cannot be written: the exit code tells the truth all the same", () => {
  const ways: [string, string][] = [
    ["its reader has gone", "$RCDUMP 2> >(true); exit $?"],
    ["it was closed", "exec $RCDUMP 2>&-"],
    ["its disk is full", "exec $RCDUMP 2>/dev/full"],
    // What is in the pipe already leaves no room in it.
    [
      "nobody reads it",
      "exec 3> >(exec sleep 60 >/dev/null 2>&1); head -c 65536 /dev/zero >&3; $RCDUMP 2>&3 3>&-; code=$?; kill $!; exit $code",
    ],
  ];
  test.for(ways)("%s", async ([, script]) => {
    const store = localStore();
    const [good, bad] = await Promise.all(
      ["tiny", "nope"].map((name) => shell(script, settings(store, { BACKUP_DATABASES: name }))),
    );
    expect([good?.exitCode, bad?.exitCode]).toEqual([0, 11]);
    expect(store.files()).toEqual(["tiny.sql.gz", "tiny.sql.gz.manifest.json"]);
  });
});

describe("what was asked for cannot be printed", () => {
  test("a full disk is an error", async () => {
    const { exitCode, stderr } = await shell("exec $RCDUMP list >/dev/full", settings(localStore()));
    expect(exitCode).toBe(1);
    expect(lastError(stderr)["msg"]).toMatch(/^cannot write what was asked for: ENOSPC/);
  });

  test("a reader that has seen enough is none", async () => {
    const { exitCode, stderr } = await shell("$RCDUMP list > >(true); exit $?", settings(localStore()));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});

test.for([
  ["no home", { HOME: undefined, RCLONE_CONFIG: undefined }],
  ["a home that cannot be written to", { HOME: "/proc/sys", RCLONE_CONFIG: undefined }],
] as [string, Variables][])("%s", async ([, variables]) => {
  const store = localStore();
  const all = settings(store, { BACKUP_DATABASES: "tiny", ...variables });
  expect(await rcdump(all)).toMatchObject({ exitCode: 0, message: "" });
  expect(await rcdump(all, ["verify", "--deep"])).toMatchObject({ exitCode: 0, message: "" });
});

describe("languages", () => {
  test.for(["C", "xx_YY.UTF-8"])("a name of many scripts with LC_ALL=%s", async (locale) => {
    const store = localStore();
    const variables = settings(store, {
      LC_ALL: locale,
      BACKUP_DATABASES: "*,!app,!tiny,!postgres",
    });
    expect(await rcdump(variables)).toMatchObject({ exitCode: 0, message: "" });
    expect(store.manifest(store.onlyObject()).database).toBe(unicode);
    const sql = await plainSql(join(store.folder, store.onlyObject()));
    expect(sql).toMatch(/CREATE TABLE public."größe"/);
    expect(sql).toContain("数据");
  });

  // Debian's clients speak German where there is any locale but C.
  test("programs are made to speak English, which is what their messages are understood in", async () => {
    const variables = settings(localStore(), { LC_ALL: "C.UTF-8", LANGUAGE: "de", BACKUP_DATABASES: "nope" });
    const { exitCode, message } = await rcdump(variables);
    expect(exitCode).toBe(11);
    expect(message).toContain("connection to server at");
    expect(message).toContain("hint: correct BACKUP_DATABASES");
  });
});
