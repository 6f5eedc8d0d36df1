import type { Context } from "./context.ts";
import { connect } from "./engines/connect.ts";
import type { Engine, Server, Target } from "./engines/engine.ts";
import { BackupError } from "./errors.ts";
import { type PlannedDump, planDumps } from "./plan.ts";
import { isLiteral, selectDatabases } from "./selection.ts";
import { isInShard } from "./shard.ts";

/** Reaches the server that the settings name, and waits for it as long as they say. */
export function reachServer({ engine, config, log, signal }: Context): Promise<Server> {
  const databases = (config.databases ?? []).filter(isLiteral);
  return connect(engine, { wait: config.wait, databases, log, signal });
}

/**
 * What is restored was dumped already: of the arguments for the database's programs only those that say how to reach the server
 * have an effect.
 * @throws BackupError `configuration` if there are others
 */
export function refuseDumpOptions({ dumpOptions }: Engine, command: string): void {
  if (dumpOptions.length === 0) return;
  throw new BackupError("configuration", `${command} has no use for ${dumpOptions.join(" ")} behind --`, {
    hint: "behind -- stand options that say how to reach the server; rcdump's own go before it",
  });
}

/** What a run is to make. */
export interface RunPlan {
  /** Those of its shard; all of them if there are no shards. */
  readonly dumps: readonly PlannedDump[];
  /** Those of all shards together. */
  readonly all: readonly PlannedDump[];
}

/**
 * The dumps that the settings ask for on this server. What is wrong with those of any shard is wrong for each: two shards
 * must not write to one path. Throws what planDumps and selectDatabases throw.
 */
export function planRun({ config, engine, startedAt }: Context, server: Server): RunPlan {
  const { fileName, timeZone, recipients, shard } = config;
  const naming = {
    fileName,
    timeZone,
    format: engine.format,
    compression: config.compression.format,
    encrypted: recipients.length > 0,
  };
  const all = planDumps(selectTargets(config, server), naming, startedAt);
  return { dumps: shard ? all.filter(({ target }) => isInShard(target, shard)) : all, all };
}

function selectTargets({ databases, globals }: Context["config"], server: Server): Target[] {
  if (databases === undefined) return [{ scope: "server" }];
  const existing = server.databases.map(({ name }) => name);
  const selected = selectDatabases(databases, existing);
  return [
    ...selected.map((database): Target => ({ scope: "database", database })),
    ...(globals ? [{ scope: "globals" } as const] : []),
  ];
}
