/** Backups and restores of the program itself, with the newest rclone and the oldest that distributions still have. test/stores has every kind of store. */
import { execa } from "execa";
import { readdirSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RcloneRemote } from "../../src/rclone/rclone-remote.ts";
import { withSubprocesses } from "../../src/subprocess.ts";
import { type Outcome, rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { locate, pathWith } from "../fixtures/programs.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";
import { type SftpServer, startSftp } from "../fixtures/sftp.ts";

const bucket = "backups";
const rows = "SELECT count(*), sum(hashtext(t::text)) FROM t";

let database: PostgresServer;
let s3: S3Server;
let sftp: SftpServer;
const keys = join(temporaryFolder("keys"), "key.txt");
let recipient: string;

beforeAll(async () => {
  [database, s3, sftp] = await Promise.all([startPostgres(), startS3(), startSftp()]);
  await s3.createBucket(bucket);
  await database.createDatabase("app");
  await database.psql("app", "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 5000) i");
  await execa("age-keygen", ["-o", keys]);
  recipient = (await execa("age-keygen", ["-y", keys])).stdout.trim();
});
afterAll(() => Promise.all([database.stop(), s3.stop(), sftp.stop()]));

/** A folder on PATH that makes `rclone` this program, or PATH as it is. */
function pathFor(program: string): string {
  const path = process.env["PATH"] ?? "";
  if (program === "rclone") return path;
  const folder = temporaryFolder("rclone");
  symlinkSync(locate(program), join(folder, "rclone"));
  return [folder, path].join(delimiter);
}

/** A store for one test. */
interface Place {
  /** What rcdump is given. */
  readonly variables: Variables;
  /** The same place as rclone calls it. */
  readonly location: string;
}

let count = 0;

const places: Record<string, () => Place> = {
  s3: () => {
    const prefix = `${bucket}/run ${++count}/daily`;
    return { variables: { ...s3.env, UPLOAD_PREFIX: prefix }, location: `store:${prefix}` };
  },
  sftp: () => {
    const prefix = `run ${++count}/daily`;
    return { variables: { ...sftp.env, UPLOAD_PREFIX: prefix }, location: `store:${prefix}` };
  },
  local: () => {
    const folder = join(temporaryFolder("local"), "daily");
    return { variables: { RCLONE_CONFIG: "/dev/null", REMOTE_NAME: folder }, location: folder };
  },
};

const cells: [program: string, place: string][] = [
  ...Object.keys(places).map((place): [string, string] => ["rclone", place]),
  ["rclone-1.60", "s3"],
  ["rclone-1.60", "sftp"],
  ["rclone-1.60", "local"],
];

describe.for(cells)("%s, %s", ([program, name]) => {
  const PATH = pathFor(program);
  let place: Place;
  let variables: Variables;

  beforeAll(async () => {
    place = places[name]?.() ?? { variables: {}, location: "" };
    variables = {
      ...place.variables,
      ...database.env,
      PATH,
      BACKUP_ENGINE: "postgres",
      BACKUP_DATABASES: "app",
      BACKUP_FILE_NAME: "${DB}",
      ENCRYPT_RECIPIENTS: recipient,
    };
  });

  const rclone = async (args: string[], input = ""): Promise<string> =>
    (await execa("rclone", args, { env: { ...definedOnly(place.variables), PATH }, input })).stdout;

  /** Everything that lies there. */
  const list = async (): Promise<string[]> =>
    (await rclone(["lsf", "-R", "--files-only", place.location])).split("\n").filter(Boolean).toSorted();

  /** Backs up, which must go well. */
  const backUp = async (more: Variables = {}): Promise<Outcome> => {
    const outcome = await rcdump({ ...variables, ...more });
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    return outcome;
  };

  /** Restores by plain tools and tells what came out. */
  const restore = async (object: string): Promise<string> => {
    const target = `restored_${++count}`;
    await database.createDatabase(target);
    const script =
      'rclone cat "$OBJECT" | age -d -i "$KEYS" | gunzip | psql -Xq -v ON_ERROR_STOP=1 -d "$TARGET"';
    const env = {
      ...definedOnly(place.variables),
      ...database.env,
      PATH,
      OBJECT: `${place.location}/${object}`,
      KEYS: keys,
      TARGET: target,
    };
    await execa("bash", ["-o", "pipefail", "-c", script], { env });
    return database.psql(target, rows);
  };

  const object = "app.sql.gz.age";
  const whole = [object, `${object}.manifest.json`];

  test("what check writes is gone afterwards, and its JSON says that all is well", async () => {
    const { exitCode, stdout } = await rcdump(variables, ["check", "--json"]);
    expect(exitCode).toBe(0);
    const { ok, dumps } = JSON.parse(stdout) as { ok: boolean; dumps: unknown[] };
    expect({ ok, dumps }).toMatchObject({ ok: true, dumps: [{ database: "app", path: object }] });
    expect(await rclone(["lsf", "-R", "--files-only", place.location]).catch(() => "")).toBe("");
  });

  test("a backup restores by plain tools, and a second of its name replaces it", async () => {
    await backUp();
    expect(await list()).toEqual(whole);
    expect(await restore(object)).toBe(await database.psql("app", rows));

    await database.psql("app", `INSERT INTO t VALUES (${++count + 10_000}, 'later')`);
    await backUp();
    expect(await list()).toEqual(whole);
    expect(await restore(object)).toBe(await database.psql("app", rows));
    const manifest = JSON.parse(await rclone(["cat", `${place.location}/${object}.manifest.json`])) as {
      stored: { bytes: number };
    };
    const [{ Size }] = JSON.parse(await rclone(["lsjson", `${place.location}/${object}`])) as [
      { Size: number },
    ];
    expect(manifest.stored.bytes).toBe(Size);
  });

  test("BACKUP_OVERWRITE=false refuses a name that is taken and touches nothing", async () => {
    await backUp({ BACKUP_FILE_NAME: "once" });
    const before = await rclone(["lsjson", "-R", place.location]);
    const { exitCode, message } = await rcdump({
      ...variables,
      BACKUP_FILE_NAME: "once",
      BACKUP_OVERWRITE: "false",
    });
    expect({ exitCode, message }).toEqual({
      exitCode: 21,
      message: expect.stringMatching(/^once\.sql\.gz\.age exists already/),
    });
    expect(await rclone(["lsjson", "-R", place.location])).toBe(before);
    await backUp({ BACKUP_FILE_NAME: "never-before", BACKUP_OVERWRITE: "false" });
  });

  test("the next good run removes what this job left unfinished, and nothing else", async () => {
    await backUp({ BACKUP_FILE_NAME: "swept" });
    const job = await jobOf({ ...variables, BACKUP_FILE_NAME: "swept" });
    const foreign = ["other.sql.gz.age.ffffffff-mb1x2y3zff00.partial", "notes.partial", "swept.txt"];
    const own = `swept.sql.gz.age.${job}-mb1x2y3zff00.partial`;
    for (const each of [...foreign, own]) await rclone(["rcat", `${place.location}/${each}`], "half");
    const before = await list();
    await backUp({ BACKUP_FILE_NAME: "swept" });
    expect(await list()).toEqual(before.filter((each) => each !== own));
  });

  test("by way of the spool folder it comes to the same, and nothing stays there", async () => {
    const spool = join(temporaryFolder("spool"), "dumps");
    for (const _ of ["a free name", "a name that is taken"]) {
      await backUp({ BACKUP_FILE_NAME: "spooled", BACKUP_SPOOL_DIR: spool });
      expect(await restore("spooled.sql.gz.age")).toBe(await database.psql("app", rows));
      expect(readdirSync(spool)).toEqual([]);
    }
    expect((await list()).filter((each) => each.startsWith("spooled"))).toHaveLength(2);
  });
});

test("on S3 a whole object of the name is not taken for what an upload left, and is no obstacle", async () => {
  const location = `store:${bucket}/run ${++count}`;
  const remote = new RcloneRemote(location, { ...s3.env, PATH: process.env["PATH"] });
  await withSubprocesses(undefined, async (children) => {
    await pipeline(Readable.from(["whole"]), await remote.write("app.sql", children));
  });
  await remote.discard("app.sql");
  expect(await remote.read("app.sql")).toBe("whole");
});

test("a remote may be called rcdump", async () => {
  const settings = Object.entries(s3.env).map(([name, value]) => [
    name.replace("_STORE_", "_RCDUMP_"),
    value,
  ]);
  const env = { ...Object.fromEntries(settings), PATH: process.env["PATH"] };
  expect((await new RcloneRemote(`rcdump:${bucket}`, env).traits()).description).toBe(`S3 bucket ${bucket}`);
});

test("no parts of an upload are left on S3", async () => {
  expect(await s3.pendingUploads(bucket)).toEqual([]);
});

/** The job's id, as the name of a dump that could not be sent tells it. */
async function jobOf(variables: Variables): Promise<string> {
  const spool = temporaryFolder("spool");
  const { exitCode } = await rcdump({
    ...variables,
    BACKUP_SPOOL_DIR: spool,
    PATH: pathWith({ rclone: '[ "$1" = copyto ] && exit 1; exec $REAL "$@"' }),
  });
  expect(exitCode).not.toBe(0);
  const job = readdirSync(spool)[0]?.split("-")[0];
  if (job === undefined) throw new Error("nothing was kept in the spool folder");
  return job;
}

function definedOnly(variables: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
