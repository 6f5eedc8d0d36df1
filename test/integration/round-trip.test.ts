/** Databases with everything in them come back exactly: rows, definitions, owners, comments, privileges, states. */
import { execa } from "execa";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type MariadbServer, startMariadb } from "../fixtures/mariadb.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { createRichMariadb, describeRichMariadb } from "../fixtures/rich-mariadb.ts";
import { createRichPostgres, describeRichPostgres } from "../fixtures/rich-postgres.ts";
import { localStore } from "../fixtures/store.ts";

const identity = join(temporaryFolder("round-trip"), "identity");
let recipient: string;

beforeAll(async () => {
  await execa("age-keygen", ["-o", identity]);
  recipient = (await execa("age-keygen", ["-y", identity])).stdout;
});

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
      name: "age, gunzip and mariadb --comments",
      args: [],
      // Without --comments the client takes the comments out of routines, triggers and events.
      restore: (file, database) =>
        pipe(file, `mariadb --no-defaults ${server.args.join(" ")} --comments -- "$TARGET"`, {
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
});

/** Compares line by line: of two whole texts of a megabyte a difference would be hard to find. */
function expectSame(found: string, expected: string): void {
  const [has, wanted] = [found, expected].map((text) => new Set(text.split("\n")));
  const missing = [...(wanted ?? [])].filter((line) => !has?.has(line));
  const added = [...(has ?? [])].filter((line) => !wanted?.has(line));
  expect({ missing, added }).toEqual({ missing: [], added: [] });
  expect(found).toBe(expected);
}
