import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { images } from "./fixtures/run.ts";
import { ownFile, podFile } from "./fixtures/secrets.ts";
import { startMariadb, type MariadbContainer } from "./fixtures/servers.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { volumeStore, type Store } from "./fixtures/stores.ts";

let site: Site;
let keys: Keys;
let server: MariadbContainer;
let store: Store & { readonly path: string };
let job: Job;

beforeAll(async () => {
  site = await createSite();
  [keys, server] = await Promise.all([createKeys(site), startMariadb(site)]);
  store = await volumeStore(site);
  await server.createDatabase("app");
  await server.query("app", "CREATE TABLE kept (i int); CREATE TABLE left_out (i int)");
  const variables = { ...server.env, BACKUP_DATABASES: "app" };
  job = createJob({ site, image: images.mariadb, store, keys, variables });
});
afterAll(() => site?.remove());

describe.for([ownFile, podFile])("a password mounted as $name", (kind) => {
  test.for([
    ["with", "\n"],
    ["without", ""],
  ] as const)("is read, %s a final newline", async ([, end]) => {
    await kind.write(site, "secrets/password", server.password + end);
    const variables = { MYSQL_PWD: undefined, MYSQL_PWD_FILE: "/run/mounted/password" };
    const mounts = [{ from: "secrets", to: "/run/mounted" }];
    const options = { mounts, groups: kind.groups, secrets: [server.password] };
    expect(await job.run(["--user=root"], variables, options)).toMatchObject(good);
  });
});

describe("the login is the option files' business", () => {
  const unset = { MYSQL_HOST: undefined, MYSQL_PWD: undefined };

  test.for([
    ["a folder over /etc/mysql", "theirs/my.cnf", "theirs", "/etc/mysql", []],
    ["a folder over /etc/mysql/conf.d", "conf/theirs.cnf", "conf", "/etc/mysql/conf.d", []],
    [
      "--defaults-extra-file",
      "extra.cnf",
      "extra.cnf",
      "/run/extra.cnf",
      ["--defaults-extra-file=/run/extra.cnf"],
    ],
  ] as const)("%s", async ([, path, from, to, args]) => {
    await site.write(path, `[client]\nhost=mariadb\nuser=root\npassword="${server.password}"\n`);
    const options = { mounts: [{ from, to }], secrets: [server.password] };
    expect(await job.run(args, unset, options)).toMatchObject(good);
    expect(await job.run(["verify"], unset, options)).toMatchObject(good);
    const restore = ["restore", "--to", from.replace(/\W/, "_"), "--create", "--yes"];
    expect(
      await job.run([...restore, ...(args.length > 0 ? ["--", ...args] : [])], unset, options),
    ).toMatchObject(good);
  });
});

test("arguments reach mariadb-dump", async () => {
  const plain = { ENCRYPT_RECIPIENTS: undefined, BACKUP_COMPRESSION: "none" };
  const tables = (): Promise<string> => site.script(`grep -o '^CREATE TABLE [^ ]*' ${store.path}/app.sql`);
  expect(await job.run(["--user=root"], plain)).toMatchObject(good);
  expect(await tables()).toBe("CREATE TABLE `kept`\nCREATE TABLE `left_out`");
  const args = ["backup", "--", "--user=root", "--ignore-table=app.left_out"];
  expect(await job.run(args, plain)).toMatchObject(good);
  expect(await tables()).toBe("CREATE TABLE `kept`");
});

test.for(["123456:0", "0"])("it runs as user %s", async (user) => {
  const variables = { DECRYPT_IDENTITY_FILE: undefined };
  expect(await job.run(["--user=root"], variables, { user })).toMatchObject(good);
});
