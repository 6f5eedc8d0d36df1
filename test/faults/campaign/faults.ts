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
  /** How long an undisturbed run takes, and the upload in it, in milliseconds. */
  readonly runTime: number;
  readonly uploadTime: number;
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
  /** Does the harm, at a moment of its own; false if what it is done to had gone before. */
  readonly strike?: Strike;
}

/** @param share a random number from 0 to 1, which decides on the moment */
type Strike = (victim: Victim, share: number) => Promise<boolean>;

/** Kills a child of this name, some time after it has appeared. */
function killChild(name: string): Strike {
  return async ({ run, ended, uploadTime }, share) => {
    const find = (): number | undefined => processesOf(run).find((process) => process.name === name)?.pid;
    let child = find();
    while (child === undefined && !ended()) {
      await delay(2);
      child = find();
    }
    await delay(share * uploadTime);
    child = find();
    return child !== undefined && kill(child, "SIGKILL");
  };
}

function signalEntrypoint(signal: NodeJS.Signals): Strike {
  return async ({ pid, ended, runTime }, share) => {
    await delay(share * runTime);
    return !ended() && kill(pid, signal);
  };
}

/** Ends the dump's session on the server, as a proxy that gives up or an administrator does. */
const cutConnection: Strike = async ({ database, run, ended, uploadTime }, share) => {
  const dumps = `FROM pg_stat_activity WHERE application_name = '${run}' AND query ~ 'COPY'`;
  const ask = async (what: string): Promise<number> =>
    Number(await database.psql("postgres", `SELECT count(${what}) ${dumps}`));
  while ((await ask("*")) === 0 && !ended());
  await delay(share * uploadTime);
  return (await ask("pg_terminate_backend(pid)")) > 0;
};

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
  { name: "server connection cut", strike: cutConnection },
  { name: "entrypoint gets SIGTERM", strike: signalEntrypoint("SIGTERM") },
  { name: "entrypoint gets SIGINT", strike: signalEntrypoint("SIGINT") },
  { name: "entrypoint gets SIGKILL", strike: signalEntrypoint("SIGKILL") },
];
