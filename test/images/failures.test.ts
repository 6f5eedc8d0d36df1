import { afterAll, beforeAll, expect, test } from "vitest";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { images, type Variables } from "./fixtures/run.ts";
import { startPostgres } from "./fixtures/servers.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { volumeStore } from "./fixtures/stores.ts";

let site: Site;
let keys: Keys;
let others: Keys;
let job: Job;

beforeAll(async () => {
  site = await createSite();
  [keys, others] = await Promise.all([createKeys(site), createKeys(site, "keys/others")]);
  const [server, store] = await Promise.all([startPostgres(site), volumeStore(site)]);
  await server.createDatabase("app");
  const variables = { ...server.env, BACKUP_DATABASES: "app" };
  job = createJob({ site, image: images.postgres, store, keys, variables });
});
afterAll(() => site?.remove());

interface Case {
  readonly name: string;
  readonly exitCode: number;
  readonly message: RegExp;
  readonly args?: readonly string[];
  readonly variables?: Variables;
}

const unreachable = {
  REMOTE_NAME: "store",
  UPLOAD_PREFIX: "bucket",
  RCLONE_CONFIG_STORE_TYPE: "s3",
  RCLONE_CONFIG_STORE_PROVIDER: "Other",
  RCLONE_CONFIG_STORE_ENDPOINT: "http://nowhere:9000",
  RCLONE_LOW_LEVEL_RETRIES: "1",
};

const cases: readonly Case[] = [
  {
    name: "no BACKUP_DATABASES",
    variables: { BACKUP_DATABASES: undefined },
    exitCode: 2,
    message: /BACKUP_DATABASES is not set; name the databases/,
  },
  {
    name: "an unknown setting",
    variables: { BACKUP_DATABASE: "app" },
    exitCode: 2,
    message: /BACKUP_DATABASE is no setting; did you mean BACKUP_DATABASES\?/,
  },
  {
    name: "a wrong password",
    variables: { PGPASSWORD: "of-somebody-else" },
    exitCode: 10,
    message:
      /cannot log in: .*password authentication failed for user "postgres"\n {2}hint: correct PGUSER and PGPASSWORD/,
  },
  {
    name: "an unknown host",
    variables: { PGHOST: "nowhere" },
    exitCode: 10,
    message: /cannot reach the server: could not translate host name "nowhere".*\n {2}hint: .*PGHOST/,
  },
  {
    name: "an argument that pg_dump refuses",
    args: ["--no-such-option"],
    exitCode: 11,
    message: /pg_dump: unrecognized option '--no-such-option'|unrecognized option/,
  },
  {
    name: "a store that cannot be reached",
    variables: unreachable,
    exitCode: 20,
    message: /cannot use store: .*nowhere.*\n {2}hint: /,
  },
  {
    name: "nothing to restore",
    args: ["restore", "--to", "new", "--create", "--yes"],
    exitCode: 22,
    message: /there is no backup in the remote\n {2}hint: correct REMOTE_NAME and UPLOAD_PREFIX/,
  },
];

test.for(cases)(
  "$name: $exitCode, and what to do",
  async ({ args = [], variables = {}, exitCode, message }) => {
    const outcome = await job.run(args, variables);
    expect(outcome).toMatchObject({ exitCode, message: expect.stringMatching(message) as string });
    // An error is told, not thrown.
    expect(outcome.stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  },
);

test("a wrong identity: 31, and which one is wanted", async () => {
  expect(await job.run()).toMatchObject(good);
  const mounts = [{ from: others.file, to: "/run/others" }];
  const variables = { DECRYPT_IDENTITY_FILE: "/run/others" };
  const args = ["restore", "--to", "new", "--create", "--yes"];
  expect(await job.run(args, variables, { mounts, secrets: [others.secret] })).toMatchObject({
    exitCode: 31,
    message: expect.stringMatching(/no identity fits: .*X25519 \(age1/) as string,
  });
});

test("a user without a name, and no PGUSER: 10, and what is missing", async () => {
  expect(await job.run([], { PGUSER: undefined }, { user: "4321:0" })).toMatchObject({
    exitCode: 10,
    message: expect.stringMatching(/local user with ID 4321 does not exist\n {2}hint: set PGUSER/) as string,
  });
});
