/** Bad input on the command line, and what it prints about itself. Nothing here reaches a server. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { settings } from "../../src/settings.ts";
import { rcdump } from "../fixtures/cli.ts";
import { localStore } from "../fixtures/store.ts";
import { startSilent, type TcpServer } from "../fixtures/tcp.ts";
import { projectFolder } from "../setup/environment.ts";

const store = localStore();
let server: TcpServer;

beforeAll(async () => {
  server = await startSilent();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Runs with good settings and these arguments, which must be refused before anything is connected to. */
async function refusal(engine: "postgres" | "mariadb", args: readonly string[]): Promise<string> {
  const address = {
    PGHOST: "127.0.0.1",
    PGPORT: String(server.port),
    MYSQL_HOST: "127.0.0.1",
    MYSQL_TCP_PORT: String(server.port),
    // A program that takes what should have been refused for good is not waited for.
    PGCONNECT_TIMEOUT: "2",
  };
  const variables = { ...store.env, ...address, BACKUP_ENGINE: engine, BACKUP_DATABASES: "app" };
  const before = server.connections();
  const { exitCode, message, stdout } = await rcdump(variables, args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(server.connections()).toBe(before);
  expect(store.files()).toEqual([]);
  return message;
}

describe.concurrent("pg_dump's arguments", () => {
  const directory =
    "--format=directory cannot be streamed\n  hint: write --format=custom, which pg_restore reads as well, or leave it out";
  const file = "--file would send the dump elsewhere; the name is BACKUP_FILE_NAME";
  const dbname =
    "--dbname names a database; name it in BACKUP_DATABASES, and the server in PGHOST or a PGSERVICE";
  const compress =
    "--compress would compress the dump before rcdump does\n  hint: set BACKUP_COMPRESSION and BACKUP_COMPRESSION_LEVEL instead";

  test.for<[args: string, message: string]>([
    ["--format=directory", directory],
    ["-Fd", directory],
    ["-vF d", directory],
    ["--format=zip", "--format=zip is no format of pg_dump\n  hint: write plain, custom or tar"],
    ["-Z 9", compress],
    ["-Z9 -Fp", compress],
    ["--compress=9", compress],
    [
      "restore --yes -- --host=db --no-owner",
      "restore has no use for --no-owner behind --\n  hint: behind -- stand options that say how to reach the server; rcdump's own go before it",
    ],
    [
      "verify -- --schema app",
      "verify has no use for --schema app behind --\n  hint: behind -- stand options that say how to reach the server; rcdump's own go before it",
    ],
    [
      "restore --at 30m",
      '--at is "30m", and m could be minutes or months\n  hint: write min for minutes, or days, as in 60d',
    ],
    [
      "status --max-age 1d30m",
      '--max-age is "1d30m", and m could be minutes or months\n  hint: write min for minutes, or days, as in 60d',
    ],
  ])("refused: %s", async ([args, message]) => {
    expect(await refusal("postgres", args.split(" "))).toBe(message);
  });

  test("refused for MariaDB as well: restore -- --user=root --single-transaction", async () => {
    expect(await refusal("mariadb", ["restore", "--", "--user=root", "--single-transaction"])).toMatch(
      /^restore has no use for --single-transaction behind --/,
    );
  });

  test.for<[args: string, problem: string]>([
    ["--file=/tmp/dump.sql", file],
    ["-f /tmp/dump.sql", file],
    ["-Ovf/tmp/dump.sql", file],
    ["--dbname=other", dbname],
    ["-d other", dbname],
    ["-W", "--password asks for a password at a terminal; set PGPASSWORD_FILE or PGPASSFILE"],
  ])("refused: %s", async ([args, problem]) => {
    expect(await refusal("postgres", args.split(" "))).toBe(
      `arguments that pg_dump cannot be given here\n  - ${problem}`,
    );
  });

  test.for([["--fil=/tmp/dump.sql"], ["-Fc", "--fi=/tmp/dump"], ["--dbn=postgresql://h/db"]])(
    "refused though shortened, as getopt takes it: %s",
    async (args) => {
      expect(await refusal("postgres", args)).toContain("arguments that pg_dump cannot be given here");
    },
  );

  test.for(["--exclude-table", "-T", "--schema"])(
    "refused: %s without the value, for which pg_dump would take the name of the database",
    async (option) => {
      expect(await refusal("postgres", ["--verbose", option])).toContain("has no value");
    },
  );

  test("several of them are reported together", async () => {
    expect(await refusal("postgres", ["-f/tmp/x", "-dother"])).toBe(
      `arguments that pg_dump cannot be given here\n  - ${file}\n  - ${dbname}`,
    );
  });
});

describe.concurrent("mariadb-dump's arguments", () => {
  const password = "--password without a value asks for it at a terminal\n  hint: set MYSQL_PWD_FILE instead";

  test.for<[args: string, message: string]>([
    ["--password", password],
    ["-p", password],
    ["--user=root -p", password],
  ])("refused: %s", async ([args, message]) => {
    expect(await refusal("mariadb", args.split(" "))).toBe(message);
  });

  test.for<[args: string, problem: string]>([
    ["--result-file=/tmp/x", "--result-file would send the dump elsewhere; the name is BACKUP_FILE_NAME"],
    ["--result_file=/tmp/x", "--result-file would send the dump elsewhere; the name is BACKUP_FILE_NAME"],
    ["-r /tmp/x", "--result-file would send the dump elsewhere; the name is BACKUP_FILE_NAME"],
    ["--all-databases", "--all-databases dumps every database; set BACKUP_ALL=true instead"],
    ["-A", "--all-databases dumps every database; set BACKUP_ALL=true instead"],
    ["--tab=/tmp", "--tab writes files on the server; leave it out"],
    ["--print-defaults", "--print-defaults prints secrets and dumps nothing; leave it out"],
    ["--quick shop", "a word that is no option cannot be passed on; databases are named in BACKUP_DATABASES"],
  ])("refused: %s", async ([args, problem]) => {
    expect(await refusal("mariadb", args.split(" "))).toBe(
      `arguments that mariadb-dump cannot be given here\n  - ${problem}`,
    );
  });

  test.for([
    ["--compact", "--result=/tmp/x"],
    ["--compact", "--help"],
    ["--compact", "-V"],
  ])("refused, for it dumps nothing and has no closing comment that would tell: %s %s", async (args) => {
    expect(await refusal("mariadb", args)).toContain("arguments that mariadb-dump cannot be given here");
  });
});

describe.concurrent("commands", () => {
  test.for<[args: string, message: string]>([
    ["backp", "there is no command backp\n  hint: did you mean backup?"],
    [
      "shop",
      "there is no command shop\n  hint: the commands are backup, check, list, verify, restore, prune, status; databases are named in BACKUP_DATABASES",
    ],
    [
      "backup -Fc",
      "backup has no option -F\n  hint: `rcdump backup --help` lists them; options for the database's own programs go after --, as in `rcdump backup -- -F`",
    ],
    [
      "check --jsn",
      "check has no option --jsn\n  hint: did you mean --json? options for the database's own programs go after --, as in `rcdump check -- --jsn`",
    ],
    [
      "restore --yes -- --host=db --no-owner",
      "restore has no use for --no-owner behind --\n  hint: behind -- stand options that say how to reach the server; rcdump's own go before it",
    ],
    [
      "verify -- --schema app",
      "verify has no use for --schema app behind --\n  hint: behind -- stand options that say how to reach the server; rcdump's own go before it",
    ],
    [
      "restore --at 30m",
      '--at is "30m", and m could be minutes or months\n  hint: write min for minutes, or days, as in 60d',
    ],
    [
      "status --max-age 1d30m",
      '--max-age is "1d30m", and m could be minutes or months\n  hint: write min for minutes, or days, as in 60d',
    ],
  ])("refused: %s", async ([args, message]) => {
    expect(await refusal("postgres", args.split(" "))).toBe(message);
  });

  test("refused for MariaDB as well: restore -- --user=root --single-transaction", async () => {
    expect(await refusal("mariadb", ["restore", "--", "--user=root", "--single-transaction"])).toMatch(
      /^restore has no use for --single-transaction behind --/,
    );
  });

  test.for(["--help", "help"])("%s names every setting, and nothing else happens", async (word) => {
    const { exitCode, stdout, stderr } = await rcdump({}, [word]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const names = Object.keys(settings).filter((name) => name !== "BACKUP_ENGINE");
    expect(names.length).toBeGreaterThan(10);
    for (const name of [...names, "REMOTE_NAME", "UPLOAD_PREFIX", "ENCRYPT_RECIPIENTS"])
      expect(stdout).toContain(name);
  });

  test("--version prints name and version", async () => {
    const { version } = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8")) as {
      version: string;
    };
    const { exitCode, stdout, stderr } = await rcdump({}, ["--version"]);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: `rcdump ${version}\n`, stderr: "" });
  });
});
