import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { Writable } from "node:stream";
import type { z } from "zod";
import { BackupError } from "./errors.ts";
import { jobOfRun, startOfRun } from "./job.ts";
import { type Manifest, unsentManifest } from "./manifest.ts";

/** What a run's files end in; the note first, for a dump without one is never sent. */
const endings = ["json", "json.new", "dump", "part"];

/** What is wrong with a disk, and not with the settings: it is full, for this user or for a file of this size, or broken. */
const diskFailures = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EIO"]);

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
   * A dump's file. The stream finishes when everything is on disk, and fails with a BackupError `dump` if the disk will not take it.
   * @throws BackupError `configuration` if the folder cannot be written to
   */
  async write(runId: string): Promise<Writable> {
    let file: FileHandle;
    try {
      await makeFolder(this.#folder);
      file = await open(this.#file(runId, "part"), "wx", 0o600);
    } catch (error) {
      throw this.#unusable(error);
    }
    const settle = (work: Promise<void>, done: (error?: Error) => void): void =>
      void work.then(
        () => done(),
        (error: unknown) => done(this.#unusable(error)),
      );
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => settle(file.writeFile(chunk), done),
      final: (done) => settle(file.sync(), done),
      destroy: (error, done) => settle(file.close(), (failure) => done(error ?? failure)),
    });
  }

  /**
   * Records that a dump is complete. From now on a later run will send it if this one cannot.
   * @throws BackupError `dump` if there is no room for the note
   */
  async finish(runId: string, path: string, manifest: Omit<Manifest, "readBack">): Promise<SpooledDump> {
    const file = this.#file(runId, "dump");
    const note = this.#file(runId, "json");
    try {
      await rename(this.#file(runId, "part"), file);
      await writeFile(`${note}.new`, JSON.stringify({ path, manifest }), { mode: 0o600, flush: true });
      await rename(`${note}.new`, note);
    } catch (error) {
      throw this.#unusable(error);
    }
    return { file, path, runId, manifest };
  }

  /** What earlier runs of these jobs finished and could not send, oldest first. */
  async unsent(jobs: ReadonlySet<string>): Promise<SpooledDump[]> {
    return this.#finished(await this.#runIds((job) => jobs.has(job)));
  }

  /** The same of all jobs but these. */
  async unsentOfOthers(jobs: ReadonlySet<string>): Promise<SpooledDump[]> {
    const runIds = await this.#runIds((job) => !jobs.has(job));
    return this.#finished(runIds.filter((runId) => startOfRun(runId) !== undefined));
  }

  async #finished(runIds: readonly string[]): Promise<SpooledDump[]> {
    const notes = await Promise.all(
      runIds.map(async (runId) => ({ runId, note: await this.#readNote(runId) })),
    );
    return notes.flatMap(({ runId, note }) =>
      note ? [{ file: this.#file(runId, "dump"), runId, ...note }] : [],
    );
  }

  /** Forgets a dump that is in the remote now, or that did not come about. */
  async remove(runId: string): Promise<void> {
    for (const ending of endings) await rm(this.#file(runId, ending), { force: true });
  }

  /**
   * The run ids of these jobs whose dumps were never finished, or whose notes cannot be read, each with a mark that
   * changes while it is being written.
   */
  async unfinished(jobs: ReadonlySet<string>): Promise<Map<string, string>> {
    const unfinished = new Map<string, string>();
    for (const runId of await this.#runIds((job) => jobs.has(job))) {
      if (await this.#readNote(runId)) continue;
      const states = await Promise.all(
        endings.map((ending) => stat(this.#file(runId, ending)).catch(() => undefined)),
      );
      unfinished.set(runId, states.map((state) => `${state?.size} ${state?.mtimeMs}`).join(" "));
    }
    return unfinished;
  }

  /** In the order of time. */
  async #runIds(isWanted: (job: string) => boolean): Promise<string[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw this.#unusable(error);
    });
    const runIds = names.filter((name) => isWanted(jobOfRun(name))).map((name) => name.replace(/\..*$/, ""));
    return [...new Set(runIds)].toSorted();
  }

  /** Where a finished dump goes; undefined if there is no note of it, or one that was cut off. */
  async #readNote(runId: string): Promise<z.infer<typeof unsentManifest> | undefined> {
    try {
      return unsentManifest.parse(JSON.parse(await readFile(this.#file(runId, "json"), "utf8")));
    } catch {
      return undefined;
    }
  }

  #unusable(cause: unknown): BackupError {
    const { code = "" } = cause as NodeJS.ErrnoException;
    if (diskFailures.has(code))
      return new BackupError("dump", `cannot write to BACKUP_SPOOL_DIR=${this.#folder} (${code})`, {
        hint: "make room there, or unset it to stream to the store without local disk",
        cause,
      });
    return new BackupError(
      "configuration",
      `BACKUP_SPOOL_DIR names ${this.#folder}, which cannot be written to (${code})`,
      {
        hint: "mount a volume there that the user this runs as may write to",
        cause,
      },
    );
  }

  #file(runId: string, ending: string): string {
    return join(this.#folder, `${runId}.${ending}`);
  }
}

/** Makes a folder and those above it. Not by mkdir's own `recursive`, which below /proc never comes back (Node 26.10). */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT") throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}
