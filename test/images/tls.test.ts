import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCertificates } from "./fixtures/certificates.ts";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { images } from "./fixtures/run.ts";
import { startMariadb, startPostgres } from "./fixtures/servers.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { startS3, volumeStore } from "./fixtures/stores.ts";

let site: Site;
let keys: Keys;
/** To the servers, with what they dump in a volume; and from PostgreSQL to S3, by a login of no interest here. */
let postgres: Job;
let mariadb: Job;
let toS3: Job;

beforeAll(async () => {
  site = await createSite();
  keys = await createKeys(site);
  const { folder } = await createCertificates(site, ["postgres", "mariadb", "s3"]);
  const [postgresServer, mariadbServer, s3, volume] = await Promise.all([
    startPostgres(site, {
      settings: {
        ssl: "on",
        ssl_cert_file: `${folder}/postgres.crt`,
        ssl_key_file: `${folder}/postgres.key`,
      },
    }),
    startMariadb(site, {
      settings: {
        "ssl-cert": `${folder}/mariadb.crt`,
        "ssl-key": `${folder}/mariadb.key`,
        "require-secure-transport": "ON",
      },
    }),
    startS3(site, { certificate: `${folder}/s3` }),
    volumeStore(site),
  ]);
  await postgresServer.createDatabase("app");
  await mariadbServer.createDatabase("app");
  // Who comes in without TLS is turned away.
  await postgresServer.psql("postgres", "CREATE ROLE by_tls SUPERUSER LOGIN PASSWORD 'by-tls-password'");
  await postgresServer.container.exec([
    "bash",
    "-c",
    'sed -i "1i hostnossl all by_tls all reject" "$PGDATA/pg_hba.conf"',
  ]);
  await postgresServer.psql("postgres", "SELECT pg_reload_conf()");
  const login = { PGUSER: "by_tls", PGPASSWORD: "by-tls-password", PGHOST: "postgres" };
  const job = { site, keys, image: images.postgres };
  const variables = { ...login, BACKUP_DATABASES: "app" };
  postgres = createJob({ ...job, store: volume, variables });
  toS3 = createJob({ ...job, store: s3, variables });
  mariadb = createJob({
    ...job,
    image: images.mariadb,
    store: volume,
    variables: { ...mariadbServer.env, BACKUP_DATABASES: "app" },
  });
});
afterAll(() => site?.remove());

const authority = (name: "right" | "wrong") => ({ mounts: [{ from: `tls/${name}.crt`, to: "/run/ca.crt" }] });

describe("PostgreSQL with PGSSLMODE=verify-full", () => {
  const variables = { PGSSLMODE: "verify-full", PGSSLROOTCERT: "/run/ca.crt" };

  test("works with the authority's certificate", async () => {
    expect(await postgres.run([], variables, authority("right"))).toMatchObject(good);
  });

  test("another authority's: 10, and what is wrong", async () => {
    expect(await postgres.run([], variables, authority("wrong"))).toMatchObject({
      exitCode: 10,
      message: expect.stringContaining("certificate verify failed") as string,
    });
  });

  test("none but the public ones: 10", async () => {
    expect(await postgres.run([], { ...variables, PGSSLROOTCERT: "system" })).toMatchObject({
      exitCode: 10,
      message: expect.stringContaining("certificate verify failed") as string,
    });
  });

  test("without TLS the server turns it away", async () => {
    expect(await postgres.run([], { PGSSLMODE: "disable" })).toMatchObject({ exitCode: 10 });
  });
});

describe("MariaDB with --ssl-ca and --ssl-verify-server-cert", () => {
  const args = ["--user=root", "--ssl-ca=/run/ca.crt", "--ssl-verify-server-cert"];

  test("works with the authority's certificate", async () => {
    expect(await mariadb.run(args, {}, authority("right"))).toMatchObject(good);
  });

  test("another authority's: 10, and what is wrong", async () => {
    expect(await mariadb.run(args, {}, authority("wrong"))).toMatchObject({
      exitCode: 10,
      message: expect.stringMatching(/certificate/i) as string,
    });
  });

  test("without TLS the server turns it away", async () => {
    const { exitCode } = await mariadb.run(["--user=root", "--skip-ssl"]);
    expect(exitCode).toBe(10);
  });
});

describe("S3 by TLS", () => {
  test("works with the authority's certificate in RCLONE_CA_CERT", async () => {
    const variables = { RCLONE_CA_CERT: "/run/ca.crt" };
    expect(await toS3.run([], variables, authority("right"))).toMatchObject(good);
    expect(await toS3.run(["verify", "--deep"], variables, authority("right"))).toMatchObject(good);
  });

  test.for([
    ["without it", undefined],
    ["with another authority's", "/run/ca.crt"],
  ] as const)("%s: 20, and what is wrong", async ([, RCLONE_CA_CERT]) => {
    const outcome = await toS3.run([], { RCLONE_CA_CERT, RCLONE_RETRIES: "1" }, authority("wrong"));
    expect(outcome).toMatchObject({
      exitCode: 20,
      message: expect.stringMatching(
        /certificate signed by unknown authority.*\n.*RCLONE_CA_CERT/s,
      ) as string,
    });
  });
});
