import { execa } from "execa";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { type Peak, watchMemory } from "../fixtures/memory.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { program } from "../fixtures/program.ts";
import { startS3, type S3Server } from "../fixtures/s3.ts";

const folder = temporaryFolder("large");
const identity = join(folder, "identity");
const minutes = 60_000;
let recipient: string;

beforeAll(async () => {
  await execa("age-keygen", ["-o", identity]);
  recipient = (await execa("age-keygen", ["-y", identity])).stdout;
});

/** Runs rcdump, by default a backup, and returns how much memory it and its children had at the most. */
async function run(env: Record<string, string>, args: readonly string[] = []): Promise<Peak> {
  const keys = { ENCRYPT_RECIPIENTS: recipient, DECRYPT_IDENTITY_FILE: identity };
  const child = execa("node", [program, ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...keys, ...env },
    extendEnv: false,
    stdin: "ignore",
  });
  const peak = watchMemory(child.pid ?? 0);
  await child;
  return peak();
}

async function shell(script: string, env: Record<string, string>): Promise<string> {
  return (await execa("bash", ["-c", `set -euo pipefail\n${script}`], { env })).stdout;
}

/** rcdump's only object in a folder. */
function onlyObject(store: string): string {
  const [object, ...others] = readdirSync(store).filter((name) => !name.endsWith(".manifest.json"));
  expect(others).toEqual([]);
  return join(store, object ?? "");
}

/** What a script writes, by its length and its digest. (What has bytes that are no text grep wants -a for, or it ends there.) */
async function digestOf(script: string, env: Record<string, string>): Promise<Contents> {
  const child = execa("bash", ["-c", `set -euo pipefail\n${script}`], { env, buffer: false });
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of child.iterable({ binary: true })) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  await child;
  return { bytes, sha256: hash.digest("hex") };
}

interface Contents {
  readonly bytes: number;
  readonly sha256: string;
}

/** How much more memory ten times the data may take: a short run has not got to what a longer one leaves lying about at times. */
const growth = 1.5;

describe("PostgreSQL", () => {
  let server: PostgresServer;
  let s3: S3Server;
  /** Of the database `whole`. */
  let original: Contents;

  /** Everything in a database. */
  const contentsOf = (database: string): Promise<Contents> =>
    digestOf(`pg_dump "${database}" | grep -vE '^(--|.(un)?restrict )'`, server.env);

  beforeAll(async () => {
    [server, s3] = await Promise.all([startPostgres(), startS3()]);
    await s3.createBucket("backups");
    for (const [name, rows] of [
      ["tenth", 270_000],
      ["whole", 2_700_000],
    ] as const) {
      await server.createDatabase(name);
      await server.psql(name, mixedData(rows));
    }
    original = await contentsOf("whole");
  }, 3 * minutes);
  afterAll(() => Promise.all([server.stop(), s3.stop()]));

  test(
    "a dump of 800 MB comes back by rage, gunzip and psql alone, equal to the original",
    async () => {
      const store = join(folder, "postgres");
      await run({
        ...server.env,
        BACKUP_ENGINE: "postgres",
        BACKUP_DATABASES: "whole",
        REMOTE_NAME: store,
        RCLONE_CONFIG: "/dev/null",
      });
      await server.createDatabase("restored");
      await shell(
        `rage -d -i ${identity} ${onlyObject(store)} | gunzip | psql -X -q -v ON_ERROR_STOP=1 -d restored`,
        server.env,
      );
      expect(await contentsOf("restored")).toEqual(original);
      expect(original.bytes).toBeGreaterThan(800_000_000);
    },
    5 * minutes,
  );

  test(
    "a dump of 800 MB takes no more memory than one of 80 MB, and less than 300 MB in all",
    async () => {
      const to = async (database: string, target: Record<string, string>): Promise<number> =>
        (await run({ ...server.env, BACKUP_ENGINE: "postgres", BACKUP_DATABASES: database, ...target }))
          .bytes;
      const targets = {
        local: { REMOTE_NAME: join(folder, "memory"), RCLONE_CONFIG: "/dev/null" },
        s3: { ...s3.env, REMOTE_NAME: "store", UPLOAD_PREFIX: "backups" },
      };
      for (const target of Object.values(targets)) {
        const [tenth, whole] = [await to("tenth", target), await to("whole", target)];
        expect(whole).toBeLessThan(300_000_000);
        expect(whole / tenth).toBeLessThan(growth);
      }
    },
    5 * minutes,
  );

  test(
    "nor does bringing it back, which is exact",
    async () => {
      const store = { REMOTE_NAME: join(folder, "memory"), RCLONE_CONFIG: "/dev/null" };
      const env = { ...server.env, BACKUP_ENGINE: "postgres", ...store };
      const back = async (database: string): Promise<number> => {
        const args = ["restore", "--database", database, "--to", `${database} again`, "--create", "--yes"];
        return (await run(env, args)).bytes;
      };
      const [tenth, whole] = [await back("tenth"), await back("whole")];
      expect(whole).toBeLessThan(300_000_000);
      expect(whole / tenth).toBeLessThan(growth);
      expect(await contentsOf("whole again")).toEqual(original);
    },
    5 * minutes,
  );
});

describe("MariaDB", () => {
  let server: MariadbServer;

  beforeAll(async () => {
    server = await startMariadb();
    await server.query("", "CREATE DATABASE whole; CREATE DATABASE restored");
    await server.query(
      "whole",
      `CREATE TABLE mixed (id int PRIMARY KEY, a varchar(200), j json, n decimal(20,4), t datetime(3), b varbinary(64)); ${mixedRows}`,
    );
  }, 3 * minutes);
  afterAll(() => server.stop());

  test(
    "a dump of 300 MB comes back by rage, gunzip and mariadb alone, equal to the original",
    async () => {
      const store = join(folder, "mariadb");
      await run(
        {
          ...server.env,
          BACKUP_ENGINE: "mariadb",
          BACKUP_DATABASES: "whole",
          REMOTE_NAME: store,
          RCLONE_CONFIG: "/dev/null",
        },
        server.args,
      );
      const connection = [...server.args, `--host=${server.env.MYSQL_HOST}`].join(" ");
      await shell(
        `rage -d -i ${identity} ${onlyObject(store)} | gunzip | mariadb ${connection} restored`,
        server.env,
      );
      const contentsOf = (database: string): Promise<Contents> =>
        digestOf(
          `mariadb-dump ${connection} --routines --events --triggers ${database} | grep -av '^--'`,
          server.env,
        );
      const original = await contentsOf("whole");
      expect(await contentsOf("restored")).toEqual(original);
      expect(original.bytes).toBeGreaterThan(300_000_000);
    },
    5 * minutes,
  );
});

/** Some 330 bytes of dump a row. */
function mixedData(rows: number): string {
  return `
    CREATE TABLE mixed (id bigint PRIMARY KEY, a text, j jsonb, n numeric, t timestamptz, u uuid, b bytea);
    INSERT INTO mixed SELECT i, repeat(md5(i::text), 2) || ' lorem ipsum ' || i,
      jsonb_build_object('k', i, 's', md5((i * 7)::text), 'a', jsonb_build_array(i, i + 1)), i * 1.37,
      '2026-01-01'::timestamptz + i * interval '1 s', md5(i::text)::uuid, decode(md5(i::text) || md5((i + 1)::text), 'hex')
    FROM generate_series(1, ${rows}) i;
    CREATE VIEW few AS SELECT id, a FROM mixed WHERE id < 100;
    CREATE FUNCTION next(int) RETURNS int LANGUAGE sql AS 'SELECT $1 + 1';`;
}

const mixedRows = `
  INSERT INTO mixed SELECT seq, CONCAT(REPEAT(MD5(seq), 2), ' lorem ipsum ', seq), JSON_OBJECT('k', seq, 's', MD5(seq * 7)),
    seq * 1.37, '2026-01-01' + INTERVAL seq SECOND, UNHEX(CONCAT(MD5(seq), MD5(seq + 1))) FROM seq_1_to_1300000;
  CREATE VIEW few AS SELECT id, a FROM mixed WHERE id < 100;
  CREATE PROCEDURE count_mixed() SELECT COUNT(*) FROM mixed;`;
