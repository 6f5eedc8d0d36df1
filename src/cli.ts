import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseCommandLine } from "./command-line.ts";
import { backup } from "./commands/backup.ts";
import { check } from "./commands/check.ts";
import { list } from "./commands/list.ts";
import { prune } from "./commands/prune.ts";
import { restore } from "./commands/restore.ts";
import { status } from "./commands/status.ts";
import { verify } from "./commands/verify.ts";
import { parseConfig } from "./config.ts";
import type { Context } from "./context.ts";
import { MariaDB } from "./engines/mariadb.ts";
import { Postgres } from "./engines/postgres.ts";
import { BackupError, exitCodes } from "./errors.ts";
import { commandHelp, help } from "./help.ts";
import { decodeText, readIdentities } from "./key-files.ts";
import { createLogger } from "./log.ts";
import { Progress } from "./progress.ts";
import { RcloneRemote } from "./rclone/rclone-remote.ts";
import { isInstalled } from "./program.ts";
import { vanishing } from "./vanishing.ts";
import { version } from "./version.ts";

const engines = { postgres: Postgres, mariadb: MariaDB };

/** How long a log that nobody reads may keep a run that is over, in milliseconds. */
const logPatience = 2000;

// A log that cannot be written takes nothing from a backup: its reader may have gone, or its disk be full.
process.stderr.on("error", () => {});
let outputFailure: Error | undefined;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Who reads only the first lines wants no more.
  if (error.code !== "EPIPE") outputFailure = error;
});

const progress = new Progress(process.stderr);
const log = createLogger(
  (text) => {
    progress.clear();
    process.stderr.write(text);
  },
  { terminal: process.stderr.isTTY },
);

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, which a terminal sends that is closed; the work in hand then ends, cleans up and rejects with the reason.
 * The listeners stay: without one a second signal would end the process before it has cleaned up.
 */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  process.on("SIGINT", () => controller.abort(new BackupError("interrupt", "cancelled by SIGINT")));
  process.on("SIGTERM", () => controller.abort(new BackupError("terminate", "cancelled by SIGTERM")));
  process.on("SIGHUP", () => controller.abort(new BackupError("hangup", "cancelled by SIGHUP")));
  return controller.signal;
}

/** Asks a person to go on; anything but yes means no. Undefined if nobody is there to answer. */
async function ask(question: string, signal: AbortSignal): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // In raw mode Ctrl-C is a key.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } catch (error) {
    signal.throwIfAborted();
    // Ctrl-D.
    if ((error as Error).name === "AbortError") return false;
    throw error;
  } finally {
    terminal.close();
  }
}

async function main(words: readonly string[]): Promise<void> {
  const line = parseCommandLine(words);
  if (line.command === "help")
    return void process.stdout.write(line.about === undefined ? help : commandHelp[line.about]);
  if (line.command === "version") return void process.stdout.write(`rcdump ${version}\n`);
  const signal = abortOnSignals();
  const purpose = line.command === "backup" || line.command === "check" ? "backup" : "stored";
  const config = parseConfig(process.env, (path) => decodeText(readFileSync(path)), purpose);
  const context: Context = {
    config,
    engine: new engines[config.engine](config.environment, line.programArguments),
    remote: new RcloneRemote(config.remote, config.environment),
    log,
    progress,
    startedAt: new Date(),
    now: () => new Date(),
    // The first process of a container, or what its init has started: when it ends, so does the container.
    vanishing: (folder) => (process.pid === 1 || process.ppid === 1 ? vanishing(folder) : undefined),
    isInstalled: (program) => isInstalled(program, config.environment),
    signal,
    identities: () => readIdentities(config.environment, (path) => readFileSync(path)),
    ask: (question) => ask(question, signal),
    print: (text) => void process.stdout.write(text),
  };
  switch (line.command) {
    case "backup":
      return backup(context);
    case "check":
      return check(context, line.options);
    case "list":
      return list(context, line.options);
    case "verify":
      return verify(context, line.options);
    case "restore":
      return restore(context, line.options);
    case "prune":
      return prune(context, line.options);
    case "status":
      return status(context, line.options);
  }
}

/** Says what went wrong, and exits with its code. */
function report(error: unknown): void {
  if (error instanceof BackupError) {
    process.exitCode = exitCodes[error.operation];
    log.error({ operation: error.operation, hint: error.hint }, error.message);
  } else {
    process.exitCode = exitCodes.unexpected;
    log.error(
      { operation: "unexpected" },
      `this is a defect of rcdump: ${(error as Error).stack ?? String(error)}`,
    );
  }
}

/** Resolves when all that was written so far has been read, or cannot be. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

await main(process.argv.slice(2)).catch(report);
await drained(process.stdout);
if (outputFailure && process.exitCode === undefined)
  report(new BackupError("unexpected", `cannot write what was asked for: ${outputFailure.message}`));
await Promise.race([drained(process.stderr), delay(logPatience)]);
process.exit();
