/** Each way of compressing gives what plain tools read, and encryption what age reads. */
import { execa } from "execa";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, startRcdump, type Variables } from "../fixtures/cli.ts";
import { observeCommandLines } from "../fixtures/command-lines.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../fixtures/postgres.ts";
import { pathOf } from "../fixtures/programs.ts";
import { plainSql, restorePostgres } from "../fixtures/restore.ts";
import { localStore } from "../fixtures/store.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.createDatabase("app");
  await server.psql(
    "app",
    "CREATE TABLE numbers AS SELECT n, md5(n::text) AS digest FROM generate_series(1, 50000) n",
  );
});
afterAll(() => server.stop());

const needed = ["psql", "pg_dump", "rclone"];
const checksum = "SELECT count(*), md5(string_agg(digest, '' ORDER BY n)) FROM numbers";

function settings(store: { env: Variables }, variables: Variables): Variables {
  return {
    ...store.env,
    ...server.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    BACKUP_FILE_NAME: "x",
    ...variables,
  };
}

describe.concurrent("restores by plain tools", () => {
  test.for<[title: string, installed: string[], variables: Variables, used: string, file: string]>([
    ["gzip, by igzip", ["igzip", "pigz", "gzip"], {}, "igzip -2 -c", "x.sql.gz"],
    ["gzip, by pigz", ["pigz", "gzip"], {}, "pigz -2 -n -c", "x.sql.gz"],
    ["gzip, by gzip", ["gzip"], {}, "gzip -2 -n -c", "x.sql.gz"],
    ["gzip, by node", [], {}, "", "x.sql.gz"],
    [
      "gzip at level 6, which igzip does not have",
      ["igzip", "pigz"],
      { BACKUP_COMPRESSION_LEVEL: "6" },
      "pigz -6 -n -c",
      "x.sql.gz",
    ],
    ["zstd", ["zstd"], { BACKUP_COMPRESSION: "zstd" }, "zstd -T0 -2 -q -c", "x.sql.zst"],
    ["zstd, by node", [], { BACKUP_COMPRESSION: "zstd" }, "", "x.sql.zst"],
    [
      "zstd at level 9",
      ["zstd"],
      { BACKUP_COMPRESSION: "zstd", BACKUP_COMPRESSION_LEVEL: "9" },
      "zstd -T0 -9 -q -c",
      "x.sql.zst",
    ],
    ["none", ["igzip", "gzip", "zstd"], { BACKUP_COMPRESSION: "none" }, "", "x.sql"],
  ])("%s", async ([title, installed, variables, used, file]) => {
    const store = localStore();
    const path = pathOf(...needed, ...installed);
    const run = startRcdump(settings(store, { PATH: path, ...variables }));
    const commandLines = await observeCommandLines(run.pid, run.outcome);
    expect(await run.outcome).toMatchObject({ exitCode: 0, message: "" });
    const compressors = [...commandLines].filter((line) => /^(igzip|pigz|gzip|zstd) /.test(line));
    expect(compressors).toEqual(used === "" ? [] : [used]);
    expect(store.onlyObject()).toBe(file);
    expect(store.manifest(file).compression).toBe(variables["BACKUP_COMPRESSION"] ?? "gzip");

    const restored = `restored from ${title}`;
    await server.createDatabase(restored);
    await restorePostgres(server, join(store.folder, file), restored);
    expect(await server.psql(restored, checksum)).toBe(await server.psql("app", checksum));
  });
});

describe.concurrent("encryption", () => {
  test("rage -d | gunzip gives the dump, and only the recipients' fingerprints are in the manifest", async () => {
    const folder = temporaryFolder("keys");
    const identity = join(folder, "identity");
    await execa("age-keygen", ["-o", identity]);
    const { stdout: recipient } = await execa("age-keygen", ["-y", identity]);
    const recipients = join(folder, "recipients");
    writeFileSync(recipients, `# nightly\n${recipient}\r\n`);
    for (const variables of [{ ENCRYPT_RECIPIENTS: recipient }, { ENCRYPT_RECIPIENTS_FILE: recipients }]) {
      const store = localStore();
      expect(await rcdump(settings(store, variables))).toMatchObject({ exitCode: 0, message: "" });
      expect(store.onlyObject()).toBe("x.sql.gz.age");
      expect(store.manifest("x.sql.gz.age").recipients).toEqual([recipient]);
      const script = `rage -d -i ${identity} ${store.folder}/x.sql.gz.age > ${folder}/x.sql.gz`;
      await execa("bash", ["-c", script]);
      expect(await plainSql(join(folder, "x.sql.gz"))).toContain("PostgreSQL database dump complete");
    }
  });
});
