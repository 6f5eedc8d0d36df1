/** SMB takes names that differ in case for one: no database's backup may be stored over another's. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";
import { rcdump, type Variables } from "../fixtures/cli.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { startSmb } from "../fixtures/smb.ts";

import type { FolderServer } from "../fixtures/store-server.ts";

let server: PostgresServer;
let smb: FolderServer;

beforeAll(async () => {
  [server, smb] = await Promise.all([startPostgres(), startSmb()]);
  for (const name of ["App", "app"]) await server.createDatabase(name);
});
afterAll(() => Promise.all([server.stop(), smb.stop()]));

function settings(prefix: string): Variables {
  return {
    ...smb.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "*,!postgres",
    BACKUP_FILE_NAME: "${DB}",
    UPLOAD_PREFIX: `backups/${prefix}`,
  };
}

const one = "are one name to this store, which takes no notice of the case of letters";

test.for([[], ["check"]])("two of one run are refused before anything is dumped: %j", async (args) => {
  const { exitCode, message } = await rcdump(settings("together"), args);
  expect(exitCode).toBe(2);
  expect(message).toMatch(new RegExp(`app\\.sql\\.gz and App\\.sql\\.gz ${one}\n {2}hint: .*UPLOAD_PREFIX`));
  expect(existsSync(join(smb.root, "together"))).toBe(false);
});

test("so is one that would replace another's, made by an earlier run", async () => {
  const variables = settings("apart");
  expect((await rcdump({ ...variables, BACKUP_DATABASES: "App" })).exitCode).toBe(0);
  const before = readFileSync(join(smb.root, "apart/App.sql.gz"));
  const { exitCode, message } = await rcdump({ ...variables, BACKUP_DATABASES: "app" });
  expect([exitCode, message]).toEqual([2, expect.stringContaining(`app.sql.gz and App.sql.gz ${one}`)]);
  expect(readFileSync(join(smb.root, "apart/App.sql.gz")).equals(before)).toBe(true);
  // Its own it may replace.
  expect((await rcdump({ ...variables, BACKUP_DATABASES: "App" })).exitCode).toBe(0);
  expect((await rcdump({ ...variables, BACKUP_DATABASES: "App" }, ["verify"])).exitCode).toBe(0);
});
