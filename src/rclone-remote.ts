import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Readable, Writable } from "node:stream";
import { z } from "zod";
import type { Environment } from "./environment.ts";
import { BackupError, type Operation } from "./errors.ts";
import { explainRclone, RcloneFailure } from "./rclone-failure.ts";
import { type Command, SubprocessError } from "./program.ts";
import { run, type Subprocesses } from "./subprocess.ts";
import { longestText, type Remote, type RemoteTraits, type StoredObject, type Texts } from "./remote.ts";

/** The name under which the remote is handed to rclone: by environment, so that no secret of a connection string is in argv. */
const alias = "rcdump";

/** A remote that is down should be found out in seconds; rclone's own patience (minutes) is kept for uploads. */
const impatience = { RCLONE_LOW_LEVEL_RETRIES: "3", RCLONE_CONTIMEOUT: "15s", RCLONE_TIMEOUT: "30s" };

/** The longest that a question about one object may take, in milliseconds. */
const answerWithin = 60_000;

/** The longest that each object adds where the question is about several, in milliseconds. */
const answerEachWithin = 100;

/** The longest that a question about all objects may take, in milliseconds: a hundred thousand are a hundred requests. */
const surveyWithin = 600_000;

/**
 * rclone's exit code for a folder that does not exist. In that there is nothing then, but a union may lack it in one upstream
 * and have it in another; and a folder below may go while they are listed. rclone goes on after either. (What lay in a folder
 * that has gone is not listed: status sees it missing, and retention removes no more of the others for it.)
 */
const noSuchFolder = 3;

/** What rclone says of a folder that it could not list for another reason. */
const notListed = /^.*\bERROR\b.*error listing: (?!.*directory not found)/m;

/** A listing that was not cut off: with an end; of what does not exist rclone prints no more than the beginning. */
const wholeListing = /^(?:\s*\[?|.*\])\s*$/s;

/**
 * At SIGTERM and SIGINT rclone cancels the upload of parts and aborts it, but the loop that it cancels may take that for the end and complete the
 * upload with the parts that are there (lib/multipart, UploadMultipart): a truncated object under the final name. What SIGKILL leaves of
 * an upload nobody sees, and {@link RcloneRemote.discard} removes it.
 */
const sheltered = { sheltered: true } as const;

/** Any store that rclone knows. */
export class RcloneRemote implements Remote {
  readonly #environment: Environment;
  readonly #location: string;
  #traits: Promise<RemoteTraits> | undefined;

  /**
   * @param location a folder in rclone's notation, as parseRemoteName gives it
   * @param environment what rclone reads its own settings from
   */
  constructor(location: string, environment: Environment) {
    this.#location = location;
    this.#environment = {
      ...environment,
      [`RCLONE_CONFIG_${alias.toUpperCase()}_TYPE`]: "alias",
      [`RCLONE_CONFIG_${alias.toUpperCase()}_REMOTE`]: location,
    };
  }

  traits(signal?: AbortSignal): Promise<RemoteTraits> {
    this.#traits ??= this.#readTraits(signal).catch((error: unknown) => {
      this.#traits = undefined; // it may answer later
      throw error;
    });
    return this.#traits;
  }

  async #readTraits(signal?: AbortSignal): Promise<RemoteTraits> {
    const { String: description, Features: has } = backendFeatures.parse(
      JSON.parse(await this.#askFeatures(signal)),
    );
    return {
      description,
      // The rule that fitted every kind of remote tried: a bucket without a rename of its own commits by the upload's last request.
      atomic: has["BucketBased"] === true && has["Move"] !== true && has["PartialUploads"] !== true,
      local: description.startsWith("Local file system"),
      concurrent: has["BucketBased"] === true,
      streams: has["PutStream"] === true,
      keepsParts: description.startsWith("S3 "),
    };
  }

  async #askFeatures(signal?: AbortSignal): Promise<string> {
    try {
      return await this.#ask(["backend", "features", this.#address("")], { signal });
    } catch (error) {
      // Whatever goes wrong when rclone looks at the folder it tells as this; a listing says what it was.
      if (error instanceof RcloneFailure && /is a file not a directory/.test(error.message))
        await this.#objects(["--max-depth", "1"], { signal });
      throw error;
    }
  }

  async find(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, StoredObject>> {
    if (paths.length === 0) return new Map();
    // One process asks for each name: a listing of the folder would grow with the number of backups.
    const objects = await this.#objects(["--files-from-raw", "-"], {
      input: paths.join("\n"),
      signal,
      timeout: answerWithin + paths.length * answerEachWithin,
    });
    return new Map(objects.map((object) => [object.path, object]));
  }

  list(pattern: string, signal?: AbortSignal): Promise<StoredObject[]> {
    return this.#objects(["--include", pattern], { signal });
  }

  async inventory(signal?: AbortSignal): Promise<Map<string, number>> {
    const objects = await this.#objects(["--no-modtime"], { signal, timeout: surveyWithin });
    return new Map(objects.map(({ path, bytes }) => [path, bytes]));
  }

  async readAll(pattern: string, signal?: AbortSignal): Promise<Texts> {
    const filter = [`--include=${pattern}`, `--max-size=${longestText}B`];
    const { local } = await this.traits(signal);
    if (!local) return { named: await this.#fetch(filter, { signal }), unnamed: "" };
    // Quicker by far than to copy thousands of small files. But one after the other, and so no way over a network.
    const cat = this.#ask(["cat", ...filter, this.#address("")], { signal, timeout: surveyWithin });
    return { named: new Map(), unnamed: await this.#evenIfMissing(cat) };
  }

  async readEach(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, string>> {
    if (paths.length === 0) return new Map();
    return this.#fetch(["--files-from-raw", "-"], { input: paths.join("\n"), signal });
  }

  /** Copies objects here, many at once, and reads them. */
  async #fetch(filter: string[], options: Asking): Promise<Map<string, string>> {
    const folder = makeTemporaryFolder();
    try {
      const thrift = ["--no-check-dest", "--ignore-checksum", "--no-update-modtime"];
      const parallel = await this.#parallel(options.signal);
      const args = ["copy", ...parallel, ...thrift, ...filter, this.#address(""), folder];
      await this.#evenIfMissing(this.#ask(args, { ...options, timeout: surveyWithin }));
      return readTexts(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** Connections are dear where each is a login: an SSH server refuses more than ten that are being opened. */
  async #parallel(signal?: AbortSignal): Promise<string[]> {
    const { concurrent } = await this.traits(signal);
    return [
      `--checkers=${concurrent ? 64 : 8}`,
      `--transfers=${concurrent ? 64 : 8}`,
      "--use-server-modtime",
    ];
  }

  open(path: string, children: Subprocesses): Readable {
    return children.source(this.#command("remote", ["cat", this.#address(path)]));
  }

  write(path: string, children: Subprocesses): Promise<Writable> {
    return children.sink({ ...this.#command("upload", ["rcat", this.#address(path)]), ...sheltered });
  }

  async send(file: string, path: string, signal?: AbortSignal): Promise<void> {
    const args = ["copyto", "--ignore-times", file, this.#address(path)];
    // The name it goes to is a temporary one already: rclone need not make another.
    const defaults = { RCLONE_RETRIES_SLEEP: "5s", RCLONE_INPLACE: "true" };
    await run({ ...this.#command("upload", args, defaults), ...sheltered }, { signal });
  }

  read(path: string, signal?: AbortSignal): Promise<string> {
    return this.#ask(["cat", this.#address(path)], { signal });
  }

  async move(
    from: string,
    to: string,
    options: { replace: boolean; signal?: AbortSignal | undefined },
  ): Promise<void> {
    // Without --ignore-times rclone takes two objects of one size for the same where there are no times to compare, and drops the new one.
    const policy = options.replace ? ["--ignore-times"] : ["--ignore-existing", "--error-on-no-transfer"];
    const command = this.#command("upload", ["moveto", ...policy, this.#address(from), this.#address(to)]);
    try {
      await run(command, { signal: options.signal });
    } catch (error) {
      // rclone 1.60 counts no transfer for a rename, and says of one that took place that nothing was moved.
      const isMoved =
        error instanceof RcloneFailure &&
        error.nameTaken &&
        !(await this.find([from], options.signal)).has(from);
      if (!isMoved) throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await this.#ask(["deletefile", this.#address(path)]);
  }

  async removeAll(paths: readonly string[], signal?: AbortSignal): Promise<void> {
    if (paths.length === 0) return;
    const which = ["--files-from-raw", "-"];
    const args = ["delete", ...(await this.#parallel(signal)), ...which, this.#address("")];
    await this.#ask(args, { input: paths.join("\n"), signal, timeout: surveyWithin });
  }

  async discard(path: string, signal?: AbortSignal): Promise<void> {
    const { atomic, keepsParts } = await this.traits(signal);
    const isThere = (await this.find([path], signal)).size > 0;
    // An object of the name is whole, and may be another run's; its upload has no parts any more.
    if (keepsParts && !isThere)
      await this.#ask(["backend", "cleanup", "-o", "max-age=0s", this.#address(path)], { signal });
    else if (!atomic && isThere) await this.#ask(["deletefile", this.#address(path)], { signal });
  }

  #address(path: string): string {
    return `${alias}:${path}`;
  }

  #command(operation: Operation, args: string[], defaults: Environment = {}): Command {
    return {
      file: "rclone",
      args,
      env: { ...defaults, ...this.#environment },
      explain: (failure) => explainRclone(operation, failure, this.#location),
    };
  }

  async #objects(filter: string[], options: Asking): Promise<StoredObject[]> {
    const args = ["lsjson", "-R", "--files-only", "--no-mimetype", ...filter, this.#address("")];
    const answer = await this.#evenIfMissing(this.#ask(args, options), wholeListing);
    const entries = answer.includes("]") ? entry.array().parse(JSON.parse(answer)) : [];
    return entries.map(({ Path, Size, ModTime }) => ({ path: Path, bytes: Size, modified: ModTime }));
  }

  /**
   * An answer, or what was printed of one if all that went wrong was that a folder is missing.
   * @param whole what that must be like to count
   */
  async #evenIfMissing(answer: Promise<string>, whole = /^/): Promise<string> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof RcloneFailure) || !(error.cause instanceof SubprocessError)) throw error;
      const { exitCode, stderr, stdout } = error.cause;
      if (exitCode !== noSuchFolder || notListed.test(stderr) || !whole.test(stdout)) throw error;
      return stdout;
    }
  }

  async #ask(args: string[], options: Asking = {}): Promise<string> {
    const command = this.#command("remote", args, impatience);
    return (await run(command, { timeout: answerWithin, ...options })).stdout;
  }
}

interface Asking {
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeout?: number;
}

/** @throws BackupError if there is no place for one, as in a container whose file system is read-only */
function makeTemporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "rcdump-"));
  } catch (cause) {
    throw new BackupError("remote", `cannot write to the temporary folder ${tmpdir()}`, {
      hint: "mount a tmpfs there, or set TMPDIR to a folder that can be written to",
      cause,
    });
  }
}

/** All files in and below a folder, by their paths in it. */
function readTexts(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [relative(folder, file), readFileSync(file, "utf8")];
    }),
  );
}

const backendFeatures = z.object({
  String: z.string(),
  Features: z.record(z.string(), z.boolean()),
});

const entry = z.object({ Path: z.string(), Size: z.int(), ModTime: z.string() });
