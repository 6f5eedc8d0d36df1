import { readFileSync } from "node:fs";
import { parseCommandLine } from "./command-line.ts";
import { backup } from "./commands/backup.ts";
import { check } from "./commands/check.ts";
import { type Config, parseConfig } from "./config.ts";
import { MariaDB } from "./engines/mariadb.ts";
import { Postgres } from "./engines/postgres.ts";
import { BackupError, exitCodes } from "./errors.ts";
import { help } from "./help.ts";
import { createLogger } from "./log.ts";
import { Progress } from "./progress.ts";
import { RcloneRemote } from "./remote.ts";
import { isInstalled } from "./program.ts";
import { version } from "./version.ts";

const engines = { postgres: Postgres, mariadb: MariaDB };

const progress = new Progress(process.stderr);
const log = createLogger(
  (text) => {
    progress.clear();
    process.stderr.write(text);
  },
  { terminal: process.stderr.isTTY },
);

/**
 * Aborts at the first SIGINT or SIGTERM; the work in hand then ends, cleans up and rejects with the reason.
 * The listeners stay: without one a second signal would end the process before it has cleaned up.
 */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  process.on("SIGINT", () => controller.abort(new BackupError("interrupt", "cancelled by SIGINT")));
  process.on("SIGTERM", () => controller.abort(new BackupError("terminate", "cancelled by SIGTERM")));
  return controller.signal;
}

async function main(words: readonly string[]): Promise<void> {
  const commandLine = parseCommandLine(words);
  if (commandLine.command === "help") return void process.stdout.write(help);
  if (commandLine.command === "version") return void process.stdout.write(`rcdump ${version}\n`);
  const { command, json, dumpArguments } = commandLine;
  const signal = abortOnSignals();
  const config: Config = parseConfig(process.env, (path) => readFileSync(path, "utf8"));
  const context = {
    config,
    engine: new engines[config.engine](config.environment, dumpArguments),
    remote: new RcloneRemote(config.remote, config.environment),
    log,
    progress,
    startedAt: new Date(),
    now: () => new Date(),
    isInstalled: (program: string) => isInstalled(program, config.environment),
    signal,
    print: (text: string) => void process.stdout.write(text),
  };
  if (command === "check") await check(context, { json });
  else await backup(context);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
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
