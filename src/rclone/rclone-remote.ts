import type { Readable, Writable } from "node:stream";
import type { Environment } from "../environment.ts";
import { RcloneFailure } from "./failure.ts";
import {
  type DumpUpload,
  longestText,
  type Remote,
  type RemoteTraits,
  type StoredObject,
  type Texts,
} from "../remote.ts";
import type { StreamLimit } from "../stream-chunks.ts";
import type { Subprocesses } from "../subprocess.ts";
import { AskedOnce } from "./asked-once.ts";
import { evenIfMissing, listObjects } from "./listing.ts";
import { moveObject } from "./move.ts";
import { abortMultipartUploads, listMultipartUploads } from "./multipart-uploads.ts";
import { Rclone } from "./rclone.ts";
import { copyTexts } from "./texts.ts";
import { manyAtOnce, readTraits } from "./traits.ts";
import { RcloneUploads } from "./uploads.ts";

/** Any store that rclone knows. */
export class RcloneRemote implements Remote {
  readonly #rclone: Rclone;
  readonly #uploads: RcloneUploads;
  readonly #traits: AskedOnce<RemoteTraits>;

  /**
   * @param location a folder in rclone's notation, as parseRemoteName gives it
   * @param environment what rclone reads its own settings from
   */
  constructor(location: string, environment: Environment) {
    this.#rclone = new Rclone(location, environment);
    this.#traits = new AskedOnce((signal) => readTraits(this.#rclone, signal));
    this.#uploads = new RcloneUploads(this.#rclone, (signal) => this.traits(signal));
  }

  traits(signal?: AbortSignal): Promise<RemoteTraits> {
    return this.#traits.get(signal);
  }

  async find(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, StoredObject>> {
    if (paths.length === 0) return new Map();
    // One process asks for each name: a listing of the folder would grow with the number of backups.
    const objects = await listObjects(this.#rclone, ["--files-from-raw", "-"], {
      input: paths.join("\n"),
      signal,
      about: paths.length,
    }).catch((error: unknown) => {
      if (error instanceof RcloneFailure && error.forbidden) this.#uploads.mayLook = false;
      throw error;
    });
    return new Map(objects.map((object) => [object.path, object]));
  }

  async findAnyCase(paths: readonly string[], signal?: AbortSignal): Promise<StoredObject[]> {
    // In rclone's filters these letters have a meaning, and a slash in front stands for the folder itself.
    const patterns = paths.map((path) => `/${path.replace(/[\\*?[\]{}]/g, "\\$&")}`);
    return listObjects(this.#rclone, ["--ignore-case", "--include-from", "-"], {
      input: patterns.join("\n"),
      signal,
      about: paths.length,
    });
  }

  list(pattern: string, signal?: AbortSignal): Promise<StoredObject[]> {
    return listObjects(this.#rclone, ["--include", pattern], { signal });
  }

  async inventory(signal?: AbortSignal): Promise<Map<string, number>> {
    const objects = await listObjects(this.#rclone, ["--no-modtime"], { signal, about: "all" });
    return new Map(objects.map(({ path, bytes }) => [path, bytes]));
  }

  async readAll(pattern: string, signal?: AbortSignal): Promise<Texts> {
    const filter = [`--include=${pattern}`, `--max-size=${longestText}B`];
    const traits = await this.traits(signal);
    if (!traits.local)
      return { named: await copyTexts(this.#rclone, traits, filter, { signal }), unnamed: "" };
    // Quicker by far than to copy thousands of small files. But one after the other, and so no way over a network.
    const cat = this.#rclone.ask(["cat", ...filter, this.#rclone.address("")], { signal, about: "all" });
    return { named: new Map(), unnamed: await evenIfMissing(cat) };
  }

  async readEach(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    if (paths.length === 0) return new Map();
    const traits = await this.traits(signal);
    const filter = ["--files-from-raw", "-"];
    return copyTexts(this.#rclone, traits, filter, { input: paths.join("\n"), signal });
  }

  open(path: string, children: Subprocesses): Readable {
    return children.source(this.#rclone.command("remote", ["cat", this.#rclone.address(path)]));
  }

  write(path: string, children: Subprocesses, dump?: DumpUpload): Promise<Writable> {
    return this.#uploads.stream(path, children, dump);
  }

  streamLimit(bytes: number | undefined, signal?: AbortSignal): Promise<StreamLimit> {
    return this.#uploads.plan(bytes, signal);
  }

  send(file: string, path: string, signal?: AbortSignal): Promise<void> {
    return this.#uploads.send(file, path, signal);
  }

  read(path: string, signal?: AbortSignal): Promise<string> {
    return this.#rclone.ask(["cat", this.#rclone.address(path)], { signal });
  }

  async move(from: string, to: string, { replace }: { replace: boolean }): Promise<void> {
    const { atomic } = await this.traits();
    const isThere = (): Promise<boolean | undefined> =>
      this.find([from]).then(
        (found) => found.has(from),
        () => undefined,
      );
    return moveObject(this.#rclone, from, to, { replace, atomic, isThere });
  }

  async remove(path: string): Promise<void> {
    await this.#delete(path);
  }

  async removeAll(paths: readonly string[], signal?: AbortSignal): Promise<void> {
    if (paths.length === 0) return;
    const options = [...manyAtOnce(await this.traits(signal)), "--files-from-raw", "-"];
    const args = ["delete", ...options, this.#rclone.address("")];
    await this.#rclone.ask(args, { input: paths.join("\n"), signal, about: "all" });
  }

  async unfinishedUploads(before: Date, signal?: AbortSignal): Promise<string[]> {
    const { description, keepsParts } = await this.traits(signal);
    if (!keepsParts) return [];
    const paths = await listMultipartUploads(this.#rclone, description, before, signal);
    // rclone takes the path of an object for no place to look for uploads.
    const objects = await this.find(paths, signal);
    return paths.filter((path) => !objects.has(path));
  }

  abortUploads(path: string, before: Date, signal?: AbortSignal): Promise<void> {
    return abortMultipartUploads(this.#rclone, path, before, signal);
  }

  async discard(path: string, signal?: AbortSignal): Promise<void> {
    const { atomic, keepsParts } = await this.traits(signal);
    const isThere = (await this.find([path], signal)).size > 0;
    // An object of the name is whole, and may be another run's; its upload has no parts any more.
    if (keepsParts && !isThere) await this.abortUploads(path, new Date(), signal);
    else if (!atomic && isThere) await this.#delete(path, signal);
  }

  async #delete(path: string, signal?: AbortSignal): Promise<void> {
    await this.#rclone.ask(["deletefile", this.#rclone.address(path)], { signal });
  }
}
