import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { BackupError } from "./errors.ts";
import { type Manifest, unsentManifest } from "./manifest.ts";

/** A finished dump on local disk that is not in the remote yet. */
export interface SpooledDump {
  /** The dump, compressed and encrypted as it will be stored. */
  readonly file: string;
  /** Where it is to go. */
  readonly path: string;
  readonly runId: string;
  readonly manifest: Omit<Manifest, "readBack">;
}

/**
 * The folder of the staged way. A dump under way is `<run id>.part`; a finished one is `<run id>.dump`, and its
 * `<run id>.json`, written after it, says what it is and where it goes.
 */
export class Spool {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * A dump's file. The stream finishes when everything is on disk.
   * @throws BackupError `configuration` if the folder cannot be written to
   */
  async write(runId: string): Promise<Writable> {
    try {
      await mkdir(this.#folder, { recursive: true });
      const file = await open(this.#file(runId, "part"), "wx", 0o600);
      return file.createWriteStream({ flush: true });
    } catch (cause) {
      throw new BackupError(
        "configuration",
        `BACKUP_SPOOL_DIR names ${this.#folder}, which cannot be written to (${(cause as NodeJS.ErrnoException).code})`,
        {
          hint: "mount a volume there that the user this runs as may write to",
          cause,
        },
      );
    }
  }

  /** Records that a dump is complete. From now on a later run will send it if this one cannot. */
  async finish(runId: string, path: string, manifest: Omit<Manifest, "readBack">): Promise<SpooledDump> {
    const file = this.#file(runId, "dump");
    await rename(this.#file(runId, "part"), file);
    const note = this.#file(runId, "json");
    await writeFile(`${note}.new`, JSON.stringify({ path, manifest }), { mode: 0o600, flush: true });
    await rename(`${note}.new`, note);
    return { file, path, runId, manifest };
  }

  /** What earlier runs of these jobs finished and could not send, oldest first. */
  async unsent(jobs: ReadonlySet<string>): Promise<SpooledDump[]> {
    const notes = (await this.#names(jobs)).filter((name) => name.endsWith(".json"));
    return Promise.all(
      notes.toSorted().map(async (name) => {
        const runId = name.replace(/\.json$/, "");
        const { path, manifest } = unsentManifest.parse(
          JSON.parse(await readFile(join(this.#folder, name), "utf8")),
        );
        return { file: this.#file(runId, "dump"), path, runId, manifest };
      }),
    );
  }

  /** Forgets a dump that is in the remote now, or that did not come about. */
  async remove(runId: string): Promise<void> {
    // The note goes first: a dump without one is never sent.
    for (const ending of ["json", "json.new", "dump", "part"])
      await rm(this.#file(runId, ending), { force: true });
  }

  /** The run ids of these jobs whose dumps were never finished, with a mark that changes while one is being written. */
  async unfinished(jobs: ReadonlySet<string>): Promise<Map<string, string>> {
    const names = await this.#names(jobs);
    const unfinished = new Map<string, string>();
    for (const name of names) {
      const runId = name.replace(/\..*$/, "");
      if (names.includes(`${runId}.json`)) continue;
      const state = await stat(join(this.#folder, name)).catch(() => undefined); // gone meanwhile
      if (state) unfinished.set(runId, `${name} ${state.size} ${state.mtimeMs}`);
    }
    return unfinished;
  }

  async #names(jobs: ReadonlySet<string>): Promise<string[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names.filter((name) => jobs.has(name.split("-")[0] ?? ""));
  }

  #file(runId: string, ending: string): string {
    return join(this.#folder, `${runId}.${ending}`);
  }
}
