import { afterAll, beforeAll, expect, test } from "vitest";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys } from "./fixtures/keys.ts";
import { images } from "./fixtures/run.ts";
import { startPostgres, type PostgresContainer } from "./fixtures/servers.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { volumeStore } from "./fixtures/stores.ts";

let site: Site;
let server: PostgresContainer;
let large: Job;
let small: Job;

beforeAll(async () => {
  site = await createSite();
  const [keys, store] = await Promise.all([createKeys(site), volumeStore(site)]);
  // What is made and filled in one transaction needs no log.
  server = await startPostgres(site, {
    settings: { wal_level: "minimal", max_wal_senders: "0", max_wal_size: "4GB" },
  });
  await server.createDatabase("large");
  await server.psql(
    "large",
    "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 32) AS text FROM generate_series(1, 1000000) i",
  );
  await server.createDatabase("small");
  await server.psql(
    "small",
    "CREATE TABLE t AS SELECT i, md5(i::text) AS text FROM generate_series(1, 100000) i",
  );
  const settings = { site, image: images.postgres, store, keys };
  large = createJob({ ...settings, variables: { ...server.env, BACKUP_DATABASES: "large" } });
  small = createJob({ ...settings, variables: { ...server.env, BACKUP_DATABASES: "small" } });
});
afterAll(() => site?.remove());

/** Without swap; what goes beyond it is killed. */
const memory = 256 * 1024 ** 2;
const digest = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM t";

test("a database of 1 GB is backed up and restored within 256 MB of memory", async () => {
  const backup = await large.run([], {}, { memory });
  expect(backup).toMatchObject({ ...good, outOfMemory: false });
  const restore = await large.run(
    ["restore", "--database", "large", "--to", "again", "--create", "--yes"],
    {},
    { memory },
  );
  expect(restore).toMatchObject({ ...good, outOfMemory: false });
  const megabytes = [backup, restore].map(({ peakBytes }) => Math.round(peakBytes / 1024 ** 2));
  console.log(`peak: ${megabytes[0]} MB backing up, ${megabytes[1]} MB restoring`);
  // It was looked at.
  for (const peak of megabytes) expect(peak).toBeGreaterThan(20);
  expect(await server.psql("again", digest)).toBe(await server.psql("large", digest));
  expect(Number(await server.psql("large", "SELECT sum(length(text)) FROM t"))).toBeGreaterThan(1e9);
}, 300_000);

test("half a processor is enough", async () => {
  expect(await small.run([], {}, { cpus: 0.5 })).toMatchObject(good);
  const args = ["restore", "--database", "small", "--to", "slowly", "--create", "--yes"];
  expect(await small.run(args, {}, { cpus: 0.5 })).toMatchObject(good);
  expect(await server.psql("slowly", digest)).toBe(await server.psql("small", digest));
});
