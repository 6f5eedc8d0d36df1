import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { images, run } from "./fixtures/run.ts";
import { ownFile, podFile } from "./fixtures/secrets.ts";
import { startPostgres, type PostgresContainer } from "./fixtures/servers.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { volumeStore, type Store } from "./fixtures/stores.ts";

let site: Site;
let keys: Keys;
let server: PostgresContainer;
let store: Store & { readonly path: string };
let job: Job;

beforeAll(async () => {
  site = await createSite();
  [keys, server] = await Promise.all([createKeys(site), startPostgres(site)]);
  store = await volumeStore(site);
  await server.createDatabase("app");
  await server.psql("app", "CREATE TABLE kept AS SELECT 1; CREATE TABLE left_out AS SELECT 2");
  const variables = { ...server.env, BACKUP_DATABASES: "app" };
  job = createJob({ site, image: images.postgres, store, keys, variables });
});
afterAll(() => site?.remove());

describe.for([ownFile, podFile])("secrets mounted as $name", (kind) => {
  test.for([
    ["with", "\n"],
    ["without", ""],
  ] as const)("are read, %s a final newline", async ([, end]) => {
    await kind.write(site, "secrets/password", server.password + end);
    await kind.write(site, "secrets/recipients", keys.recipient + end);
    await kind.write(site, "secrets/identity", keys.secret + end);
    const options = {
      mounts: [{ from: "secrets", to: "/run/mounted" }],
      groups: kind.groups,
      secrets: [server.password],
    };
    const variables = {
      PGPASSWORD: undefined,
      PGPASSWORD_FILE: "/run/mounted/password",
      ENCRYPT_RECIPIENTS: undefined,
      ENCRYPT_RECIPIENTS_FILE: "/run/mounted/recipients",
      DECRYPT_IDENTITY_FILE: "/run/mounted/identity",
    };
    expect(await job.run([], variables, options)).toMatchObject(good);
    expect(await job.run(["verify", "--deep"], variables, options)).toMatchObject(good);
  });
});

test("a secret that this user may not read is named, with what to do", async () => {
  await podFile.write(site, "secrets/unreadable", server.password);
  const variables = { PGPASSWORD: undefined, PGPASSWORD_FILE: "/run/password" };
  const mounts = [{ from: "secrets/unreadable", to: "/run/password" }];
  expect(await job.run([], variables, { mounts })).toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/PGPASSWORD_FILE names \/run\/password, which .*read/) as string,
  });
});

describe("the login is libpq's own business", () => {
  const unset = { PGHOST: undefined, PGUSER: undefined, PGPASSWORD: undefined };
  const secrets = (): readonly string[] => [server.password];
  const passwords = (): Promise<void> =>
    site.write("pgpass", `*:*:*:postgres:${server.password}\n`, { mode: "600" });

  test("PGPASSFILE", async () => {
    await passwords();
    const variables = { PGPASSWORD: undefined, PGPASSFILE: "/run/pgpass" };
    const mounts = [{ from: "pgpass", to: "/run/pgpass" }];
    expect(await job.run([], variables, { mounts, secrets: secrets() })).toMatchObject(good);
  });

  test(".pgpass at home", async () => {
    await passwords();
    const mounts = [{ from: "pgpass", to: "/home/rcdump/.pgpass" }];
    expect(await job.run([], { PGPASSWORD: undefined }, { mounts, secrets: secrets() })).toMatchObject(good);
  });

  test("a service of PGSERVICEFILE", async () => {
    const service = `[theirs]\nhost=postgres\nuser=postgres\npassword=${server.password}\n`;
    await site.write("pg_service.conf", service);
    const variables = { ...unset, PGSERVICE: "theirs", PGSERVICEFILE: "/run/pg_service.conf" };
    const mounts = [{ from: "pg_service.conf", to: "/run/pg_service.conf" }];
    expect(await job.run([], variables, { mounts, secrets: secrets() })).toMatchObject(good);
  });
});

describe("arguments reach pg_dump", () => {
  const plain = { ENCRYPT_RECIPIENTS: undefined, BACKUP_COMPRESSION: "none" };
  const tables = async (): Promise<string> =>
    site.script(`grep -o '^CREATE TABLE [^ ]*' ${store.path}/app.sql`);

  test.for([
    ["as the container's", ["--exclude-table=left_out"]],
    ["behind --", ["backup", "--", "--exclude-table=left_out"]],
  ] as const)("%s", async ([, args]) => {
    expect(await job.run([], plain)).toMatchObject(good);
    expect(await tables()).toBe("CREATE TABLE public.kept\nCREATE TABLE public.left_out");
    expect(await job.run(args, plain)).toMatchObject(good);
    expect(await tables()).toBe("CREATE TABLE public.kept");
  });
});

test.for([
  ["UTC", "app--0000"],
  ["Asia/Kolkata", "app--0530"],
])("in TZ %s names have its times", async ([TZ, name]) => {
  const { exitCode, stdout } = await job.run(["check", "--json"], { TZ, BACKUP_FILE_NAME: "${DB}-%z" });
  expect({ exitCode, dumps: (JSON.parse(stdout) as { dumps: unknown }).dumps }).toMatchObject({
    exitCode: 0,
    dumps: [{ path: `${name}.sql.gz.age` }],
  });
});

describe("whoever it runs as", () => {
  test.for(["123456:0", "0"])("user %s", async (user) => {
    const variables = { DECRYPT_IDENTITY_FILE: undefined };
    expect(await job.run([], variables, { user })).toMatchObject(good);
    expect(await job.run(["check"], variables, { user })).toMatchObject(good);
  });

  test("a new volume at /backups is a store at once", async () => {
    const settings = { ...server.env, BACKUP_DATABASES: "app", REMOTE_NAME: "/backups" };
    expect(await run(site, images.postgres, settings, [], { newVolumes: ["/backups"] })).toMatchObject(good);
  });

  test("nothing but /tmp can be written, and nothing outside be reached", async () => {
    const script = `
      for (const folder of ["/", "/app", "/home/rcdump", "/usr", "/tmp"])
        try { fs.writeFileSync(folder + "/x", ""); console.log(folder, "written"); }
        catch ({ code }) { console.log(folder, code); }
      console.log(process.getuid(), process.getgid());
      console.log(fs.readFileSync("/proc/self/status", "utf8").match(/(CapEff|CapBnd|NoNewPrivs).*/g).join());
      console.log(fs.readFileSync("/proc/net/route", "utf8").split("\\n").filter((line) => /^\\w+\\t00000000/.test(line)).length);`;
    const { stdout } = await run(site, images.postgres, {}, ["-e", script], { entrypoint: ["node"] });
    expect(stdout.split("\n")).toEqual([
      "/ EROFS",
      "/app EROFS",
      "/home/rcdump EROFS",
      "/usr EROFS",
      "/tmp written",
      "1001 1001",
      "CapEff:\t0000000000000000,CapBnd:\t0000000000000000,NoNewPrivs:\t1",
      "0",
      "",
    ]);
  });
});
