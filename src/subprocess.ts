import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { addAbortSignal, Duplex, type Readable, Writable } from "node:stream";
import { execa, type ResultPromise } from "execa";
import { BackupError } from "./errors.ts";
import { openGuardedPipe } from "./guarded-pipe.ts";
import { type Command, type Ending, SubprocessError } from "./program.ts";

/** How long a child may take to obey SIGTERM before SIGKILL, in milliseconds; half of Docker's grace period. */
const killDelay = 5000;

/** Bytes of stderr that are kept for the error message. */
const stderrKept = 8192;

/**
 * Runs a program to its end and returns what it wrote to stdout.
 * @param options.input written to its stdin, which is empty otherwise
 * @param options.timeout milliseconds after which it is ended
 * @throws what the command's `explain` makes of it, if it did not exit with 0
 */
export async function run(
  command: Command,
  options: { input?: string; signal?: AbortSignal | undefined; timeout?: number } = {},
): Promise<{ stdout: string; stderr: string }> {
  const { input = "", signal, timeout } = options;
  const result = await execa(command.file, command.args, {
    env: { ...command.env },
    extendEnv: false,
    ...(signal && { cancelSignal: signal }),
    ...(timeout !== undefined && { timeout }),
    ...(command.sheltered && { killSignal: "SIGKILL", detached: true }),
    input,
    reject: false,
    cleanup: false,
    stripFinalNewline: false,
    forceKillAfterDelay: killDelay,
    maxBuffer: 512 * 1024 * 1024,
  });
  if (!result.failed) return result;
  signal?.throwIfAborted();
  const { exitCode, cause, timedOut } = result; // the cause is lost by a spread
  const ending = { exitCode, signal: result.signal, cause, overdue: timedOut ? timeout : undefined };
  throw command.explain(new SubprocessError(command.file, ending, result.stderr, result.stdout));
}

/**
 * The children of one piece of work. Every stream made here obeys the same rule: what a child writes
 * ends only if the child exited with 0, otherwise the stream fails. When `signal` aborts all of them
 * are ended, by SIGTERM unless they are sheltered, and after five seconds by SIGKILL.
 */
export class Subprocesses {
  readonly #running = new Set<Promise<void>>();
  readonly #signal: AbortSignal;
  #failure: Error | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** The first child that failed: when one stage breaks, the others break after it and only blur the cause. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves when every child started here has gone. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** What a program writes to stdout. */
  source(command: Command): Readable {
    return quiet(this.#start(command, "ignore").readable());
  }

  /** A program that turns its stdin into its stdout. */
  duplex(command: Command): Duplex {
    return quiet(this.#start(command, "pipe").duplex());
  }

  /**
   * A program that turns its stdin into its stdout and may stop reading when it has all it wants, as pg_restore does before the
   * padding of a tar file. What it does not read passes away, so that those before it come to their end as well.
   */
  filter(command: Command): Duplex {
    const child = this.#start(command, "pipe");
    const { stdin } = child;
    if (stdin === null) throw new Error("a child that was started with a pipe has none");
    const stdout = child.readable();
    let isReading = true;
    const stop = (): void => void (isReading = false);
    // It ends only when both have: what it has not read must be vouched for as well.
    let [inputEnded, outputEnded] = [false, false];
    const end = (): void => {
      if (inputEnded && outputEnded) stream.push(null);
    };
    stdin.on("error", stop).on("close", stop);
    const stream = new Duplex({
      write: (chunk: Buffer, _encoding, done) => {
        if (isReading) stdin.write(chunk, () => done());
        else done();
      },
      final: (done) => {
        stdin.end();
        inputEnded = true;
        end();
        done();
      },
      read: () => void stdout.resume(),
      destroy: (error, done) => {
        stdin.destroy();
        stdout.destroy();
        done(error);
      },
    });
    stdout.on("data", (chunk: Buffer) => {
      if (!stream.push(chunk)) stdout.pause();
    });
    const noteEnd = (): void => {
      outputEnded = true;
      end();
    };
    stdout.on("end", noteEnd).on("error", (error) => stream.destroy(error));
    return quiet(stream);
  }

  /**
   * A program that takes end-of-file on its stdin for success, as `rclone rcat` does. It sees one only if the stream
   * was ended and everything before it was fine; if the stream is destroyed the program is ended while its stdin is
   * still open. The stream finishes when the program has exited with 0.
   */
  async sink(command: Command): Promise<Writable> {
    const { reader, writer } = await openGuardedPipe();
    const child = spawn(command.file, command.args, {
      env: command.env,
      stdio: [reader, "ignore", "pipe"],
      detached: command.sheltered ?? false,
    });
    reader.destroy();
    writer.on("error", () => {}); // the child has gone; its exit says why
    const stderr = new Tail(child.stderr);
    const review = command.review?.();
    if (review) createInterface({ input: child.stderr }).on("line", (text) => review.line(text));
    const exited = new Promise<Error | undefined>((resolve) => {
      const settle = (end: Ending): void => {
        if (end.exitCode === 0) return resolve(review?.verdict());
        const failure = new SubprocessError(command.file, end, stderr.text());
        resolve(command.isDone?.(failure) === true ? undefined : command.explain(failure));
      };
      child.once("error", (cause) => settle({ cause }));
      child.once("close", (exitCode, signal) =>
        settle({ exitCode: exitCode ?? undefined, signal: signal ?? undefined }),
      );
    });
    this.#track(exited);

    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        writer.write(chunk, (error) => {
          if (error) void exited.then((failure) => done(failure ?? error));
          else done();
        });
      },
      final: (done) => {
        writer.end();
        void exited.then(done);
      },
      destroy: (error, done) => {
        // rclone removes what it has stored so far when its stdin breaks, and nobody can when it is killed.
        const mayClearUp = command.sheltered === true && !stream.writableEnded;
        if (mayClearUp) writer.destroy();
        // What a wrapper script has started lives on, and reads a broken pipe as soon as the wrapper has gone.
        else child.once("exit", () => writer.destroy());
        const signal = command.sheltered ? "SIGKILL" : "SIGTERM";
        void stop(child, mayClearUp ? undefined : signal, exited).then(() => {
          writer.destroy();
          done(error);
        });
      },
    });
    void exited.then((failure) => {
      if (stream.writableEnded) return;
      stream.destroy(
        failure ?? command.explain(new SubprocessError(command.file, { exitCode: 0 }, stderr.text())),
      );
    });
    return addAbortSignal(this.#signal, quiet(stream));
  }

  #start(command: Command, stdin: "ignore" | "pipe"): ResultPromise<StreamOptions> {
    const child = execa(command.file, command.args, {
      env: { ...command.env },
      extendEnv: false,
      cancelSignal: this.#signal,
      stdin,
      ...streamOptions,
    });
    const stderr = new Tail(child.stderr);
    this.#track(
      child.then(
        () => undefined,
        (end: Ending) => command.explain(new SubprocessError(command.file, end, stderr.text())),
      ),
    );
    return child;
  }

  #track(exited: Promise<Error | undefined>): void {
    const settled = exited.then((failure) => {
      this.#failure ??= failure;
      this.#running.delete(settled);
    });
    this.#running.add(settled);
  }
}

/**
 * Does work with children of its own, all of which have gone when this returns or throws.
 * @throws what broke first: when one child fails the streams around it fail too, each with an error that says less
 */
export async function withSubprocesses<T>(
  signal: AbortSignal | undefined,
  work: (children: Subprocesses) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const abort = new AbortController();
  const children = new Subprocesses(signal ? AbortSignal.any([signal, abort.signal]) : abort.signal);
  try {
    return await work(children);
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof BackupError ? error : (children.failure ?? error);
  } finally {
    abort.abort();
    await children.ended();
  }
}

const streamOptions = {
  buffer: false,
  encoding: "buffer",
  stdout: "pipe",
  stderr: "pipe",
  forceKillAfterDelay: killDelay,
  // Signals are cli.ts's to act on; a child whose parent has gone finds its pipe closed.
  cleanup: false,
} as const;
type StreamOptions = typeof streamOptions & { stdin: "ignore" | "pipe" };

/** Whoever uses a stream is told by the pipeline; an error that comes before or after it is no reason to crash. */
function quiet<T extends Readable | Writable>(stream: T): T {
  stream.on("error", () => {});
  return stream;
}

/** Ends a child, by SIGKILL if it does not obey, or does not end by itself. Resolves when it has gone. */
async function stop(
  child: ReturnType<typeof spawn>,
  signal: NodeJS.Signals | undefined,
  exited: Promise<unknown>,
): Promise<void> {
  if (signal !== undefined) child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), killDelay);
  await exited;
  clearTimeout(timer);
}

/** The end of what a program writes to stderr. */
class Tail {
  #text = "";

  constructor(stream: Readable) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      this.#text = (this.#text + text).slice(-stderrKept);
    });
  }

  text(): string {
    return this.#text;
  }
}
