import { execa } from "execa";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startAzure } from "../fixtures/azure.ts";
import { removeFolder, temporaryFolder } from "../fixtures/folder.ts";
import { startFtp } from "../fixtures/ftp.ts";
import { password, remoteVariables } from "../fixtures/remote-variables.ts";
import { startS3 } from "../fixtures/s3.ts";
import { startSftp } from "../fixtures/sftp.ts";
import { startSmb } from "../fixtures/smb.ts";
import { filesIn } from "../fixtures/store.ts";
import { startSwift } from "../fixtures/swift.ts";
import { restrict, type Statement } from "../fixtures/write-only.ts";
import { projectFolder } from "../setup/environment.ts";
import { startApache, startRcloneWebdav } from "../fixtures/webdav.ts";

/** What a kind of store has of its own. */
export interface Kind {
  readonly env: Readonly<Record<string, string>>;
  /** What every path in it begins with, UPLOAD_PREFIX too: a bucket, an absolute path, or nothing. */
  readonly root: string;
  /** The rclone that has the kind, if it is not the newest. */
  readonly program?: "rclone-1.60";
  /** The port of its server on the loopback interface; undefined if there is none. */
  readonly port?: number;
  /** `env` for reaching the server by way of a proxy at another port of the loopback interface. */
  readonly through?: (port: number) => Readonly<Record<string, string>>;
  /** All that lies there, by what underlies it: pieces of uploads too, and what rclone does not show. */
  readonly everything: () => Promise<string[]>;
  readonly stop: () => Promise<void>;
}

/** A folder of this machine. */
function localKind(): Kind {
  const folder = temporaryFolder("local");
  const root = join(folder, "root");
  mkdirSync(root);
  return {
    env: remoteVariables("store", { type: "local" }),
    root,
    everything: async () => filesIn(root),
    stop: async () => removeFolder(folder),
  };
}

/**
 * What stores in remotes of rclone: one or more folders.
 * @param settings with `@0`, `@1`... for the folders
 */
function overFolders(type: string, settings: Record<string, string>, count = 1): Kind {
  const folder = temporaryFolder(type);
  const folders = Array.from({ length: count }, (_, index) => join(folder, String(index)));
  for (const each of folders) mkdirSync(each);
  const filled = Object.entries(settings).map(([name, value]): [string, string] => [
    name,
    value.replaceAll(/@(\d)/g, (_, index: string) => folders[Number(index)] ?? ""),
  ]);
  return {
    env: remoteVariables("store", { type, ...Object.fromEntries(filled) }),
    root: type === "combine" ? "part" : "",
    everything: async () => filesIn(folder),
    stop: async () => removeFolder(folder),
  };
}

/** The objects of a bucket, or of all. */
async function listing(
  env: Readonly<Record<string, string>>,
  location = "store:",
  program = "rclone",
): Promise<string[]> {
  const { stdout } = await execa(program, ["lsf", "-R", "--files-only", location], { env });
  return stdout.split("\n").filter(Boolean);
}

/** Objects of S3 and its like, and the uploads of parts that were begun and neither completed nor aborted. */
async function objectsAndUploads(env: Readonly<Record<string, string>>, remote: string): Promise<string[]> {
  const uploads = await execa("rclone", ["backend", "list-multipart-uploads", `${remote}:backups`], { env });
  const pending = JSON.parse(uploads.stdout) as Record<string, { Key: string }[] | null>;
  return [
    ...(await listing(env, `${remote}:backups`)),
    ...Object.values(pending).flatMap((each) => each?.map(({ Key }) => `parts of ${Key}`) ?? []),
  ];
}

/** What docs/stores.md tells users to allow. */
function leastPolicy(): Statement[] {
  const docs = readFileSync(join(projectFolder, "docs/stores.md"), "utf8");
  const [, policy = ""] = /```json\n(.*?)```/s.exec(docs) ?? [];
  return (JSON.parse(policy) as { Statement: Statement[] }).Statement;
}

/** By name: each starts a server, or makes a folder. */
export const kinds = {
  local: async () => localKind(),
  s3: async () => {
    const server = await startS3();
    await server.createBucket("backups");
    return { ...server, root: "backups", everything: () => objectsAndUploads(server.env, "store") };
  },
  "s3 by policy": async () => {
    const server = await startS3();
    await server.createBucket("backups");
    const { account } = await restrict(server, { account: leastPolicy() });
    const env = { ...account, RCLONE_CONFIG_STORE_NO_CHECK_BUCKET: "true" };
    return {
      env,
      root: "backups",
      stop: () => server.stop(),
      everything: () => objectsAndUploads(env, "store"),
    };
  },
  "s3 of swift": async () => {
    const server = await startSwift("s3");
    return { ...server, root: "backups", everything: () => objectsAndUploads(server.env, "store") };
  },
  swift: async () => {
    const server = await startSwift("swift");
    const env = { ...server.env, RCLONE_CONFIG_STORE_CHUNK_SIZE: "4Mi" };
    return { ...server, env, root: "backups", everything: () => listing(server.env) };
  },
  azure: async () => {
    const server = await startAzure();
    return {
      ...server,
      root: "backups",
      program: "rclone-1.60",
      everything: () => listing(server.env, "store:", "rclone-1.60"),
    };
  },
  sftp: async () => {
    const server = await startSftp();
    return { ...server, root: "", everything: async () => filesIn(server.root) };
  },
  "sftp, absolute": async () => {
    const server = await startSftp();
    return { ...server, everything: async () => filesIn(server.root) };
  },
  ftp: async () => {
    const server = await startFtp();
    return { ...server, root: "", everything: async () => filesIn(server.root) };
  },
  smb: async () => {
    const server = await startSmb();
    return { ...server, root: "backups", everything: async () => filesIn(server.root) };
  },
  "webdav of apache": async () => {
    const server = await startApache();
    return { ...server, root: "", everything: async () => filesIn(server.root) };
  },
  "webdav of rclone": async () => {
    const server = await startRcloneWebdav();
    return { ...server, root: "", everything: async () => filesIn(server.root) };
  },
  "crypt over local": async () =>
    overFolders("crypt", { remote: "@0", password: password.obscured, filename_encryption: "standard" }),
  "crypt over s3": async () => {
    const server = await startS3("below");
    await server.createBucket("backups");
    const crypt = remoteVariables("store", {
      type: "crypt",
      remote: "below:backups",
      password: password.obscured,
    });
    return {
      ...server,
      root: "",
      env: { ...server.env, ...crypt },
      through: (port: number) => ({ ...server.through(port), ...crypt }),
      everything: () => objectsAndUploads(server.env, "below"),
    };
  },
  chunker: async () => overFolders("chunker", { remote: "@0", chunk_size: "1Mi" }),
  compress: async () => overFolders("compress", { remote: "@0" }),
  union: async () => overFolders("union", { upstreams: "@0 @1", create_policy: "mfs" }, 2),
  combine: async () => overFolders("combine", { upstreams: "part=@0" }),
  alias: async () => overFolders("alias", { remote: "@0" }),
} satisfies Record<string, () => Promise<Kind>>;

export type StoreName = keyof typeof kinds;

export const storeNames = Object.keys(kinds) as StoreName[];
