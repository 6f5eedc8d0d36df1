import type { Context } from "../context.ts";
import { sizeOf } from "../dump-size.ts";
import type { Server } from "../engines/engine.ts";
import type { PlannedDump } from "../plan.ts";
import { planRun } from "../preparation.ts";
import { formatShard } from "../shard.ts";
import type { Note } from "./finding.ts";

/** A dump that a run would make. */
export interface ExpectedDump extends PlannedDump {
  /** Of the database on the server's disk. */
  readonly bytes: number | undefined;
}

/**
 * Plans a run, and notes how many dumps it would make.
 * @throws BackupError `configuration` if the settings give no plan for this server
 */
export function expectDumps(context: Context, server: Server, note: Note): ExpectedDump[] {
  const { dumps, all } = planRun(context, server);
  const { shard } = context.config;
  const total = all.length === 1 ? "1 dump" : `${all.length} dumps`;
  const count = shard ? `shard ${formatShard(shard)} has ${dumps.length} of ${total}` : total;
  note({ state: "ok", detail: dumps.length === 0 ? count : `${count}, listed below` });
  return dumps.map((dump) => ({
    ...dump,
    bytes: dump.target.scope === "globals" ? undefined : sizeOf(dump.target, server),
  }));
}
