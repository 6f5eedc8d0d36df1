import { accessSync, constants } from "node:fs";
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
   * Whether it must not be asked to end, only ended: by SIGKILL, and in a session of its own, where no Ctrl-C reaches it. All others are
   * ended by SIGTERM, and by SIGKILL if they do not obey.
   */
  readonly sheltered?: boolean;
  /** What to tell the user when it fails. */
  explain(failure: SubprocessError): Error;
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
  cause?: unknown;
}

function describeEnding({ exitCode, signal, cause }: Ending): string {
  if (signal !== undefined) return `was ended by ${signal}`;
  if (exitCode !== undefined) return `exited with code ${exitCode}`;
  if ((cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return "is not installed";
  return "could not be run";
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
