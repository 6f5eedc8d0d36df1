import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { version } from "../../src/version.ts";
import { jobsOf, manifestFolder, parseManifest } from "../unit/examples/manifests.ts";
import { fill } from "./examples/fill.ts";
import { podsOf } from "./examples/pod.ts";
import { startPodman, type PlayedContainer, type Podman } from "./examples/podman.ts";
import { startExampleSftp, startExampleWebdav, type ExampleStore } from "./examples/stores.ts";
import { createCertificates, type Certificates } from "./fixtures/certificates.ts";
import { good } from "./fixtures/job.ts";
import { createKeys, type Keys } from "./fixtures/keys.ts";
import { startMariadb, startPostgres, type PostgresContainer } from "./fixtures/servers.ts";
import { createSite, files, type Site } from "./fixtures/site.ts";
import { startS3, type Store } from "./fixtures/stores.ts";

/** The examples for Kubernetes, run by podman, with servers and stores under the names that they have there. */
let site: Site;
let podman: Podman;
let keys: Keys;
let certificates: Certificates;
let postgres: PostgresContainer;
let s3: Store;
let s3Tls: Store;
let sftp: ExampleStore;
let webdav: ExampleStore;

/** Of the account `backup`. */
const password = "password-of-the-account";

beforeAll(async () => {
  site = await createSite();
  certificates = await createCertificates(site, ["minio-tls"]);
  const certificate = `${certificates.folder}/minio-tls`;
  [podman, keys, postgres, , s3, s3Tls, sftp, webdav] = await Promise.all([
    startPodman(site, [`rcdump-postgres:${version}`, `rcdump-mariadb:${version}`]),
    createKeys(site),
    fillPostgres(),
    fillMariadb(),
    startS3(site, { host: "minio" }),
    startS3(site, { host: "minio-tls", certificate }),
    startExampleSftp(site),
    startExampleWebdav(site),
  ]);
});
afterAll(() => site?.remove());

/** Each of the four shares of indexed-shards.yaml has a database among these. */
async function fillPostgres(): Promise<PostgresContainer> {
  const server = await startPostgres(site);
  for (const database of ["chat", "crm", "scratch_one", "shop"]) {
    await server.createDatabase(database);
    await server.psql(database, "CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id");
  }
  // As examples/README.md has it.
  await server.psql("shop", `CREATE ROLE backup LOGIN PASSWORD '${password}' IN ROLE pg_read_all_data`);
  return server;
}

async function fillMariadb(): Promise<void> {
  const server = await startMariadb(site);
  await server.createDatabase("shop");
  await server.query("shop", "CREATE TABLE orders AS SELECT seq AS id FROM seq_1_to_1000");
  const rights = "SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, SHOW CREATE ROUTINE";
  await server.query("", `GRANT ${rights} ON *.* TO backup@'%' IDENTIFIED BY '${password}'`);
}

interface Changes {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Plays the jobs of a file one after the other, each with all of its pods. Resolves to their containers, in order. */
async function play(
  file: string,
  { secrets: ofTheStore = {}, variables = {} }: Changes = {},
): Promise<PlayedContainer[]> {
  const text = readFileSync(join(manifestFolder, file), "utf8");
  const secrets = {
    password,
    "secret-access-key": "a-secret-key-of-s3",
    identity: `${keys.secret}\n`,
    ...ofTheStore,
  };
  const recipients = text.includes("ENCRYPT_RECIPIENTS") ? { ENCRYPT_RECIPIENTS: keys.recipient } : {};
  const manifest = fill(parseManifest(file, text), {
    secrets: { ...secrets, "access-key-id": "rcdump" },
    variables: { ...recipients, ...variables },
  });
  const played: PlayedContainer[] = [];
  for (const pod of jobsOf(manifest).flatMap(podsOf))
    played.push(...(await podman.play(pod, Object.values(secrets))));
  return played;
}

/** A backup of a database in a folder, and its manifest. */
function backup(folder: string, database = "shop"): RegExp[] {
  const object = String.raw`^${folder}/${database}-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.sql\.gz\.age`;
  return [new RegExp(`${object}$`), new RegExp(String.raw`${object}\.manifest\.json$`)];
}

/** Expects those objects of a folder, and no others. */
function expectObjects(listed: readonly string[], folder: string, objects: readonly RegExp[]): void {
  const there = listed.filter((path) => path.startsWith(`${folder}/`));
  expect(there).toEqual(objects.map((object) => expect.stringMatching(object) as string));
}

const rcdump = { name: "rcdump", ...good };

test("s3-minio.yaml: a backup by TLS, and the container is as confined as it says", async () => {
  const authority = await site.script(`cat ${files}/${certificates.right}`);
  const played = await play("s3-minio.yaml", {
    secrets: { "ca.crt": authority },
    variables: { RCLONE_CONFIG_STORE_ENDPOINT: "https://minio-tls:9000" },
  });
  expect(played).toMatchObject([rcdump]);
  expectObjects(await s3Tls.list(), "shop", backup("shop"));
  expect(played[0]?.confinement).toEqual({
    user: "1001:1001",
    readOnly: true,
    noNewPrivileges: true,
    memory: 256 * 1024 ** 2,
    capabilities: [],
  });
});

test("sftp.yaml: by key, to a known host", async () => {
  expect(await play("sftp.yaml", { secrets: sftp.secrets })).toMatchObject([rcdump]);
  expectObjects(await sftp.list(), "shop", backup("shop"));
});

test("webdav.yaml", async () => {
  expect(await play("webdav.yaml", { secrets: webdav.secrets })).toMatchObject([rcdump]);
  expectObjects(await webdav.list(), "shop", backup("shop"));
});

test("volume.yaml: what lies in the claim is the backup alone", async () => {
  expect(await play("volume.yaml")).toMatchObject([rcdump]);
  const stored = await podman.filesOf("rcdump-backups");
  expectObjects(stored, "shop", backup("shop"));
  expect(stored).toHaveLength(2);
});

test("mariadb.yaml", async () => {
  expect(await play("mariadb.yaml")).toMatchObject([rcdump]);
  expectObjects(await s3.list(), "mariadb", backup("mariadb"));
});

test("every-database.yaml: all but what is left out, and the roles", async () => {
  const played = await play("every-database.yaml", { secrets: { password: postgres.password } });
  expect(played).toMatchObject([rcdump]);
  const names = ["chat", "crm", "pg_globals", "postgres", "shop"];
  expectObjects(
    await s3.list(),
    "all",
    names.flatMap((name) => backup("all", name)),
  );
});

test("indexed-shards.yaml: every database by one pod or another", async () => {
  const played = await play("indexed-shards.yaml");
  expect(played).toMatchObject([rcdump, rcdump, rcdump, rcdump]);
  for (const { stderr } of played) expect(stderr).toContain("backed up");
  const names = ["chat", "crm", "postgres", "scratch_one", "shop"];
  expectObjects(
    await s3.list(),
    "many",
    names.flatMap((name) => backup("many", name)),
  );
});

describe("what follows a backup", () => {
  beforeAll(async () => {
    expect(await play("two-destinations.yaml", { secrets: sftp.secrets })).toMatchObject([rcdump, rcdump]);
  });

  test("two-destinations.yaml: it is in both", async () => {
    expectObjects(await s3.list(), "shop", backup("shop"));
    expectObjects(await sftp.list(), "shop", backup("shop"));
  });

  test("verify.yaml: it is read to its end, and restored and compared", async () => {
    const played = await play("verify.yaml", { secrets: { password: postgres.password } });
    expect(played).toMatchObject([
      { ...rcdump, stdout: expect.stringMatching(/shop of .*: intact, and reads to its end/) as string },
      { ...rcdump, stdout: expect.stringMatching(/shop of .*: restored and compared, equal/) as string },
    ]);
  });

  test("freshness.yaml: it is fresh, and one that is missing is not", async () => {
    expect(await play("freshness.yaml")).toMatchObject([rcdump]);
    const missing = await play("freshness.yaml", { variables: { BACKUP_DATABASES: "crm" } });
    expect(missing).toMatchObject([{ name: "rcdump", exitCode: 50 }]);
  });

  test("two-destinations-union.yaml: the same backup in both", async () => {
    const change = { secrets: sftp.secrets, variables: { RCLONE_CONFIG_STORE_UPSTREAMS: union } };
    expect(await play("two-destinations-union.yaml", change)).toMatchObject([rcdump]);
    const stored = (listed: readonly string[]): string[] =>
      listed.filter((path) => path.startsWith("union/"));
    expectObjects(await s3.list(), "union", backup("union"));
    expect(stored(await sftp.list())).toEqual(stored(await s3.list()));
  });
  /** A folder of its own, so that it does not prune what the other examples stored. */
  const union = "first:backups/union second:backups/union";

  describe("restore.yaml", () => {
    const rows = "SELECT count(*), sum(id) FROM orders";

    beforeAll(async () => {
      // It has no cluster to talk to, and prints what it is asked to do.
      await podman.build(
        "registry.k8s.io/kubectl:v1.34.1",
        `FROM rcdump-postgres:${version}\nENTRYPOINT ["node", "-p", "process.argv.slice(1).join(' ')", "--"]`,
      );
      await postgres.psql("shop", "DELETE FROM orders WHERE id > 10");
    });

    test("where the key does not fit the application stays down, and its database is as it was", async () => {
      const another = await createKeys(site, "keys/another");
      const played = await play("restore.yaml", {
        secrets: { password: postgres.password, identity: `${another.secret}\n` },
      });
      expect(played).toMatchObject([
        { name: "scale-down", exitCode: 0, stdout: "scale deployment/shop --replicas=0 --timeout=5m\n" },
        { name: "rcdump", exitCode: 31 },
      ]);
      expect(await postgres.psql("shop", rows)).toBe("10|55");
    });

    test("the application is stopped, its database exchanged, and it is started again", async () => {
      const played = await play("restore.yaml", { secrets: { password: postgres.password } });
      expect(played).toMatchObject([
        { name: "scale-down", exitCode: 0, stdout: "scale deployment/shop --replicas=0 --timeout=5m\n" },
        rcdump,
        { name: "scale-up", exitCode: 0, stdout: "scale deployment/shop --replicas=2\n" },
      ]);
      expect(await postgres.psql("shop", rows)).toBe("1000|500500");
      const earlier = await postgres.psql("shop", "SELECT datname FROM pg_database WHERE datname ~ '^shop_'");
      expect(await postgres.psql(earlier, rows)).toBe("10|55");
    });
  });
});
