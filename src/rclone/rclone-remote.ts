import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Environment } from "./environment.ts";
import { BackupError, type Operation } from "./errors.ts";
import { type Backend, backendsOf } from "./rclone-backends.ts";
import { explainRclone, RcloneFailure } from "./rclone-failure.ts";
import { readSize } from "./rclone-size.ts";
import { type Command, SubprocessError } from "./program.ts";
import { alwaysFits, planStream, type StreamLimit, type StreamPlan } from "./stream-chunks.ts";
import { run, type Subprocesses } from "./subprocess.ts";
import { longestText, type Remote, type RemoteTraits, type StoredObject, type Texts } from "./remote.ts";

/**
 * The name under which the remote is handed to rclone: by environment, so that no secret of a connection string is in argv.
 * Not one that a user would give a remote, which would then be this one.
 */
const alias = "rcdump_folder";

/**
 * A question about a few objects takes rclone some milliseconds, and to start takes it sixty: fifteen less if its garbage collector waits for
 * 16 MiB. Not for what is about all objects, whose memory would grow by it.
 */
const quickStart = { GOGC: "400" };

/** A remote that is down should be found out in seconds; rclone's own patience (minutes) is kept for uploads. */
const impatience = { RCLONE_LOW_LEVEL_RETRIES: "3", RCLONE_CONTIMEOUT: "15s", RCLONE_TIMEOUT: "30s" };

/**
 * A move is the last thing but one of a backup and is not cancelled, so it has to end by itself. rclone multiplies its retries: with
 * its own settings it would wait for a store that hangs for more than a day.
 */
const boundedPatience = {
  ...quickStart,
  RCLONE_LOW_LEVEL_RETRIES: "3",
  RCLONE_RETRIES: "2",
  RCLONE_TIMEOUT: "2m",
};

/** The least that rclone buffers in, in bytes. Source: BufferSize of its fs/asyncreader. */
const leastBuffer = 1024 * 1024;

/** How often a rename is tried whose object is still where it was. */
const moveTries = 3;

/** Before it is tried again, in milliseconds. */
const pauseBetweenMoves = 1000;

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

/** What rclone says of a disk that takes no more. */
const noRoom = /no space left|remaining disk space|file too large/;

/** A listing that was not cut off: with an end; of what does not exist rclone prints no more than the beginning. */
const wholeListing = /^(?:\s*\[?|.*\])\s*$/s;

/**
 * At SIGTERM and SIGINT rclone cancels the upload of parts and aborts it, but the loop that it cancels may take that for the end and complete the
 * upload with the parts that are there (lib/multipart, UploadMultipart): a truncated object under the final name. When its stdin breaks it
 * does no such thing, and removes all that it has stored so far on every kind of store, pieces that nobody else can see among it.
 */
const sheltered = { sheltered: true } as const;

/** Else rclone wants to create the bucket first, and to look at the object afterwards. Other stores know no credentials that may only write. */
const unseeing = { RCLONE_S3_NO_CHECK_BUCKET: "true", RCLONE_S3_NO_HEAD: "true" };

/**
 * rclone looks at what it has streamed even so, after the store has said that the object is complete. If it may not, that is all that went
 * wrong; whether the object has its size is looked at when it is committed, as far as it may be.
 */
function isStoredUnseen({ stderr }: SubprocessError): boolean {
  const errors = stderr.split("\n").filter((line) => /\bERROR\b|\bFailed to rcat\b/.test(line));
  return (
    errors.length > 0 &&
    errors.every((line) => /operation error S3: HeadObject,.* StatusCode: 403\b/.test(line))
  );
}

/** Any store that rclone knows. */
export class RcloneRemote implements Remote {
  readonly #environment: Environment;
  readonly #location: string;
  #traits: Promise<RemoteTraits> | undefined;
  /** False once the store has said that these credentials may not look at what is there. */
  #mayLook = true;
  #backends: Promise<Backend[]> | undefined;

  /**
   * @param location a folder in rclone's notation, as parseRemoteName gives it
   * @param environment what rclone reads its own settings from
   */
  constructor(location: string, environment: Environment) {
    this.#location = location;
    this.#environment = {
      ...environment,
      [`RCLONE_CONFIG_${alias.toUpperCase()}_TYPE`]: "alias",
      // Without a slash rclone asks whether it is a file, and takes an answer that it may not ask for a yes.
      [`RCLONE_CONFIG_${alias.toUpperCase()}_REMOTE`]: location.replace(/(?<=[^:/])$/, "/"),
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
    // The rule that fitted every kind of remote tried: a bucket without a rename of its own commits by the upload's last request. SMB
    // calls its shares buckets, and is no such thing.
    const storesObjects =
      has["BucketBased"] === true && has["Move"] !== true && has["PartialUploads"] !== true;
    return {
      description,
      atomic: storesObjects,
      local: description.startsWith("Local file system"),
      folder: /^Local file system at (.*)$/s.exec(description)?.[1],
      concurrent: storesObjects,
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
    const asking = this.#objects(["--files-from-raw", "-"], {
      input: paths.join("\n"),
      signal,
      timeout: answerWithin + paths.length * answerEachWithin,
    });
    const objects = await asking.catch((error: unknown) => {
      if (error instanceof RcloneFailure && error.forbidden) this.#mayLook = false;
      throw error;
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
    } catch (error) {
      if (error instanceof RcloneFailure && noRoom.test(error.message)) throw noTemporaryFolder(error);
      throw error;
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

  async write(path: string, children: Subprocesses, dump?: { bytes: number | undefined }): Promise<Writable> {
    const { environment } = await this.#planStream(dump ? dump.bytes : 0);
    const args = ["rcat", this.#address(path)];
    const defaults = dump ? environment : { ...impatience, ...environment };
    const command = this.#command("upload", args, { ...defaults, ...(!this.#mayLook && unseeing) });
    return children.sink({
      ...command,
      env: { ...(await this.#unhashed()), ...command.env, ...this.#steadyBuffer() },
      ...sheltered,
      isDone: isStoredUnseen,
    });
  }

  /**
   * A stream that breaks off tells it once; whoever reads on sees an end of file. rclone's buffer remembers, but has none below a mebibyte:
   * then rclone 1.60 stores the first 100 KiB, and crypt what came before.
   */
  #steadyBuffer(): Environment {
    const { RCLONE_BUFFER_SIZE: own } = this.#environment;
    const isSteady = own === undefined || (readSize(own) ?? 0) >= leastBuffer;
    return isSteady ? {} : { RCLONE_BUFFER_SIZE: `${leastBuffer}B` };
  }

  /**
   * rclone digests what it streams, and asks for the store's own digest afterwards: most of the processor's time that it takes. On a local
   * disk that only reads again what is in memory still. (On S3 there is none of a large object to be asked for, but a small one
   * would be sent without Content-MD5, which Object Lock demands.)
   */
  async #unhashed(): Promise<Environment> {
    const { local } = await this.traits();
    return local ? { RCLONE_IGNORE_CHECKSUM: "true" } : {};
  }

  streamLimit(bytes: number | undefined, signal?: AbortSignal): Promise<StreamLimit> {
    return this.#planStream(bytes, signal);
  }

  async #planStream(bytes: number | undefined, signal?: AbortSignal): Promise<StreamPlan> {
    const isSmall = bytes !== undefined && bytes <= alwaysFits;
    // What cannot be streamed rclone spools, and then it knows how long it is.
    if (isSmall || !(await this.traits(signal)).streams) return planStream([], bytes);
    this.#backends ??= this.#readBackends(signal).catch((error: unknown) => {
      this.#backends = undefined;
      throw error;
    });
    return planStream(await this.#backends, bytes);
  }

  async #readBackends(signal?: AbortSignal): Promise<Backend[]> {
    const sections = configuration.parse(JSON.parse(await this.#ask(["config", "dump"], { signal })));
    return backendsOf(this.#location, sections, this.#environment);
  }

  async send(file: string, path: string, signal?: AbortSignal): Promise<void> {
    const args = ["copyto", "--ignore-times", "--no-check-dest", file, this.#address(path)];
    // The name it goes to is a temporary one already: rclone need not make another.
    const defaults = {
      RCLONE_RETRIES_SLEEP: "5s",
      RCLONE_INPLACE: "true",
      ...(!this.#mayLook && unseeing),
    };
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
    const { atomic } = await this.traits(options.signal);
    // If the answer to a rename is lost and rclone asks again, there are servers (those made with golang.org/x/net/webdav) that remove what
    // has the name, and only then notice that nothing is there any more to be renamed. So it is looked at before.
    const once = atomic ? [] : ["--low-level-retries=1", "--retries=1"];
    const args = ["moveto", ...policy, ...once, this.#address(from), this.#address(to)];
    const command = this.#command("upload", args, boundedPatience);
    for (let triesLeft = atomic ? 1 : moveTries; ;) {
      try {
        await run(command, { signal: options.signal });
        return;
      } catch (error) {
        if (!(error instanceof RcloneFailure)) throw error;
        triesLeft--;
        const isThere = await this.find([from], options.signal).then(
          (found) => found.has(from),
          () => undefined,
        );
        // rclone 1.60 counts no transfer for a rename, and says of one that took place that nothing was moved.
        if (error.nameTaken && isThere === false) return;
        if (isThere !== true || triesLeft === 0 || error.nameTaken || error.forbidden) throw error;
        await delay(pauseBetweenMoves, undefined, { signal: options.signal });
      }
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

  async unfinishedUploads(before: Date, signal?: AbortSignal): Promise<string[]> {
    const { description, keepsParts } = await this.traits(signal);
    if (!keepsParts) return [];
    const [, folder = ""] = /^S3 bucket \S+ path (.*)$/s.exec(description) ?? [];
    const answer = await this.#ask(["backend", "list-multipart-uploads", this.#address("")], { signal });
    const uploads = Object.values(multipartUploads.parse(JSON.parse(answer))).flatMap((each) => each ?? []);
    // A store looks for what begins with the folder's name: that may be another folder.
    const start = folder === "" ? "" : `${folder}/`;
    const paths = uploads
      .filter(({ Key, Initiated }) => Key.startsWith(start) && Date.parse(Initiated) < before.getTime())
      .map(({ Key }) => Key.slice(start.length));
    // rclone takes the path of an object for no place to look for uploads.
    const objects = await this.find(paths, signal);
    return paths.filter((path) => !objects.has(path));
  }

  async abortUploads(path: string, before: Date, signal?: AbortSignal): Promise<void> {
    const age = Math.max(0, Math.ceil((Date.now() - before.getTime()) / 1000));
    await this.#ask(["backend", "cleanup", "-o", `max-age=${age}s`, this.#address(path)], { signal });
  }

  async discard(path: string, signal?: AbortSignal): Promise<void> {
    const { atomic, keepsParts } = await this.traits(signal);
    const isThere = (await this.find([path], signal)).size > 0;
    // An object of the name is whole, and may be another run's; its upload has no parts any more.
    if (keepsParts && !isThere) await this.abortUploads(path, new Date(), signal);
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
    const isSmall = options.timeout !== surveyWithin;
    const command = this.#command("remote", args, { ...impatience, ...(isSmall && quickStart) });
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
    throw noTemporaryFolder(cause);
  }
}

function noTemporaryFolder(cause: unknown): BackupError {
  return new BackupError("remote", `cannot write to the temporary folder ${tmpdir()}`, {
    hint: "mount a tmpfs there, or set TMPDIR to a folder that can be written to and has room",
    cause,
  });
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

const configuration = z.record(z.string(), z.record(z.string(), z.string()));

/** By bucket. */
const multipartUploads = z.record(
  z.string(),
  z.array(z.object({ Key: z.string(), Initiated: z.string() })).nullable(),
);

const backendFeatures = z.object({
  String: z.string(),
  Features: z.record(z.string(), z.boolean()),
});

const entry = z.object({ Path: z.string(), Size: z.int(), ModTime: z.string() });
