/** Databases with everything in them come back exactly: rows, definitions, owners, comments, privileges, states. */
import { execa } from "execa";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { createRichMariadb, describeRichMariadb } from "../fixtures/rich-mariadb.ts";
import { createRichPostgres, describeRichPostgres } from "../fixtures/rich-postgres.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";
import { type SftpServer, startSftp } from "../fixtures/sftp.ts";
import { localStore } from "../fixtures/store.ts";

const identity = join(temporaryFolder("round-trip"), "identity");
let recipient: string;

beforeAll(async () => {
  await execa("age-keygen", ["-o", identity]);
  recipient = (await execa("age-keygen", ["-y", identity])).stdout;
});

/** The stores that rcdump itself brings backups back from. */
let s3: S3Server;
let sftp: SftpServer;

beforeAll(async () => {
  [s3, sftp] = await Promise.all([startS3(), startSftp()]);
  await s3.createBucket("backups");
});
afterAll(() => Promise.all([s3.stop(), sftp.stop()]));

const stores: Record<string, (folder: string) => Variables> = {
  s3: (folder) => ({ ...s3.env, UPLOAD_PREFIX: `backups/${folder}` }),
  sftp: (folder) => ({ ...sftp.env, UPLOAD_PREFIX: folder }),
  local: () => localStore().env,
};

/** What rcdump does with one store and one server. */
interface Owner {
  backUp(args?: readonly string[]): Promise<void>;
  /** Runs a command, which must go well; resolves to what it wrote to stdout. */
  run(command: string, ...options: string[]): Promise<string>;
}

function ownerOf(engine: string, variables: Variables, serverArgs: readonly string[]): Owner {
  const settings = { BACKUP_ENGINE: engine, DECRYPT_IDENTITY_FILE: identity, ...variables };
  const succeed = async (words: readonly string[], more: Variables = {}): Promise<string> => {
    const { exitCode, message, stdout } = await rcdump({ ...settings, ...more }, words);
    expect({ exitCode, message }).toEqual({ exitCode: 0, message: "" });
    return stdout;
  };
  return {
    backUp: async (args = []) => {
      const what = { BACKUP_DATABASES: "rich", ENCRYPT_RECIPIENTS: recipient };
      await succeed(["backup", "--", ...serverArgs, ...args], what);
    },
    run: (command, ...options) => succeed([command, ...options, "--", ...serverArgs]),
  };
}

/** A way of making a backup and of restoring it. */
interface Way {
  readonly name: string;
  /** For the dump program, beside those that the server needs. */
  readonly args: readonly string[];
  /** Restores a backup, an encrypted file, into a database that is there and empty. */
  readonly restore: (file: string, database: string) => Promise<void>;
}

/** Backs up the database `rich`, encrypted; resolves to the file. */
async function backUp(engine: string, env: Record<string, string>, args: readonly string[]): Promise<string> {
  const store = localStore();
  const settings = { BACKUP_ENGINE: engine, BACKUP_DATABASES: "rich", ENCRYPT_RECIPIENTS: recipient };
  const outcome = await rcdump({ ...store.env, ...env, ...settings }, args);
  expect(outcome).toMatchObject({ exitCode: 0, message: "", stdout: "" });
  return join(store.folder, store.onlyObject());
}

/** Pipes what is in a backup into a command, as its owner does without this program. */
async function pipe(file: string, command: string, env: Record<string, string>): Promise<void> {
  const script = `age -d -i "$IDENTITY" < "$FILE" | if [[ $FILE = *.gz.age ]]; then gunzip; else cat; fi | ${command}`;
  await execa("bash", ["-o", "pipefail", "-c", script], { env: { ...env, IDENTITY: identity, FILE: file } });
}

describe("PostgreSQL", () => {
  let server: PostgresServer;
  let original: string;

  beforeAll(async () => {
    server = await startPostgres();
    await createRichPostgres(server, "rich");
    original = await describeRichPostgres(server, "rich");
  });
  afterAll(() => server.stop());

  const ways: Way[] = [
    {
      name: "age, gunzip and psql",
      args: [],
      restore: (file, database) =>
        pipe(file, "psql -X -q -v ON_ERROR_STOP=1", { ...server.env, PGDATABASE: database }),
    },
    {
      name: "age and pg_restore",
      args: ["--format=custom"],
      restore: (file, database) =>
        pipe(file, `pg_restore --exit-on-error --dbname="$PGDATABASE"`, {
          ...server.env,
          PGDATABASE: database,
        }),
    },
  ];

  test.for(ways)("a rich database comes back exactly by $name", async ({ name, args, restore }) => {
    const file = await backUp("postgres", server.env, args);
    await server.createDatabase(name);
    await restore(file, name);
    expectSame(await describeRichPostgres(server, name), original);
    // Nor is the original any different for having been dumped.
    expectSame(await describeRichPostgres(server, "rich"), original);
  });

  const cells: [store: string, args: string[]][] = [
    ["s3", []],
    ["sftp", []],
    ["local", ["--format=custom"]],
    ["local", ["--format=tar"]],
  ];

  test.for(cells)("by rcdump itself, from %s, dumped with %j", async ([store, args], { task }) => {
    const owner = ownerOf("postgres", { ...server.env, ...stores[store]?.(task.id) }, []);
    await owner.backUp(args);
    expect(await owner.run("list", "--json")).toContain('"database": "rich"');
    expect(await owner.run("verify", "--restore")).toMatch(/^\u2713 .*: restored and compared, equal\n$/);

    const copy = `copy ${task.id}`;
    await owner.run("restore", "--to", copy, "--create", "--yes");
    expectSame(await describeRichPostgres(server, copy), original);

    const live = `live ${task.id}`;
    await server.createDatabase(live);
    await server.psql(live, "CREATE TABLE before AS SELECT 1 AS one");
    await owner.run("restore", "--to", live, "--swap", "--yes");
    expectSame(await describeRichPostgres(server, live), original);
    const kept = await server.psql(
      "postgres",
      `SELECT datname FROM pg_database WHERE datname ~ '^${live}_\\d{8}_\\d{6}$'`,
    );
    expect(await server.psql(kept, "SELECT one FROM before")).toBe("1");
    expect(await server.psql("postgres", "SELECT datname FROM pg_database")).not.toContain("rcdump_");
  });
});

describe("MariaDB", () => {
  let server: MariadbServer;
  let original: string;

  beforeAll(async () => {
    server = await startMariadb();
    await createRichMariadb(server, "rich");
    original = await describeRichMariadb(server, "rich");
  });
  afterAll(() => server.stop());

  const ways: Way[] = [
    {
      name: "age, gunzip and mariadb --comments --binary-mode",
      args: [],
      // Without --comments the client takes the comments out of routines, triggers and events.
      restore: (file, database) =>
        pipe(file, `mariadb --no-defaults ${server.args.join(" ")} --comments --binary-mode -- "$TARGET"`, {
          ...server.env,
          TARGET: database,
        }),
    },
  ];

  test.for(ways)("a rich database comes back exactly by $name", async ({ name, args, restore }) => {
    const file = await backUp("mariadb", server.env, [...server.args, ...args]);
    await server.createDatabase(name);
    await restore(file, name);
    expectSame(await describeRichMariadb(server, name), original);
    expectSame(await describeRichMariadb(server, "rich"), original);
  });

  test.for(["s3", "sftp"])("by rcdump itself, from %s", async (store, { task }) => {
    const owner = ownerOf("mariadb", { ...server.env, ...stores[store]?.(task.id) }, server.args);
    await owner.backUp();
    expect(await owner.run("list", "--json")).toContain('"database": "rich"');
    expect(await owner.run("verify", "--restore")).toMatch(/^\u2713 .*: restored and compared, equal\n$/);

    const copy = `copy ${task.id}`;
    await owner.run("restore", "--to", copy, "--create", "--yes");
    expectSame(await describeRichMariadb(server, copy), original);

    // Both the one that comes and the one that goes have everything in them.
    await owner.run("restore", "--to", copy, "--swap", "--yes");
    expectSame(await describeRichMariadb(server, copy), original);
    const kept = await server.query("", `SHOW DATABASES LIKE '${copy}\\_%'`);
    const isKept = `event_schema = '${kept}'`;
    expect(
      await server.query("", `SELECT DISTINCT status FROM information_schema.events WHERE ${isKept}`),
    ).not.toMatch(/^ENABLED$/m);
    await server.query(kept, "ALTER EVENT every_day ENABLE");
    expectSame(await describeRichMariadb(server, kept), original);
    expect(await server.query("", "SHOW DATABASES")).not.toContain("rcdump_");
  });
});

/** Compares line by line: of two whole texts of a megabyte a difference would be hard to find. */
function expectSame(found: string, expected: string): void {
  const [has, wanted] = [found, expected].map((text) => new Set(text.split("\n")));
  const missing = [...(wanted ?? [])].filter((line) => !has?.has(line));
  const added = [...(has ?? [])].filter((line) => !wanted?.has(line));
  expect({ missing, added }).toEqual({ missing: [], added: [] });
  expect(found).toBe(expected);
}
