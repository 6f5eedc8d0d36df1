import { afterAll, beforeAll, expect, test } from "vitest";
import { createCertificates } from "./fixtures/certificates.ts";
import { createJob, good, type Job } from "./fixtures/job.ts";
import { createKeys } from "./fixtures/keys.ts";
import { images } from "./fixtures/run.ts";
import { startMysql, type MariadbContainer } from "./fixtures/servers.ts";
import { createSite, type Site } from "./fixtures/site.ts";
import { volumeStore } from "./fixtures/stores.ts";

let site: Site;
let server: MariadbContainer;
let job: Job;
let computed: Job;

beforeAll(async () => {
  site = await createSite();
  const [keys, store, { folder }] = await Promise.all([
    createKeys(site),
    volumeStore(site),
    createCertificates(site, ["mysql"]),
  ]);
  server = await startMysql(site, {
    settings: {
      "ssl-cert": `${folder}/mysql.crt`,
      "ssl-key": `${folder}/mysql.key`,
      "caching-sha2-password-auto-generate-rsa-keys": "ON",
    },
  });
  await server.createDatabase("app");
  await server.query("app", rows);
  await server.query(
    "",
    "CREATE DATABASE computed; CREATE TABLE computed.t (a int, b int AS (a * 2) STORED); INSERT INTO computed.t (a) VALUES (1)",
  );
  const [common, reach] = [{ site, image: images.mariadb, store, keys }, server.env];
  job = createJob({ ...common, variables: { ...reach, BACKUP_DATABASES: "app" } });
  computed = createJob({ ...common, variables: { ...reach, BACKUP_DATABASES: "computed" } });
});
afterAll(() => site?.remove());

const rows = `
  CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, text varchar(50) CHARACTER SET utf8mb4, j json, b varbinary(50), at timestamp(6) NULL);
  INSERT INTO t (text, j, b, at) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900)
    SELECT CONCAT('Zoë 陈 😀 \\\\ '' ', i), JSON_OBJECT('k', i), UNHEX(SHA2(i, 256)), '2026-01-01' + INTERVAL i HOUR FROM n;
  CREATE VIEW few AS SELECT * FROM t WHERE id < 10;
  CREATE TRIGGER changed BEFORE UPDATE ON t FOR EACH ROW SET NEW.at = NOW();
  CREATE PROCEDURE count_all() SELECT COUNT(*) FROM t;`;

const digest =
  "SET group_concat_max_len = 1000000; SELECT COUNT(*), SHA2(GROUP_CONCAT(CONCAT_WS(',', id, text, j, HEX(b), at) ORDER BY id), 256) FROM t";
const authority = { mounts: [{ from: "tls/right.crt", to: "/run/ca.crt" }] };

/** The server forgets who has logged in: it asks for the whole of the proof again, not only for its digest. */
async function forget(): Promise<void> {
  await server.query("", "FLUSH PRIVILEGES");
}

test("caching_sha2_password over TLS", async () => {
  await forget();
  const plugin = await server.query("", "SELECT plugin FROM mysql.user WHERE user = 'root' AND host = '%'");
  expect(plugin).toBe("caching_sha2_password");
  expect(await job.run(["--user=root", "--ssl-ca=/run/ca.crt"], {}, authority)).toMatchObject(good);
});

test("caching_sha2_password by the server's own RSA key, without TLS", async () => {
  await forget();
  expect(await job.run(["--user=root", "--skip-ssl"])).toMatchObject(good);
});

test("a certificate of no authority that is known: 10, and what to do", async () => {
  expect(await job.run(["--user=root"])).toMatchObject({
    exitCode: 10,
    message: expect.stringMatching(/TLS.*(certificate|issuer).*\n {2}hint: .*--ssl-ca/) as string,
  });
});

test("a backup comes back as it was", async () => {
  const args = ["--user=root", "--ssl-ca=/run/ca.crt"];
  expect(await job.run(args, {}, authority)).toMatchObject(good);
  expect(await job.run(["verify", "--deep"])).toMatchObject(good);
  const restore = ["restore", "--to", "restored", "--create", "--yes", "--", ...args];
  expect(await job.run(restore, {}, authority)).toMatchObject(good);
  expect(await server.query("restored", digest)).toBe(await server.query("app", digest));
  const objects = `SELECT 'view', table_name FROM information_schema.views WHERE table_schema = DATABASE()
    UNION SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()
    UNION SELECT 'routine', routine_name FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1`;
  expect(await server.query("restored", objects)).toBe("routine\tcount_all\ntrigger\tchanged\nview\tfew");
});

test("generated columns, whose values MySQL does not take back, are warned of", async () => {
  const args = ["--user=root", "--ssl-ca=/run/ca.crt"];
  const { exitCode, log } = await computed.run(args, {}, authority);
  expect(exitCode).toBe(0);
  expect(log.filter(({ level }) => level === "warn").map(({ msg }) => msg)).toEqual([
    "computed: generated columns in computed.t: MySQL refuses the rows of a dump of these (error 3105), which MariaDB takes",
  ]);
  const check = await computed.run(["check", "--", ...args], {}, authority);
  expect(check).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("generated columns in computed.t"),
  });
  const restore = ["restore", "--database", "computed", "--to", "again", "--create", "--yes", "--", ...args];
  expect(await computed.run(restore, {}, authority)).toMatchObject({
    exitCode: 40,
    message: expect.stringContaining("3105"),
  });
});
