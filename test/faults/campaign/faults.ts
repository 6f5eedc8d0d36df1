import { chmodSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PostgresServer } from "../../fixtures/postgres.ts";
import { processesOf } from "./processes.ts";

/** A run that is under way. */
export interface Victim {
  readonly run: string;
  /** The entrypoint. */
  readonly pid: number;
  readonly database: PostgresServer;
  /** Whether the entrypoint has ended. */
  readonly ended: () => boolean;
}

export interface Fault {
  readonly name: string;
  /** What the environment of the run has to have. */
  readonly prepare?: (
    folder: string,
    random: () => number,
    env: Record<string, string>,
  ) => Record<string, string>;
  /** Does the harm; false if the run had ended before. */
  readonly strike?: Strike;
}

type Strike = (victim: Victim) => Promise<boolean>;

/** Kills a child of this name, or waits for one to appear. */
function killChild(name: string): Strike {
  return async ({ run, ended }) => {
    while (!ended()) {
      const child = processesOf(run).find((process) => process.name === name);
      if (child && kill(child.pid, "SIGKILL")) return true;
      await delay(2);
    }
    return false;
  };
}

function signalEntrypoint(signal: NodeJS.Signals): Strike {
  return async ({ pid, ended }) => !ended() && kill(pid, signal);
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * A pg_dump that writes good bytes and then fails: the real one cannot be made to. What comes out is the real dump, cut
 * anywhere or not at all.
 */
function dumpThatFails(
  folder: string,
  random: () => number,
  env: Record<string, string>,
): Record<string, string> {
  const bytes = Math.floor(random() * 28_000_000);
  const real = (env["PATH"] ?? "").split(delimiter);
  const script = `#!/bin/sh
PATH=${real.join(delimiter)}
[ "$1" = --version ] && exec pg_dump "$@"
pg_dump "$@" | head -c ${bytes}
exit 1
`;
  writeFileSync(join(folder, "pg_dump"), script);
  chmodSync(join(folder, "pg_dump"), 0o755);
  return { PATH: [folder, ...real].join(delimiter) };
}

export const faults: readonly Fault[] = [
  { name: "dump dies", strike: killChild("pg_dump") },
  { name: "dump exits 1 after good bytes", prepare: dumpThatFails },
  { name: "compressor dies", strike: killChild("igzip") },
  { name: "rclone dies", strike: killChild("rclone") },
  {
    name: "server connection cut",
    strike: async ({ database, run, ended }) => {
      while (!ended()) {
        const cut = await database.psql(
          "postgres",
          `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${run}' AND backend_type = 'client backend') AS cut`,
        );
        if (cut.trim() !== "0") return true;
      }
      return false;
    },
  },
  { name: "entrypoint gets SIGTERM", strike: signalEntrypoint("SIGTERM") },
  { name: "entrypoint gets SIGINT", strike: signalEntrypoint("SIGINT") },
  { name: "entrypoint gets SIGKILL", strike: signalEntrypoint("SIGKILL") },
];
