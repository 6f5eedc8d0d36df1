/** The servers that other tests stand on: each starts, answers, and leaves nothing behind. */
import { execa } from "execa";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { startAzure } from "../fixtures/azure.ts";
import { startFtp } from "../fixtures/ftp.ts";
import { startMariadb } from "../fixtures/mariadb.ts";
import { startPostgres } from "../fixtures/postgres.ts";
import { until, type ServerProcess } from "../fixtures/process.ts";
import { startS3 } from "../fixtures/s3.ts";
import { startSftp } from "../fixtures/sftp.ts";
import { startSmb } from "../fixtures/smb.ts";
import { startSwift } from "../fixtures/swift.ts";
import { startApache, startRcloneWebdav } from "../fixtures/webdav.ts";

const storeServers = {
  ftp: startFtp,
  smb: startSmb,
  apache: startApache,
  rcloneWebdav: startRcloneWebdav,
  swift: () => startSwift("swift"),
  azure: startAzure,
};

const rclones = ["rclone", "rclone-1.60"];
const mebibyte = 1024 * 1024;

/** Processes that work in the folder or name it on their command line: a server, and all it has started. */
function processesIn(folder: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const cwd = readlinkSync(`/proc/${pid}/cwd`);
      return cwd.startsWith(folder) || readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });
}

async function expectNothingLeft(server: ServerProcess): Promise<void> {
  await until(`${server.folder} has no process`, async () => processesIn(server.folder).length === 0);
  expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");
  expect(existsSync(server.folder)).toBe(false);
}

describe("postgres", () => {
  test("starts, answers and stops", async () => {
    await using server = await startPostgres();
    await server.createDatabase('exotic="name"');
    expect(await server.psql('exotic="name"', "SELECT current_database(), 6 * 7")).toBe('exotic="name"|42');
    expect(processesIn(server.folder).length).toBeGreaterThan(1);

    await server.stop();
    await expectNothingLeft(server);
  });

  test("asks for the password over TCP, and not on its socket", async () => {
    await using server = await startPostgres();
    const args = ["-XqAt", "-c", "SELECT 1", "postgres"];
    const wrong = execa("psql", args, { env: { ...server.env, PGPASSWORD: "wrong" } });
    await expect(wrong).rejects.toThrow("password authentication failed");

    const local = { PGHOST: server.socketDir, PGPORT: String(server.port), PGUSER: server.user };
    expect((await execa("psql", args, { env: local })).stdout).toBe("1");
  });
});

describe("mariadb", () => {
  test("starts, answers and stops", async () => {
    await using server = await startMariadb();
    await server.createDatabase("exotic`name");
    expect(await server.query("exotic`name", "SELECT DATABASE(), 6 * 7")).toBe("exotic`name\t42");

    await server.stop();
    await expectNothingLeft(server);
  });

  test("asks for the password", async () => {
    await using server = await startMariadb();
    const args = ["--no-defaults", `--socket=${server.socket}`, ...server.args, "--execute=SELECT 1"];
    const wrong = execa("mariadb", args, { env: { MYSQL_PWD: "wrong" } });
    await expect(wrong).rejects.toThrow("Access denied");
    expect((await execa("mariadb", args, { env: server.env })).stdout).toContain("1");
  });
});

describe("s3", () => {
  test.each(rclones)("%s writes, lists and reads", async (rclone) => {
    await using server = await startS3("bucketstore");
    await server.createBucket("backups");
    await writesListsReads(rclone, server.env, "bucketstore:backups/a folder");

    await server.stop();
    await expectNothingLeft(server);
  });

  test("shows a multipart upload that was cut off, until it is aborted", async () => {
    await using server = await startS3();
    await server.createBucket("backups");
    const upload = execa("rclone", ["rcat", "store:backups/cut-off"], {
      env: { ...server.env, RCLONE_STREAMING_UPLOAD_CUTOFF: "0" },
      reject: false,
    });
    upload.stdin.write(Buffer.alloc(12 * mebibyte));
    const pending = async (): Promise<string[]> => server.pendingUploads("backups");
    await until("an upload is pending", async () => (await pending()).length > 0);
    upload.kill("SIGKILL");
    await upload;
    expect(await pending()).toEqual(["cut-off"]);

    await execa("rclone", ["backend", "cleanup", "store:backups", "-o", "max-age=0s"], { env: server.env });
    expect(await pending()).toEqual([]);
  });
});

describe("sftp", () => {
  test.each(rclones)("%s writes, lists and reads", async (rclone) => {
    await using server = await startSftp("hoststore");
    await writesListsReads(rclone, server.env, "hoststore:a folder");
    expect(readdirSync(server.root)).toEqual(["a folder"]);

    await server.stop();
    await expectNothingLeft(server);
  });

  test("stopping it ends the sessions too", async () => {
    await using server = await startSftp();
    const upload = execa("rclone", ["rcat", "store:file", "--low-level-retries=1"], {
      env: server.env,
      reject: false,
    });
    upload.stdin.write(Buffer.alloc(2 * mebibyte));
    await until("the upload has begun", async () => existsSync(`${server.root}/file`));
    await server.stop();
    await expectNothingLeft(server);
    upload.kill("SIGKILL");
    await upload;
  });
});

/** More than rclone keeps in memory before it uploads, so that S3 gets it in parts; then moves it there. */
async function writesListsReads(
  rclone: string,
  env: Readonly<Record<string, string>>,
  at: string,
): Promise<void> {
  const content = Buffer.alloc(11 * mebibyte, `${rclone} `);
  await execa(rclone, ["rcat", `${at}/new`], { env, input: content });
  await execa(rclone, ["moveto", `${at}/new`, `${at}/object`], { env });
  const { stdout: listing } = await execa(rclone, ["lsf", "--format=ps", at], { env });
  expect(listing).toBe(`object;${content.length}`);
  const { stdout: read } = await execa(rclone, ["cat", `${at}/object`], { env, encoding: "buffer" });
  expect(content.equals(read)).toBe(true);
}

describe.for(["ftp", "smb", "apache", "rcloneWebdav", "swift", "azure"] as const)("%s", (name) => {
  test("starts, answers and stops", async () => {
    await using server = await storeServers[name]();
    const rclone = name === "azure" ? "rclone-1.60" : "rclone";
    await writesListsReads(rclone, server.env, "store:backups/a folder");
    await server.stop();
    await expectNothingLeft(server);
  });
});

test.each([
  ["postgres", "startPostgres()"],
  ["mariadb", "startMariadb()"],
  ["s3", "startS3()"],
  ["sftp", "startSftp()"],
  ["ftp", "startFtp()"],
  ["smb", "startSmb()"],
  ["webdav", "startApache()"],
  ["webdav", "startRcloneWebdav()"],
  ["swift", "startSwift('swift')"],
  ["azure", "startAzure()"],
])("%s: %s ends with a process that is killed", async (file, start) => {
  const module = JSON.stringify(`${import.meta.dirname}/../fixtures/${file}.ts`);
  const program = `
    const server = await (await import(${module})).${start};
    process.stdout.write(JSON.stringify({ pid: server.pid, folder: server.folder }), () =>
      process.kill(process.pid, "SIGKILL"));
  `;
  const { stdout, signal } = await execa(process.execPath, ["--input-type=module", "--eval", program], {
    reject: false,
  });
  expect(signal).toBe("SIGKILL");
  const { folder } = JSON.parse(stdout) as ServerProcess;
  await until(`${folder} has no process`, async () => processesIn(folder).length === 0);
  await execa("rm", ["-rf", folder]);
});
