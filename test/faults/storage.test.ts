/**
 * Stores that misbehave, behind a proxy: S3 and WebDAV. Whatever happens, the exit code tells the truth, no object is cut short
 * at a final name, an earlier backup of the name is as it was, and every manifest is over bytes that are there.
 */
import { execa } from "execa";
import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, rcdump, type Variables } from "../fixtures/cli.ts";
import {
  type Fault,
  type FaultyProxy,
  type ProxiedRequest,
  requests,
  startFaultyProxy,
} from "../fixtures/faulty-proxy.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";
import { localStore, type StoredManifest } from "../fixtures/store.ts";
import type { StoreServer } from "../fixtures/store-server.ts";
import { startRcloneWebdav } from "../fixtures/webdav.ts";

type Kind = "s3" | "webdav";

let database: PostgresServer;
let s3: S3Server;
let webdav: StoreServer;

/** A good backup of `app` called x, as it lies in a store. */
const earlier = localStore();

beforeAll(async () => {
  [database, s3, webdav] = await Promise.all([startPostgres(), startS3(), startRcloneWebdav()]);
  await s3.createBucket("backups");
  await database.createDatabase("app");
  await database.psql("app", "CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n");
  await database.createDatabase("large");
  // Some 7 MB: two parts of a multipart upload.
  await database.psql(
    "large",
    "CREATE TABLE noise AS SELECT string_agg(md5(random()::text), '') AS a FROM generate_series(1, 220000) n GROUP BY n % 100",
  );
  expect(
    await rcdump({
      ...settings,
      ...database.env,
      ...earlier.env,
      BACKUP_DATABASES: "app",
      BACKUP_FILE_NAME: "x",
    }),
  ).toMatchObject({ exitCode: 0, message: "" });
});
afterAll(() => Promise.all([database.stop(), s3.stop(), webdav.stop()]));

/** Without much patience. */
const settings = {
  BACKUP_ENGINE: "postgres",
  BACKUP_COMPRESSION: "none",
  RCLONE_S3_CHUNK_SIZE: "5Mi",
  RCLONE_LOW_LEVEL_RETRIES: "2",
  RCLONE_RETRIES: "2",
  RCLONE_RETRIES_SLEEP: "100ms",
  RCLONE_TIMEOUT: "6s",
};

/** A folder of a store with a good backup of `app` called x, and a proxy before the store. */
interface Place extends AsyncDisposable {
  readonly proxy: FaultyProxy;
  /** How a run reaches it through the proxy. */
  readonly variables: Variables;
  /** What lies there, by name, whatever the proxy does. */
  readonly contents: () => Promise<Record<string, Buffer>>;
}

async function place(kind: Kind): Promise<Place> {
  const store = kind === "s3" ? s3 : webdav;
  const prefix = `backups/${randomUUID()}`;
  const proxy = await startFaultyProxy(store.port);
  const contents = async (): Promise<Record<string, Buffer>> => {
    const folder = temporaryFolder("contents");
    await execa("rclone", ["copy", `store:${prefix}`, folder], { env: store.env });
    const copied = localStore(folder);
    return Object.fromEntries(copied.files().map((path) => [path, copied.read(path)]));
  };
  await execa("rclone", ["copy", earlier.folder, `store:${prefix}`], { env: store.env });
  const variables = { ...settings, ...database.env, ...store.through(proxy.port), UPLOAD_PREFIX: prefix };
  return { proxy, variables, contents, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

/** What anybody would take for a backup: uploads under way have names that say so. */
function withoutPartials(contents: Record<string, Buffer>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(contents).filter(([path]) => !path.endsWith(".partial")));
}

function expectWhole(contents: Record<string, Buffer>, object: string): void {
  const bytes = contents[object] ?? Buffer.alloc(0);
  const { stored } = JSON.parse(String(contents[`${object}.manifest.json`])) as StoredManifest;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  expect(stored).toEqual({ bytes: bytes.length, sha256 });
  expect(bytes.subarray(-300).toString()).toContain("-- PostgreSQL database dump complete");
}

/** The n-th of those requests, and if that is tried again not that. */
function nth(n: number, when: (request: ProxiedRequest) => boolean): typeof when {
  let seen = 0;
  return (request) => when(request) && ++seen === n;
}

const copy = ({ method, path }: ProxiedRequest): boolean =>
  method === "MOVE" || (method === "PUT" && path.includes("x-id=CopyObject"));
const dump = (request: ProxiedRequest): boolean =>
  requests.upload(request) && request.path.includes(".sql") && !requests.manifest(request) && !copy(request);

interface Case {
  readonly kind: Kind;
  readonly fault: Fault;
  readonly when: (request: ProxiedRequest) => boolean;
  readonly times?: number;
  readonly what: string;
  /** Default: the large one. */
  readonly database?: string;
  /** Default: a free one. */
  readonly name?: "taken";
  readonly manner?: "staged";
  readonly variables?: Variables;
}

/** Makes the backup of a case and looks at what is there before and after. */
async function disturb({ kind, fault, when, times = Infinity, name, manner, ...more }: Case) {
  const { proxy, variables, contents, ...at } = await place(kind);
  await using _ = at;
  const before = await contents();
  const object = name === "taken" ? "x.sql" : "y.sql";
  proxy.inject(fault, { when, times });
  const outcome = await rcdump({
    ...variables,
    ...more.variables,
    BACKUP_DATABASES: more.database ?? "large",
    BACKUP_FILE_NAME: object,
    ...(manner === "staged" && { BACKUP_SPOOL_DIR: temporaryFolder("spool") }),
  });
  expect(proxy.hits()).toBeGreaterThan(0);
  return { outcome, before, after: withoutPartials(await contents()), object };
}

describe.concurrent("a fault that passes is got over", () => {
  test.for<Case>([
    { kind: "s3", fault: "500", when: requests.part, times: 1, what: "a part" },
    { kind: "s3", fault: "503", when: requests.part, times: 1, what: "a part", name: "taken" },
    { kind: "s3", fault: "reset half-way", when: requests.part, times: 1, what: "a part" },
    { kind: "s3", fault: "lost answer", when: requests.part, times: 1, what: "a part" },
    { kind: "s3", fault: "hang", when: requests.part, times: 1, what: "a part" },
    { kind: "s3", fault: "slow", when: requests.part, times: 1, what: "a part" },
    { kind: "s3", fault: "lost answer", when: requests.completion, times: 1, what: "the completion" },
    { kind: "s3", fault: "error in 200", when: requests.completion, times: 1, what: "the completion" },
    { kind: "s3", fault: "503", when: requests.manifest, times: 1, what: "the manifest", name: "taken" },
    { kind: "s3", fault: "reset", when: copy, times: 1, what: "the move", name: "taken" },
    { kind: "webdav", fault: "503", when: requests.listing, times: 1, what: "the first question" },
    { kind: "webdav", fault: "reset half-way", when: dump, times: 1, what: "the upload", manner: "staged" },
    {
      kind: "webdav",
      fault: "500",
      when: dump,
      times: 1,
      what: "the upload",
      manner: "staged",
      name: "taken",
    },
    { kind: "webdav", fault: "reset", when: copy, times: 1, what: "the move" },
    { kind: "webdav", fault: "lost answer", when: copy, times: 1, what: "the move", name: "taken" },
    {
      kind: "webdav",
      fault: "lost answer",
      when: (request) => copy(request) && request.path.includes(".manifest.json"),
      times: 1,
      what: "the move of the manifest",
      name: "taken",
    },
  ])("$kind: $fault at $what", async (each) => {
    const { outcome, after, object } = await disturb(each);
    expect(outcome).toMatchObject({ exitCode: 0, message: "" });
    expectWhole(after, object);
  });
});

describe.concurrent("a fault that stays fails the backup, and leaves what was there", () => {
  test.for<Case & { message: RegExp; hint: RegExp }>([
    {
      kind: "s3",
      fault: "403",
      when: nth(2, requests.part),
      what: "the second part",
      message: /^upload to store failed: .*AccessDenied/,
      hint: /give these credentials the right to do this$/,
    },
    {
      kind: "s3",
      fault: "500",
      when: requests.part,
      what: "all parts",
      name: "taken",
      message: /^upload to store failed: .*InternalError/,
      hint: /the store is in trouble, or has too much to do: try again later, and look at its log$/,
    },
    {
      kind: "s3",
      fault: "503",
      when: requests.part,
      what: "all parts",
      message: /^upload to store failed: .*SlowDown/,
      hint: /the store is in trouble/,
    },
    {
      kind: "s3",
      fault: "reset",
      when: requests.part,
      what: "all parts",
      // The last is what Go says if it finds out while it sets a time limit.
      message:
        /^upload to store failed: .*(connection reset|EOF|broken pipe|closed (network|idle) connection)/,
      hint: /see that the store is up/,
    },
    {
      kind: "s3",
      fault: "swallowed",
      when: nth(1, requests.part),
      what: "a part",
      message: /^upload to store failed: .*InvalidPart/,
      hint: /the store said/,
    },
    {
      kind: "s3",
      fault: "swallowed",
      when: requests.completion,
      what: "the completion",
      message: /^upload to store failed: object not found/,
      hint: /the store said/,
    },
    {
      kind: "s3",
      fault: "error in 200",
      when: requests.completion,
      what: "the completion",
      name: "taken",
      message: /^upload to store failed: .*InternalError/,
      hint: /the store is in trouble/,
    },
    {
      kind: "s3",
      fault: "swallowed",
      when: dump,
      what: "a small object",
      database: "app",
      message: /^upload to store failed: object not found/,
      hint: /the store said/,
    },
    {
      kind: "s3",
      fault: "swallowed",
      when: dump,
      what: "a small object that rclone is told not to look at",
      database: "app",
      variables: { RCLONE_S3_NO_HEAD: "true" },
      message: /^y\.sql is not there after \d+ bytes were uploaded/,
      hint: /the store or something before it loses data/,
    },
    {
      kind: "s3",
      fault: "swallowed",
      when: copy,
      what: "the move",
      name: "taken",
      message: /^upload to store failed: /,
      hint: /the store said/,
    },
    {
      kind: "s3",
      fault: "corrupted upload, checked",
      when: requests.part,
      what: "all parts",
      message: /^upload to store failed: .*BadDigest/,
      hint: /something on the way to the store alters data/,
    },
    {
      kind: "webdav",
      fault: "403",
      when: dump,
      what: "the upload",
      name: "taken",
      message: /^upload to store failed: .*403 Forbidden/,
      hint: /give these credentials the right to do this$/,
    },
    {
      kind: "webdav",
      fault: "reset half-way",
      when: dump,
      what: "the upload, which cannot be sent again",
      name: "taken",
      message:
        /^upload to store failed: .*(connection reset|EOF|broken pipe|closed (network|idle) connection)/,
      hint: /see that the store is up/,
    },
    {
      kind: "webdav",
      fault: "swallowed",
      when: dump,
      what: "the upload",
      message: /^upload to store failed: .*not found/,
      hint: /the store said/,
    },
    {
      kind: "webdav",
      fault: "swallowed",
      when: copy,
      what: "the move",
      message: /^upload to store failed: /,
      hint: /the store said/,
    },
  ])("$kind: $fault at $what", async (each) => {
    const { outcome, before, after } = await disturb(each);
    expect(outcome.exitCode).toBe(21);
    expect(outcome.message).toMatch(each.message);
    expect(outcome.message).toMatch(each.hint);
    expect(after).toEqual(before);
  });
});

test("RCLONE_S3_NO_HEAD_OBJECT does not make a good backup seem bad, nor keep it from being replaced", async () => {
  await using at = await place("s3");
  const variables = { ...at.variables, BACKUP_DATABASES: "app", BACKUP_FILE_NAME: "x" };
  const unseeing = { ...variables, RCLONE_S3_NO_HEAD_OBJECT: "true" };
  expect(await rcdump(unseeing)).toMatchObject({ exitCode: 0, message: "" });
  expect(await rcdump(unseeing, ["verify", "--file", "x.sql"])).toMatchObject({ exitCode: 0, message: "" });
});

describe.concurrent("bytes that are not what they were", () => {
  async function inspect(at: Place, args: string[]): Promise<Outcome> {
    return rcdump(at.variables, args);
  }

  test.for<Kind>(["s3", "webdav"])("%s: stored so without notice, verify finds them", async (kind) => {
    await using at = await place(kind);
    at.proxy.inject("corrupted upload", { when: dump, times: 1 });
    const variables = { ...at.variables, BACKUP_DATABASES: "large", BACKUP_FILE_NAME: "y" };
    expect((await rcdump(variables)).exitCode).toBe(0);
    expect(at.proxy.hits()).toBe(1);
    at.proxy.clear();
    const { exitCode, message } = await inspect(at, ["verify", "--file", "y.sql"]);
    expect({ exitCode, message }).toMatchObject({
      exitCode: 30,
      message: expect.stringContaining(
        "y.sql: the object is not what was backed up: its SHA-256 is not the manifest's",
      ),
    });
  });

  test.for<Fault>(["corrupted download", "short download"])(
    "%s: verify finds it, and nothing is restored",
    async (fault) => {
      await using at = await place("s3");
      const isObject = (request: ProxiedRequest): boolean =>
        requests.download(request) && !request.path.includes(".manifest.json");
      at.proxy.inject(fault, { when: isObject });
      const verified = await inspect(at, ["verify"]);
      expect(verified).toMatchObject({ exitCode: 30, message: expect.stringContaining("x.sql: ") });
      const to = `restored_${fault.replaceAll(" ", "_")}`;
      for (const more of [[], ["--no-verify"]]) {
        const restored = await inspect(at, ["restore", "--to", to, "--create", "--yes", ...more]);
        expect(restored).toMatchObject({ exitCode: 30 });
        const there = `SELECT count(*) FROM pg_database WHERE datname = '${to}'`;
        expect(await database.psql("postgres", there)).toBe("0");
      }
    },
  );

  test.for<Fault>(["reset", "stalled answer", "503"])("%s: a download is begun again", async (fault) => {
    await using at = await place("s3");
    at.proxy.inject(fault, { when: requests.download, times: 1 });
    expect(await inspect(at, ["verify"])).toMatchObject({ exitCode: 0, message: "" });
    expect(at.proxy.hits()).toBe(1);
  });
});
