/** What is particular about S3 in the staged way: uploads go straight to a name that is free. */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rcdump } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { pathWith } from "../fixtures/programs.ts";
import { type S3Server, startS3 } from "../fixtures/s3.ts";

let database: PostgresServer;
let s3: S3Server;

beforeAll(async () => {
  [database, s3] = await Promise.all([startPostgres(), startS3()]);
  await s3.createBucket("backups");
  await database.createDatabase("app");
});
afterAll(() => Promise.all([database.stop(), s3.stop()]));

test("a dump whose object was stored by a run that was killed before the manifest is sent again", async () => {
  const spool = temporaryFolder("spool");
  const settings = {
    ...database.env,
    ...s3.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "nightly",
    BACKUP_SPOOL_DIR: spool,
    UPLOAD_PREFIX: "backups",
  };
  const PATH = pathWith({ rclone: '$REAL "$@"; code=$?; [ "$1" = copyto ] && kill -9 $PPID; exit $code' });
  expect(await rcdump({ ...settings, PATH })).toMatchObject({ exitCode: 137 });
  expect(readdirSync(spool)).toHaveLength(2);

  expect(await rcdump(settings)).toMatchObject({ exitCode: 0, message: "" });
  expect(readdirSync(spool)).toEqual([]);
});
