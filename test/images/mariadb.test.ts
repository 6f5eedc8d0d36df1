import { afterAll, beforeAll, expect, test } from "vitest";
import { createRichMariadb, describeRichMariadb } from "../fixtures/rich-mariadb.ts";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { images } from "./fixtures/run.ts";
import { startMariadb, type MariadbContainer } from "./fixtures/servers.ts";
import { createSite, files, type Site } from "./fixtures/site.ts";
import { startS3, startSftp, startWebdav, volumeStore, type Store } from "./fixtures/stores.ts";

let site: Site;
let keys: Keys;
let original: MariadbContainer;
let fresh: MariadbContainer;
let stores: Readonly<Record<string, Store>>;
let expected: string;

beforeAll(async () => {
  site = await createSite();
  [keys, original, fresh] = await Promise.all([
    createKeys(site),
    startMariadb(site, { host: "original" }),
    startMariadb(site, { host: "fresh" }),
  ]);
  const [s3, sftp, webdav, volume] = await Promise.all([
    startS3(site),
    startSftp(site),
    startWebdav(site),
    volumeStore(site),
  ]);
  stores = { s3, sftp, webdav, volume };
  await createRichMariadb(original, "rich");
  expected = await describeRichMariadb(original, "rich");
  await fresh.query("", "CREATE USER 'rich definer'@'10.0.0.%'");
});
afterAll(() => site?.remove());

function jobFor(store: Store | undefined): Job {
  if (store === undefined) throw new Error("no such store");
  const variables = { ...original.env, BACKUP_DATABASES: "rich" };
  return createJob({ site, image: images.mariadb, store, keys, variables });
}

const object = "rich.sql.gz.age";
const user = "--user=root";

test.for(["s3", "sftp", "webdav", "volume"])(
  "a backup in %s is listed, verified, and restored into a fresh server, where all is as it was",
  async (name) => {
    const job = jobFor(stores[name]);
    expect(await job.run([user])).toMatchObject(good);
    expect(await stores[name]?.list()).toEqual([object, `${object}.manifest.json`]);

    const listed = await job.run(["list"]);
    expect(listed).toMatchObject(good);
    expect(listed.stdout).toMatch(/rich\.sql\.gz\.age/);
    expect(await job.run(["verify", "--deep"])).toMatchObject(good);

    const target = `from_${name}`;
    const args = ["restore", "--to", target, "--create", "--yes", "--", user];
    expect(await job.run(args, fresh.env)).toMatchObject(good);
    expect(await describeRichMariadb(fresh, target)).toBe(expected);
  },
);

test("age, gunzip and mariadb alone restore what is stored", async () => {
  const folder = await volumeStore(site, "plain");
  expect(await jobFor(folder).run([user])).toMatchObject(good);
  const [stored, plain] = [`${folder.path}/${object}`, `${folder.path}/rich.sql`];
  await site.script(`age -d -i ${files}/${keys.file} ${stored} | gunzip >${plain}`);
  await fresh.createDatabase("plain");
  const client = `mariadb ${user} --default-character-set=utf8mb4 --comments --binary-mode plain <${plain}`;
  const restored = await fresh.container.exec(["bash", "-c", client], { env: { MYSQL_PWD: fresh.password } });
  expect(restored).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await describeRichMariadb(fresh, "plain")).toBe(expected);
});

test("verify --restore finds the backup equal to what is restored from it", async () => {
  const folder = await volumeStore(site, "tried");
  expect(await jobFor(folder).run([user])).toMatchObject(good);
  expect(await jobFor(folder).run(["verify", "--restore", "--", user], fresh.env)).toMatchObject(good);
});

test("BACKUP_ALL brings back all databases", async () => {
  // Among the databases is the one of the accounts: root's password will be the original's.
  const { password } = original;
  const another = await startMariadb(site, { host: "another", password });
  const job = jobFor(await volumeStore(site, "all"));
  const all = { BACKUP_DATABASES: undefined, BACKUP_ALL: "true", BACKUP_FILE_NAME: "all" };
  expect(await job.run([user], all)).toMatchObject(good);
  const args = ["restore", "--force", "--yes", "--", user];
  expect(await job.run(args, { ...all, ...another.env })).toMatchObject(good);
  expect(await describeRichMariadb(another, "rich")).toBe(expected);
});
