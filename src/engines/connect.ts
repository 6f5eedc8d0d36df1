import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../log.ts";
import { type Engine, type Server, Unreachable } from "./engine.ts";

/** Seconds between two attempts. */
const interval = 1;

/** Seconds between two lines of log. */
const reportEvery = 5;

/**
 * Reaches a server, and gives one that does not answer yet some time.
 * @param options.wait seconds; a server that answers and refuses is not waited for
 * @param options.databases names that the user gave literally
 */
export async function connect(
  engine: Engine,
  options: { wait: number; databases: readonly string[]; log: Logger; signal: AbortSignal },
): Promise<Server> {
  const { wait, databases, log, signal } = options;
  const start = performance.now();
  let reported = -Infinity;
  for (;;) {
    try {
      return await engine.connect(databases, signal);
    } catch (error) {
      const waited = (performance.now() - start) / 1000;
      if (!(error instanceof Unreachable) || waited >= wait) throw error;
      if (waited - reported >= reportEvery) {
        log.info(
          { waited: Math.round(waited), wait },
          `waiting for the server, ${Math.round(waited)} s of ${wait} s: ${error.message}`,
        );
        reported = waited;
      }
    }
    await delay(interval * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
