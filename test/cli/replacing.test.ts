/** A name that is taken: replaced by default, refused if so set, and the earlier backup is whole until then. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { pathWith } from "../fixtures/programs.ts";
import { plainSql } from "../fixtures/restore.ts";
import { localStore } from "../fixtures/store.ts";

const store = localStore();
let server: PostgresServer;
let settings: Variables;
let earlier: Record<string, string>;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase("app");
  await server.psql("app", "CREATE TABLE state AS SELECT 'the-earlier' AS which");
  settings = {
    ...store.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "nightly",
  };
  expect((await rcdump(settings)).exitCode).toBe(0);
  earlier = store.snapshot();
  await server.psql("app", "UPDATE state SET which = 'the-later'");
});
afterAll(() => server.stop());

describe("the earlier backup is untouched", () => {
  test("BACKUP_OVERWRITE=false refuses before anything is dumped", async () => {
    const note = join(temporaryFolder("note"), "dumped");
    const path = pathWith({ pg_dump: `[ "$1" = --version ] || touch ${note}\nexec $REAL "$@"` });
    const { exitCode, message } = await rcdump({ ...settings, PATH: path, BACKUP_OVERWRITE: "false" });
    expect({ exitCode, message }).toEqual({
      exitCode: 21,
      message:
        "nightly.sql.gz exists already, and BACKUP_OVERWRITE=false\n  hint: put the time into BACKUP_FILE_NAME, for instance ${DB}-%Y-%m-%dT%H-%M-%SZ, or let it be replaced",
    });
    expect(existsSync(note)).toBe(false);
    expect(store.snapshot()).toEqual(earlier);
    expect(await rcdump({ ...settings, BACKUP_OVERWRITE: "false" }, ["check"])).toMatchObject({
      exitCode: 21,
      message: expect.stringMatching(/^remote: nightly\.sql\.gz exists already, and BACKUP_OVERWRITE=false/),
    });
  });

  test.for<[title: string, pg_dump: string]>([
    ["if the dump fails at once", "exit 1"],
    ["if the dump fails in the middle", '$REAL "$@" | head -c 800; exit 1'],
    ["if the dump ends early and claims success", '$REAL "$@" | head -c 800; exit 0'],
  ])("%s", async ([, script]) => {
    const path = pathWith({ pg_dump: `[ "$1" = --version ] && exec $REAL "$@"\n${script}` });
    expect((await rcdump({ ...settings, PATH: path })).exitCode).toBe(11);
    expect(store.snapshot()).toEqual(earlier);
  });

  test("if the upload fails in the middle", async () => {
    const path = pathWith({
      rclone: '[ "$1" = rcat ] || exec $REAL "$@"\nhead -c 10 | $REAL "$@"; cat >/dev/null; exit 1',
    });
    const { exitCode } = await rcdump({ ...settings, PATH: path });
    expect(exitCode).toBe(21);
    expect(store.snapshot()).toEqual(earlier);
  });

  test("if the store keeps less than it was sent", async () => {
    const path = pathWith({
      rclone: '[ "$1" = rcat ] || exec $REAL "$@"\nhead -c 100 | $REAL "$@"; cat >/dev/null',
    });
    const { exitCode, message } = await rcdump({ ...settings, PATH: path });
    expect(exitCode).toBe(21);
    expect(message).toMatch(
      /^nightly\.sql\.gz\.\S+\.partial is 100 bytes long after \d+ bytes were uploaded\n {2}hint: the store/,
    );
    expect(store.snapshot()).toEqual(earlier);
  });

  test("if the new one cannot be given its name: even its manifest comes back", async () => {
    const path = pathWith({
      rclone:
        'case "$*" in moveto*nightly.sql.gz) echo "ERROR : no, not today" >&2; exit 1;; esac; exec $REAL "$@"',
    });
    const { exitCode, message } = await rcdump({ ...settings, PATH: path });
    expect({ exitCode, message }).toEqual({ exitCode: 21, message: "upload to store failed: no, not today" });
    const contents = (files: Record<string, string>): string[][] =>
      Object.entries(files).map(([path, text]) => [path, text.split(" ")[1] ?? ""]);
    expect(contents(store.snapshot())).toEqual(contents(earlier));
  });
});

test("by default a name that is taken is replaced, object and manifest", async () => {
  const { exitCode } = await rcdump(settings);
  expect(exitCode).toBe(0);
  expect(store.files()).toEqual(["nightly.sql.gz", "nightly.sql.gz.manifest.json"]);
  expect(await plainSql(join(store.folder, "nightly.sql.gz"))).toContain("the-later");
  expect(store.manifest("nightly.sql.gz").stored.bytes).toBe(store.read("nightly.sql.gz").length);
});

test("BACKUP_OVERWRITE=false stores where the name is free", async () => {
  const { exitCode } = await rcdump({ ...settings, BACKUP_FILE_NAME: "free", BACKUP_OVERWRITE: "false" });
  expect(exitCode).toBe(0);
  expect(store.files()).toContain("free.sql.gz.manifest.json");
});
