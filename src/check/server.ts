import type { Context } from "../context.ts";
import type { Server, Target } from "../engines/engine.ts";
import { reachServer } from "../preparation.ts";
import type { Note } from "./finding.ts";

/**
 * Reaches the database server, and notes what it is.
 * @throws BackupError `connect` if it does not answer, or refuses
 */
export async function findServer(context: Context, note: Note): Promise<Server> {
  const server = await reachServer(context);
  note({ state: "ok", detail: `${server.product} at ${server.host}:${server.port}` });
  return server;
}

/**
 * Notes the programs that would dump these targets.
 * @throws BackupError `dump` if one is not installed, or older than the server
 */
export async function findDumpPrograms(
  { engine }: Context,
  server: Server,
  targets: readonly Target[],
  note: Note,
): Promise<void> {
  const found = new Set<string>();
  for (const target of targets) {
    const program = await engine.dumpProgram(target);
    engine.requireVersion(program, server);
    found.add(`${program.program} ${program.version}`);
  }
  note({ state: "ok", detail: [...found].join(", ") });
}

/** Notes each right that is missing for a dump of the target, or that none is. Throws what the engine's question throws. */
export async function findRights(
  { engine, signal }: Context,
  server: Server,
  target: Target,
  note: Note,
): Promise<void> {
  const missing = await engine.missingRights(target, server, signal);
  if (missing.length === 0) note({ state: "ok", detail: "complete" });
  for (const { right, fatal } of missing)
    note({
      detail: right,
      state: fatal ? "failed" : "warning",
      ...(fatal && { operation: "dump" }),
    });
}
