import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Environment } from "./environment.ts";

/** A program to run. */
export interface Command {
  readonly file: string;
  /** Every user of the machine can read these: no secrets. */
  readonly args: readonly string[];
  /** Its whole environment: nothing is added. */
  readonly env: Environment;
  /**
   * Whether it must get no signal that asks it to end, and so is in a session of its own, where no Ctrl-C reaches it. One that is
   * reading its stdin sees that break, and is given time to clear up; then, or if not, SIGKILL ends it. All others are ended by SIGTERM, and
   * by SIGKILL if they do not obey.
   */
  readonly sheltered?: boolean;
  /** Whether gigabytes pass through its stdin or stdout, which its C library would read and write in blocks of 4 KiB. */
  readonly movesMuch?: boolean;
  /** Called when it has gone, however it ended, and also if it could not be started. For {@link Subprocesses.sink} only. */
  readonly cleanUp?: () => void;
  /** What to tell the user when it fails. */
  explain(failure: SubprocessError): Error;
  /** Whether it did what it was run for although it failed: at something that it does afterwards. For {@link Subprocesses.sink} only. */
  readonly isDone?: (failure: SubprocessError) => boolean;
  /** Reads what it writes to stderr, for a program whose exit code of 0 does not mean that all went well. For {@link Subprocesses.sink} only. */
  readonly review?: () => Review;
}

/** What a program says while it runs, and what is to be made of it. */
export interface Review {
  /** Takes a line, without its end. */
  line(text: string): void;
  /** What went wrong although the program exited with 0. */
  verdict(): Error | undefined;
}

/** A child process that could not be started, exited with a code other than 0, or died by a signal. */
export class SubprocessError extends Error {
  override readonly name = "SubprocessError";
  readonly file: string;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The last lines the program wrote to stderr. */
  readonly stderr: string;
  /** What it wrote to stdout, if that was not streamed. */
  readonly stdout: string;

  constructor(file: string, end: Ending, stderr: string, stdout = "") {
    super(`${file} ${describeEnding(end)}`, end.cause === undefined ? undefined : { cause: end.cause });
    this.file = file;
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.stderr = stderr.trim();
    this.stdout = stdout;
  }
}

/** How a process ended. */
export interface Ending {
  exitCode?: number | undefined;
  signal?: string | undefined;
  /** How long it was given, in milliseconds, if it was ended for taking longer. */
  overdue?: number | undefined;
  cause?: unknown;
}

/** Of what this machine gives a process no more. */
const reasons: Readonly<Record<string, string>> = {
  EMFILE: ": too many open files, see ulimit -n",
  ENFILE: ": too many open files",
  EAGAIN: ": too many processes, see ulimit -u",
  ENOMEM: ": out of memory",
};

function describeEnding({ exitCode, signal, overdue, cause }: Ending): string {
  if (overdue !== undefined) return `gave no answer within ${Number((overdue / 1000).toPrecision(2))} s`;
  if (signal !== undefined)
    return `was ended by ${signal}${signal === "SIGKILL" ? ", perhaps for want of memory" : ""}`;
  if (exitCode !== undefined) return `exited with code ${exitCode}`;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === "ENOENT") return "is not installed";
  return code === undefined ? "could not be run" : `could not be run (${code}${reasons[code] ?? ""})`;
}

/** What to say if there is no way to stream to or from a program. */
export function cannotRun(command: Command, cause: unknown): Error {
  return command.explain(new SubprocessError(command.file, { cause }, ""));
}

/** The same program, through which gigabytes pass. */
export function movingMuch(command: Command): Command {
  return { ...command, movesMuch: true };
}

/**
 * What coreutils' stdbuf does its work by: loaded into a program, it makes the buffers of its stdin and stdout as large as the
 * environment says (src/libstdbuf.c there). Without stdbuf itself the program keeps its name, and its errors their words.
 */
const largerBuffers = "/usr/libexec/coreutils/libstdbuf.so";

/** Bytes that a program which moves much reads or writes at a time. */
const blockSize = String(64 * 1024);

/**
 * The environment to start a program in. One that moves much has larger buffers where there is the library for it: a sixteenth of
 * the calls costs a third less of the processor, on its side and on the other. (pg_dump from 16 on opens its stdout anew, and keeps its blocks.)
 */
export function environmentOf({ env, movesMuch }: Command, library = largerBuffers): Environment {
  if (!movesMuch || !existsSync(library)) return env;
  const { LD_PRELOAD: own = "" } = env;
  return {
    ...env,
    LD_PRELOAD: own === "" ? library : `${library}:${own}`,
    _STDBUF_I: blockSize,
    _STDBUF_O: blockSize,
  };
}

/** Whether a program of this name can be found on the PATH of `env`. */
export function isInstalled(name: string, env: Environment): boolean {
  return (env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
