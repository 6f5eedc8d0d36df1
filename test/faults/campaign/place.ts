import { execa } from "execa";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { removeFolder, temporaryFolder } from "../../fixtures/folder.ts";
import { filesIn } from "../../fixtures/store.ts";
import type { TestStore } from "../../stores/store.ts";

/** A file that lies in a store, as a copy of it shows. */
export interface StoredFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The folder of one run in a store, looked at from outside, by plain rclone. */
export class Place {
  readonly #store: TestStore;
  readonly #run: string;
  readonly #prefix: string;
  readonly #copies: string[] = [];

  constructor(store: TestStore, run: string) {
    this.#store = store;
    this.#run = run;
    this.#prefix = [store.root, run].filter(Boolean).join("/");
  }

  /** What rcdump is given to store here. @param port of a proxy before the store's server */
  env(port?: number): Record<string, string> {
    const { env, through } = this.#store;
    const reach = port === undefined ? env : through?.(port);
    if (!reach) throw new Error(`${this.#store.name} has no server to put a proxy before`);
    return { ...reach, REMOTE_NAME: "store", UPLOAD_PREFIX: this.#prefix };
  }

  /** Puts the files of a folder here. */
  async upload(folder: string): Promise<void> {
    await this.#rclone("copy", folder, this.#location);
  }

  /** Everything that lies here, by path. */
  async download(): Promise<Map<string, StoredFile>> {
    const copy = temporaryFolder("copy");
    this.#copies.push(copy);
    mkdirSync(join(copy, "files"));
    const download = (...filter: string[]): Promise<void> =>
      this.#rclone("copy", this.#location, join(copy, "files"), ...filter);
    await download().catch(async (error: { exitCode?: number }) => {
      // What is left of an upload need not be readable.
      if (error.exitCode !== folderMissing) await download("--exclude=*.partial");
    });
    return filesOf(join(copy, "files"));
  }

  /** Multipart uploads to here that were neither completed nor aborted, as `parts of KEY`. */
  async pendingUploads(): Promise<string[]> {
    const everything = await this.#store.everything();
    return everything.filter((each) => each.startsWith("parts of ") && each.includes(`${this.#run}/`));
  }

  /** Removes it all, and the copies that were made of it. */
  async clear(): Promise<void> {
    for (const copy of this.#copies) removeFolder(copy);
    await this.#rclone("purge", this.#location).catch(() => {}); // nothing may lie here
  }

  get #location(): string {
    return `store:${this.#prefix}`;
  }

  async #rclone(...args: string[]): Promise<void> {
    await execa("rclone", [...args, "--retries=3", "--log-level=ERROR"], { env: { ...this.#store.env } });
  }
}

/** rclone's exit code for a folder that does not exist. */
const folderMissing = 3;

/** All files in and below a folder, by their paths in it. */
export function filesOf(folder: string): Map<string, StoredFile> {
  return new Map(filesIn(folder).map((path) => [path, describe(join(folder, path))]));
}

function describe(file: string): StoredFile {
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  return { file, bytes: statSync(file).size, sha256 };
}
