import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRichPostgres, describeRichPostgres } from "../fixtures/rich-postgres.ts";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { images } from "./fixtures/run.ts";
import { startPostgres, type PostgresContainer } from "./fixtures/servers.ts";
import { createSite, files, type Site } from "./fixtures/site.ts";
import { startS3, startSftp, startWebdav, volumeStore, type Store } from "./fixtures/stores.ts";

let site: Site;
let keys: Keys;
let original: PostgresContainer;
let fresh: PostgresContainer;
let stores: Readonly<Record<string, Store>>;
let expected: string;

beforeAll(async () => {
  site = await createSite();
  [keys, original, fresh] = await Promise.all([
    createKeys(site),
    startPostgres(site, { host: "original" }),
    startPostgres(site, { host: "fresh" }),
  ]);
  const [s3, sftp, webdav, volume] = await Promise.all([
    startS3(site),
    startSftp(site),
    startWebdav(site),
    volumeStore(site),
  ]);
  stores = { s3, sftp, webdav, volume };
  await createRichPostgres(original, "rich");
  expected = await describeRichPostgres(original, "rich");
  await fresh.psql(
    "postgres",
    `CREATE ROLE rich_owner; CREATE ROLE "rich ""reader"""; CREATE ROLE "Rïch Wríter"`,
  );
});
afterAll(() => site?.remove());

function jobFor(store: Store | undefined, server = original): Job {
  if (store === undefined) throw new Error("no such store");
  const variables = { ...server.env, BACKUP_DATABASES: "rich" };
  return createJob({ site, image: images.postgres, store, keys, variables });
}

const object = "rich.sql.gz.age";

test.for(["s3", "sftp", "webdav", "volume"])(
  "a backup in %s is listed, verified, and restored into a fresh server, where all is as it was",
  async (name) => {
    const job = jobFor(stores[name]);
    expect(await job.run()).toMatchObject(good);
    expect(await stores[name]?.list()).toEqual([object, `${object}.manifest.json`]);

    const listed = await job.run(["list"]);
    expect(listed).toMatchObject(good);
    expect(listed.stdout).toMatch(/rich\.sql\.gz\.age/);
    expect(await job.run(["verify", "--deep"])).toMatchObject(good);

    const target = `from_${name}`;
    expect(await job.run(["restore", "--to", target, "--create", "--yes"], fresh.env)).toMatchObject(good);
    expect(await describeRichPostgres(fresh, target)).toBe(expected);
  },
);

test("age, gunzip and psql alone restore what is stored", async () => {
  const folder = await volumeStore(site, "plain");
  expect(await jobFor(folder).run()).toMatchObject(good);
  const [stored, plain] = [`${folder.path}/${object}`, `${folder.path}/rich.sql`];
  await site.script(`age -d -i ${files}/${keys.file} ${stored} | gunzip >${plain}`);
  await fresh.createDatabase("plain");
  const client = ["psql", "-h", "127.0.0.1", "-U", "postgres", "-X", "-v", "ON_ERROR_STOP=1"];
  const restored = await fresh.container.exec([...client, "-d", "plain", "-f", plain], {
    env: { PGPASSWORD: fresh.password },
  });
  expect(restored).toMatchObject({ exitCode: 0 });
  expect(await describeRichPostgres(fresh, "plain")).toBe(expected);
});

test("verify --restore, on another server, finds the backup equal to what is restored from it", async () => {
  const folder = await volumeStore(site, "tried");
  expect(await jobFor(folder).run()).toMatchObject(good);
  expect(await jobFor(folder).run(["verify", "--restore"], fresh.env)).toMatchObject(good);
});

test("custom format goes through pg_restore", async () => {
  const job = jobFor(await volumeStore(site, "custom"));
  expect(await job.run(["backup", "--", "--format=custom"])).toMatchObject(good);
  expect(await job.run(["restore", "--to", "custom", "--create", "--yes"], fresh.env)).toMatchObject(good);
  expect(await describeRichPostgres(fresh, "custom")).toBe(expected);
});

describe("a server of its own", () => {
  test("BACKUP_GLOBALS brings the roles and their passwords back, BACKUP_ALL all databases", async () => {
    const another = await startPostgres(site, { host: "another" });
    await original.psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'of the app'");
    const job = jobFor(await volumeStore(site, "globals"));
    expect(await job.run([], { BACKUP_GLOBALS: "true" })).toMatchObject(good);
    const args = ["restore", "--file", "pg_globals.sql.gz.age", "--force", "--yes"];
    expect(await job.run(args, another.env)).toMatchObject(good);
    const password = "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'";
    expect(await another.psql("postgres", password)).toBe(await original.psql("postgres", password));

    const whole = jobFor(await volumeStore(site, "all"));
    const all = { BACKUP_DATABASES: undefined, BACKUP_ALL: "true" };
    expect(await whole.run([], { ...all, BACKUP_FILE_NAME: "all" })).toMatchObject(good);
    expect(await whole.run(["restore", "--force", "--yes"], { ...all, ...another.env })).toMatchObject(good);
    expect(await describeRichPostgres(another, "rich")).toBe(expected);
  });

  test("PostgreSQL 15 is backed up by the newer client, and restored into itself and into 17", async () => {
    const old = await startPostgres(site, { host: "old", image: "postgres:15" });
    await old.createDatabase("app");
    await old.psql("app", `CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 1000) i`);
    const store = await volumeStore(site, "old");
    const variables = { ...old.env, BACKUP_DATABASES: "app" };
    const job = createJob({ site, image: images.postgres, store, keys, variables });
    expect(await job.run()).toMatchObject(good);
    const rows = "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY i)) FROM t";
    for (const server of [old, fresh]) {
      const args = ["restore", "--to", "from_15", "--create", "--yes"];
      expect(await job.run(args, server.env)).toMatchObject(good);
      expect(await server.psql("from_15", rows)).toBe(await old.psql("app", rows));
    }
  });
});
