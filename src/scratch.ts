import { randomInt } from "node:crypto";
import type { Context } from "./context.ts";
import type { Server } from "./engines/engine.ts";

/** The databases that verify and restore make for a while, by purpose, the minute in which they were made, and chance. */
const form = /^rcdump_(?:verify|restore)_([0-9a-f]{7})[0-9a-f]{5}$/;

const minute = 60_000;

/** After how long one that nobody is connected to is no longer anybody's, in milliseconds: a run is gone from it for moments only. */
const abandonedAfter = 12 * 60 * minute;

/** A name for such a database that there is not yet. */
export function scratchName(purpose: "verify" | "restore", now: Date): string {
  const made = hex(Math.floor(now.getTime() / minute), 7);
  return `rcdump_${purpose}_${made}${hex(randomInt(16 ** 5), 5)}`;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}

/** Whether a database is one of these. */
export function isScratch(name: string): boolean {
  return form.test(name);
}

/** Whether it is one of these, and so old that its run must have ended. */
function isOld(name: string, now: Date): boolean {
  const made = form.exec(name)?.[1];
  return made !== undefined && now.getTime() - Number.parseInt(made, 16) * minute >= abandonedAfter;
}

/**
 * Removes what runs have left on the server that were killed. What anybody is connected to stays. Failing at it is told, and harms
 * nothing.
 */
export async function dropAbandoned(
  { engine, log, now, signal }: Context,
  { databases }: Server,
): Promise<void> {
  const { restorer } = engine;
  for (const { name } of databases.filter((database) => isOld(database.name, now()))) {
    try {
      const state = await restorer.inspect(name, signal);
      if (state === undefined || state.sessions > 0) continue;
      await restorer.drop(name, { endSessions: false });
      log.info({ database: name }, `dropped ${name}, which a run left that did not come to its end`);
    } catch (error) {
      signal.throwIfAborted();
      log.warn(`could not drop ${name}, which a run left that did not come to its end: ${String(error)}`);
    }
  }
}
