import type { Socket } from "node:net";
import { addAbortSignal, Duplex, Readable, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { execa } from "execa";
import { Child, killDelay } from "./child.ts";
import { BackupError } from "./errors.ts";
import { cannotRun, type Command, SubprocessError } from "./program.ts";
import { receiveInto } from "./pour.ts";
import { openSink } from "./sink.ts";
import { openSocketPair } from "./socket-pair.ts";
import { endAll, type Tap } from "./tap.ts";

/**
 * Runs a program to its end and returns what it wrote to stdout.
 * @param options.input written to its stdin, which is empty otherwise
 * @param options.encoding how its stdout is read; `latin1` loses no byte, whatever they mean
 * @param options.timeout milliseconds after which it is ended
 * @throws what the command's `explain` makes of it, if it did not exit with 0
 */
export async function run(
  command: Command,
  options: {
    input?: string | Uint8Array;
    encoding?: "utf8" | "latin1";
    signal?: AbortSignal | undefined;
    timeout?: number;
  } = {},
): Promise<{ stdout: string; stderr: string }> {
  const { input = "", encoding = "utf8", signal, timeout } = options;
  const result = await execa(command.file, command.args, {
    env: { ...command.env },
    extendEnv: false,
    ...(signal && { cancelSignal: signal }),
    ...(timeout !== undefined && { timeout }),
    ...(command.sheltered && { killSignal: "SIGKILL", detached: true }),
    input,
    encoding,
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
  // Errors are in UTF-8, however the rest is read.
  const stderr = Buffer.from(result.stderr, encoding).toString();
  throw command.explain(new SubprocessError(command.file, ending, stderr, result.stdout));
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
    const child = this.#start(command, "ignore", "pipe");
    const { stdout } = child;
    const stream = new Readable({
      read: () => void stdout.resume(),
      destroy: (error, done) => {
        stdout.destroy();
        done(error);
      },
    });
    passOn(stdout, stream);
    whenOver(stdout, child, stream, () => stream.push(null));
    return quiet(stream);
  }

  /**
   * Pours what a program writes to stdout into a stream, and ends that if the program has exited with 0 and all taps agree; otherwise
   * the stream is destroyed with what was wrong.
   * @param to is done with a chunk when it calls back
   */
  async pour(command: Command, taps: readonly Tap[], to: Writable): Promise<void> {
    const receiver = receiveInto(to, taps, () => pair?.connected.resume());
    const pair = await openSocketPair(receiver).catch((cause: unknown) => {
      to.destroy(cannotRun(command, cause));
    });
    if (!pair) return;
    const { connected: from, accepted } = pair;
    try {
      if (to.destroyed) return;
      const child = this.#start(command, "ignore", accepted);
      accepted.destroy();
      to.once("close", () => from.destroy());
      await finished(from, { writable: false });
      const failure = await child.exited;
      if (failure) throw failure;
      await endAll(taps);
      to.end();
    } catch (error) {
      to.destroy(error as Error);
    } finally {
      accepted.destroy();
      from.destroy();
    }
  }

  /** A program that turns its stdin into its stdout, and must read all of it. */
  duplex(command: Command): Duplex {
    return this.#through(command, { mayStopReading: false });
  }

  /**
   * A program that turns its stdin into its stdout and may stop reading when it has all it wants, as pg_restore does before the
   * padding of a tar file. What it does not read passes away, so that those before it come to their end as well.
   */
  filter(command: Command): Duplex {
    return this.#through(command, { mayStopReading: true });
  }

  #through(command: Command, { mayStopReading }: { mayStopReading: boolean }): Duplex {
    const child = this.#start(command, "pipe", "pipe");
    const { stdin, stdout } = child;
    // It ends only when both have: what it has not read must be vouched for as well.
    let [inputEnded, outputEnded] = [false, false];
    const end = (): void => {
      if (inputEnded && outputEnded) stream.push(null);
    };
    const leaveUnread = (done: (error?: Error) => void): void => {
      if (mayStopReading) done();
      else void child.exited.then((failure) => done(failure ?? child.endedEarly()));
    };
    const stream = new Duplex({
      write: (chunk: Buffer, _encoding, done) => {
        let isTaken = false;
        stdin.write(chunk, (error) => {
          if (isTaken) return;
          // A write that is under way when the program goes is called back without an error.
          if (error || stdin.destroyed) leaveUnread(done);
          else done();
        });
        // Whoever writes is told at once: it takes a turn of the event loop to call back.
        isTaken = stdin.writableLength === 0 && stdin.writable;
        if (isTaken) done();
      },
      final: (done) => {
        // It has gone without having seen the end.
        if (stdin.destroyed && !mayStopReading) return leaveUnread(done);
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
    passOn(stdout, stream);
    whenOver(stdout, child, stream, () => {
      outputEnded = true;
      end();
    });
    return quiet(stream);
  }

  /** A program that takes end-of-file on its stdin for success, as {@link openSink} has it. */
  async sink(command: Command): Promise<Writable> {
    const { child, stream } = await openSink(command);
    this.#track(child.exited);
    return addAbortSignal(this.#signal, quiet(stream));
  }

  #start(command: Command, ...channels: [stdin: "ignore" | "pipe", stdout: "pipe" | Socket]): Child {
    const child = new Child(command, ...channels);
    const stop = (): void => void child.stop("SIGTERM");
    this.#signal.addEventListener("abort", stop);
    void child.exited.then(() => this.#signal.removeEventListener("abort", stop));
    if (this.#signal.aborted) stop();
    this.#track(child.exited);
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

/** What is read of a child's stdout is given on as fast as it is taken. */
function passOn(stdout: Readable, stream: Readable): void {
  stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) stdout.pause();
  });
}

/** Calls back when a child has written its last and exited with 0; otherwise destroys the stream. */
function whenOver(stdout: Readable, child: Child, stream: Readable, callback: () => void): void {
  let hasEnded = false;
  stdout.once("end", () => void (hasEnded = true));
  void child.exited.then((failure) => {
    if (failure || !hasEnded) stream.destroy(failure ?? child.endedEarly());
    else callback();
  });
}

/** Whoever uses a stream is told by the pipeline; an error that comes before or after it is no reason to crash. */
function quiet<T extends Readable | Writable>(stream: T): T {
  stream.on("error", () => {});
  return stream;
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
