import type { Writable } from "node:stream";
import { z } from "zod";
import type { Environment } from "../environment.ts";
import type { SubprocessError } from "../program.ts";
import { type Backend, backendsOf } from "./backends.ts";
import { readSize } from "./size.ts";
import type { DumpUpload, RemoteTraits } from "../remote.ts";
import { alwaysFits, planStream, type StreamPlan } from "../stream-chunks.ts";
import { run, type Subprocesses } from "../subprocess.ts";
import { makeTemporaryFolder, removeTemporaryFolder } from "../temporary-folder.ts";
import { AskedOnce } from "./asked-once.ts";
import { impatience, type Rclone } from "./rclone.ts";

/** The least that rclone buffers in, in bytes. Source: BufferSize of its fs/asyncreader. */
const leastBuffer = 1024 * 1024;

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

const configuration = z.record(z.string(), z.record(z.string(), z.string()));

/** What brings objects into a remote. */
export class RcloneUploads {
  /** False once the store has said that these credentials may not look at what is there. */
  mayLook = true;
  readonly #rclone: Rclone;
  readonly #traits: (signal?: AbortSignal) => Promise<RemoteTraits>;
  readonly #backends: AskedOnce<Backend[]>;

  constructor(rclone: Rclone, traits: (signal?: AbortSignal) => Promise<RemoteTraits>) {
    this.#rclone = rclone;
    this.#traits = traits;
    this.#backends = new AskedOnce((signal) => this.#readBackends(signal));
  }

  /** As {@link Remote.write} has it. */
  async stream(path: string, children: Subprocesses, dump?: DumpUpload): Promise<Writable> {
    const { environment } = await this.plan(dump ? dump.bytes : 0);
    const args = ["rcat", this.#rclone.address(path)];
    const defaults = dump ? environment : { ...impatience, ...environment };
    const command = this.#rclone.command("upload", args, { ...defaults, ...this.#unseeing() });
    const unhashed = await this.#unhashed();
    const spool = dump && (await this.#makeSpoolFolder(dump.runId));
    return children.sink({
      ...command,
      env: { ...unhashed, ...command.env, ...this.#steadyBuffer(), ...spool?.environment },
      ...sheltered,
      isDone: isStoredUnseen,
      ...(spool && { cleanUp: spool.remove }),
    });
  }

  /** Uploads a local file, with rclone's own retries. */
  async send(file: string, path: string, signal?: AbortSignal): Promise<void> {
    const args = ["copyto", "--ignore-times", "--no-check-dest", file, this.#rclone.address(path)];
    // The name it goes to is a temporary one already: rclone need not make another.
    const defaults = { RCLONE_RETRIES_SLEEP: "5s", RCLONE_INPLACE: "true", ...this.#unseeing() };
    await run({ ...this.#rclone.command("upload", args, defaults), ...sheltered }, { signal });
  }

  /**
   * How a dump is streamed.
   * @param bytes the size of its database; undefined if it is not known
   */
  async plan(bytes: number | undefined, signal?: AbortSignal): Promise<StreamPlan> {
    const isSmall = bytes !== undefined && bytes <= alwaysFits;
    // What cannot be streamed rclone spools, and then it knows how long it is.
    if (isSmall || !(await this.#traits(signal)).streams) return planStream([], bytes);
    return planStream(await this.#backends.get(signal), bytes);
  }

  async #readBackends(signal?: AbortSignal): Promise<Backend[]> {
    const { location, environment } = this.#rclone;
    const answer = await this.#rclone.ask(["config", "dump"], { signal });
    return backendsOf(location, configuration.parse(JSON.parse(answer)), environment);
  }

  #unseeing(): Environment {
    return this.mayLook ? {} : unseeing;
  }

  /**
   * A stream that breaks off tells it once; whoever reads on sees an end of file. rclone's buffer remembers, but has none below a mebibyte:
   * then rclone 1.60 stores the first 100 KiB, and crypt what came before.
   */
  #steadyBuffer(): Environment {
    const { RCLONE_BUFFER_SIZE: own } = this.#rclone.environment;
    const isSteady = own === undefined || (readSize(own) ?? 0) >= leastBuffer;
    return isSteady ? {} : { RCLONE_BUFFER_SIZE: `${leastBuffer}B` };
  }

  /**
   * A place of its own for the dump where the store takes no stream: rclone writes all of it to a file first, and leaves that when it is killed. None
   * where the user has chosen the place.
   */
  async #makeSpoolFolder(
    runId: string,
  ): Promise<{ environment: Environment; remove: () => void } | undefined> {
    const { streams } = await this.#traits();
    if (streams || this.#rclone.environment["RCLONE_TEMP_DIR"] !== undefined) return undefined;
    const folder = makeTemporaryFolder("upload", runId);
    return { environment: { TMPDIR: folder }, remove: () => removeTemporaryFolder(folder) };
  }

  /**
   * rclone digests what it streams, and asks for the store's own digest afterwards: most of the processor's time that it takes. On a local
   * disk that only reads again what is in memory still. (On S3 there is none of a large object to be asked for, but a small one
   * would be sent without Content-MD5, which Object Lock demands.)
   */
  async #unhashed(): Promise<Environment> {
    const { local } = await this.#traits();
    return local ? { RCLONE_IGNORE_CHECKSUM: "true" } : {};
  }
}
