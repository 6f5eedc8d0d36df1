import { execa } from "execa";
import type { Environment } from "../../src/environment.ts";
import type { Remote } from "../../src/remote.ts";
import { RcloneRemote } from "../../src/rclone/rclone-remote.ts";
import { MemoryRemote } from "../fixtures/memory-remote.ts";
import { startStore, type StoreName, storeNames, type TestStore } from "./store.ts";

/** What the contract is about: folders of a store, used through Remote and looked at from outside. */
export interface Subject {
  /** A folder, which is there once something is stored in it. "" is where all others are. */
  folder(name: string): Folder;
  /** Everything in the store, as the store calls it: pieces of uploads that nobody else can see, too. */
  readonly everything: () => Promise<string[]>;
  readonly stop: () => Promise<void>;
  /** Undefined for what is no store of rclone's. */
  readonly store?: TestStore;
}

export interface Folder {
  readonly remote: Remote;
  /** What another program sees that looks into this folder of it: sizes in bytes, by path. */
  readonly see: (below: string) => Promise<Record<string, number>>;
  /** What another program reads. */
  readonly read: (path: string) => Promise<Buffer>;
}

export type SubjectName = "memory, as S3" | "memory, as files" | StoreName;

export const subjectNames: readonly SubjectName[] = ["memory, as S3", "memory, as files", ...storeNames];

/** Starts it; there is nothing in it. */
export async function startSubject(name: SubjectName): Promise<Subject> {
  if (name === "memory, as S3") return inMemory(true);
  if (name === "memory, as files") return inMemory(false);
  const store = await startStore(name);
  return {
    store,
    folder: (folder) => inStore(store, folder),
    everything: async () => (await store.everything()).toSorted(),
    stop: store.stop,
  };
}

/** A folder in rclone's notation. */
export function locationIn({ root }: { readonly root: string }, folder: string): string {
  return `store:${[root, folder].filter(Boolean).join("/")}`;
}

/** @param reach how the store is reached, if not directly */
export function remoteIn(store: TestStore, folder: string, reach: Environment = store.env): Remote {
  return new RcloneRemote(locationIn(store, folder), { ...reach, ...thrifty });
}

function inStore(store: TestStore, folder: string): Folder {
  const options = { env: { ...store.env, ...thrifty }, extendEnv: false };
  return {
    remote: remoteIn(store, folder),
    see: async (below) => {
      const location = locationIn(store, `${folder}/${below}`);
      const args = ["lsjson", "-R", "--files-only", "--no-modtime", "--no-mimetype", location];
      const { stdout, exitCode } = await execa("rclone", args, { ...options, reject: false });
      if (exitCode !== 0 && exitCode !== folderMissing) throw new Error(`${location} cannot be listed`);
      const entries = exitCode === 0 ? (JSON.parse(stdout) as { Path: string; Size: number }[]) : [];
      return Object.fromEntries(entries.map(({ Path, Size }) => [Path, Size]));
    },
    read: async (path) => {
      const args = ["cat", locationIn(store, `${folder}/${path}`)];
      const { stdout } = await execa("rclone", args, { ...options, encoding: "buffer" });
      return Buffer.from(stdout);
    },
  };
}

/** A Go program that is to use one core takes a third less of it to start, and rclone is started thousands of times here. */
const thrifty = { GOMAXPROCS: "1" };

/** rclone's exit code for a folder that is not there. */
const folderMissing = 3;

function inMemory(atomic: boolean): Subject {
  const remotes = new Map<string, MemoryRemote>();
  return {
    folder: (name) => {
      const remote = remotes.get(name) ?? new MemoryRemote({ atomic });
      remotes.set(name, remote);
      const content = (path: string): Buffer => remote.content(path) ?? Buffer.alloc(0);
      return {
        remote,
        see: async (below) => {
          const paths = remote.paths.filter((path) => path.startsWith(`${below}/`));
          return Object.fromEntries(
            paths.map((path) => [path.slice(below.length + 1), content(path).length]),
          );
        },
        read: async (path) => content(path),
      };
    },
    everything: async () =>
      [...remotes].flatMap(([name, { paths }]) => paths.map((path) => `${name}/${path}`)).toSorted(),
    stop: async () => {},
  };
}
