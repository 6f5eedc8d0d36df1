import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { type Command, type Ending, environmentOf, SubprocessError } from "./program.ts";

/** How long a child may take to obey SIGTERM before SIGKILL, in milliseconds; half of Docker's grace period. */
export const killDelay = 5000;

/** Bytes of stderr that are kept for the error message. */
const stderrKept = 8192;

/** A stream of a child: none, one of this process, or a socket that the child has for itself. */
type Channel = "ignore" | "pipe" | Socket;

/** A child process whose stdin and stdout are streamed. */
export class Child {
  /** A pipe to its stdin. That it breaks is no event: how the child ended tells why. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when it has gone and its streams are closed, to what went wrong, if anything did. */
  readonly exited: Promise<Error | undefined>;
  readonly #command: Command;
  /** Undefined if it could not even be tried. */
  readonly #process: ChildProcess | undefined;
  readonly #stderr: Tail;

  constructor(command: Command, stdin: Channel, stdout: Channel) {
    this.#command = command;
    const { child, cause } = start(command, [stdin, stdout, "pipe"]);
    this.#process = child;
    // There are none if this process may open no more files; the event that says so is still to come.
    this.stdin = (child?.stdin ?? new PassThrough()).on("error", () => {});
    this.stdout = (child?.stdout ?? new PassThrough()).on("error", () => {});
    const stderr = child?.stderr ?? new PassThrough();
    this.#stderr = new Tail(stderr);
    const review = command.review?.();
    if (review) createInterface({ input: stderr }).on("line", (text) => review.line(text));
    this.exited = new Promise((resolve) => {
      const settle = (end: Ending): void => {
        cleanUpAfter(command);
        if (end.exitCode === 0) return resolve(review?.verdict());
        const failure = new SubprocessError(command.file, end, this.#stderr.text());
        resolve(command.isDone?.(failure) === true ? undefined : command.explain(failure));
      };
      if (!child) return settle({ cause });
      child.on("error", (error) => settle({ cause: error }));
      child.once("close", (exitCode, signal) =>
        settle({ exitCode: exitCode ?? undefined, signal: signal ?? undefined }),
      );
    });
  }

  /** What to say of it if it has exited with 0 and was not to end yet. */
  endedEarly(): Error {
    return this.#command.explain(
      new SubprocessError(this.#command.file, { exitCode: 0 }, this.#stderr.text()),
    );
  }

  /** Calls back when the process itself has gone; what it has started may live on and have its streams. */
  onceGone(callback: () => void): void {
    this.#process?.once("exit", callback);
  }

  /**
   * Ends it, by SIGKILL if it does not obey, or does not end by itself. Resolves when it has gone.
   * @param signal that asks it to; none if it knows already
   */
  async stop(signal: NodeJS.Signals | undefined): Promise<void> {
    if (signal !== undefined) this.#kill(signal);
    const timer = setTimeout(() => {
      this.#kill("SIGKILL");
      // What it has started may live on and hold it.
      this.#process?.stderr?.destroy();
    }, killDelay);
    // What nobody reads any more would keep it from being closed.
    this.stdin.destroy();
    this.stdout.destroy();
    await this.exited;
    clearTimeout(timer);
  }

  /** Without a process id the signal would go to this process's own group. */
  #kill(signal: NodeJS.Signals): void {
    if (this.#process?.pid !== undefined) this.#process.kill(signal);
  }
}

/** Failing at that is no failure of the program's: what stays is found by the next good run. */
export function cleanUpAfter({ cleanUp }: Command): void {
  try {
    cleanUp?.();
  } catch {
    // Such as a disk that has become read-only.
  }
}

function start(command: Command, stdio: StdioOptions): { child?: ChildProcess; cause?: unknown } {
  const { file, args, sheltered = false } = command;
  try {
    return { child: spawn(file, args, { env: environmentOf(command), stdio, detached: sheltered }) };
  } catch (cause) {
    // Such as arguments that are too long, or no memory; of most other troubles an event tells.
    return { cause };
  }
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
