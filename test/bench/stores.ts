import { execa } from "execa";
import { localStore } from "../fixtures/store.ts";
import { removeFolder } from "../fixtures/folder.ts";
import { startQuickS3 } from "./s3/start.ts";

export type StoreName = "local" | "s3";

/** Where the candidates put their dumps: the remote `store`. */
export interface Store extends AsyncDisposable {
  /** How rclone reaches it. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes all that lies in its folder `backups`. */
  clear(): Promise<void>;
  /** The bytes of all dumps there; manifests are none. */
  dumpBytes(): Promise<number>;
}

export async function startStore(name: StoreName): Promise<Store> {
  const { env, end } = await (name === "local" ? startLocal() : startS3());
  const rclone = async (...args: string[]): Promise<string> => (await execa("rclone", args, { env })).stdout;
  await rclone("mkdir", folder);
  return {
    env,
    clear: async () => void (await rclone("delete", "--rmdirs", folder)),
    dumpBytes: async () => {
      const files = JSON.parse(await rclone("lsjson", "-R", "--files-only", folder)) as {
        Path: string;
        Size: number;
      }[];
      return files
        .filter(({ Path }) => !Path.endsWith(".manifest.json"))
        .reduce((total, { Size }) => total + Size, 0);
    },
    [Symbol.asyncDispose]: end,
  };
}

const folder = "store:backups";

interface Started {
  readonly env: Readonly<Record<string, string>>;
  readonly end: () => Promise<void>;
}

async function startLocal(): Promise<Started> {
  const { env, folder } = localStore();
  return { env, end: async () => removeFolder(folder) };
}

async function startS3(): Promise<Started> {
  const server = await startQuickS3();
  return { env: server.env, end: () => server.stop() };
}
