import { execa } from "execa";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { temporaryFolder } from "../../fixtures/folder.ts";
import { startS3 } from "../../fixtures/s3.ts";
import { startSftp } from "../../fixtures/sftp.ts";

export const storeNames = ["local", "sftp", "s3"] as const;
export type StoreName = (typeof storeNames)[number];

/** A store under test, looked at from outside, by plain rclone. */
export interface Store {
  readonly name: StoreName;
  /** What rcdump is given to reach it. */
  readonly env: Readonly<Record<string, string>>;
  /** Everything in it, by path. */
  download(): Promise<Map<string, StoredFile>>;
  /** Keys of multipart uploads that were neither completed nor aborted. */
  pendingUploads(): Promise<string[]>;
  remove(path: string): Promise<void>;
  stop(): Promise<void>;
}

export interface StoredFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export async function startStore(name: StoreName): Promise<Store> {
  const folder = temporaryFolder(`campaign-${name}`);
  if (name === "local") {
    const env = { RCLONE_CONFIG: "/dev/null", REMOTE_NAME: join(folder, "store") };
    mkdirSync(join(folder, "store"));
    return open(name, env, join(folder, "store"), folder, {
      pendingUploads: async () => [],
      stop: async () => {},
    });
  }
  if (name === "sftp") {
    const server = await startSftp();
    const env = { ...server.env, REMOTE_NAME: "store", UPLOAD_PREFIX: "backups" };
    return open(name, env, "store:backups", folder, {
      pendingUploads: async () => [],
      stop: () => server.stop(),
    });
  }
  const server = await startS3();
  await server.createBucket("backups");
  const env = { ...server.env, REMOTE_NAME: "store", UPLOAD_PREFIX: "backups/faults" };
  return open(name, env, "store:backups/faults", folder, {
    pendingUploads: () => server.pendingUploads("backups"),
    stop: () => server.stop(),
  });
}

function open(
  name: StoreName,
  env: Record<string, string>,
  location: string,
  folder: string,
  own: Pick<Store, "pendingUploads" | "stop">,
): Store {
  const copy = join(folder, "copy");
  const rclone = (...args: string[]): PromiseLike<unknown> => execa("rclone", args, { env });
  return {
    name,
    env,
    ...own,
    download: async () => {
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(copy);
      await rclone("copy", "--ignore-times", location, copy);
      return new Map(filesBelow(copy).map((file) => [relative(copy, file), describe(file)]));
    },
    remove: async (path) => void (await rclone("deletefile", `${location}/${path}`)),
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function describe(file: string): StoredFile {
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  return { file, bytes: statSync(file).size, sha256 };
}
