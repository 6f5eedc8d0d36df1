import type { Compressor } from "../compression.ts";
import type { Context } from "../context.ts";
import type { Deadline } from "../deadline.ts";
import type { Measure } from "../digest.ts";
import {
  type CharacterSet,
  type Dump,
  type DumpProgram,
  type Server,
  targetName,
} from "../engines/engine.ts";
import { BackupError } from "../errors.ts";
import type { Manifest } from "../manifest.ts";
import { type Stages, storeDump } from "../pipeline.ts";
import type { PlannedDump } from "../plan.ts";
import { toolName } from "../version.ts";
import type { OnRewritten } from "./rewritten-tables.ts";

/** Everything one backup needs that was found out before. */
export interface Job {
  readonly planned: PlannedDump;
  readonly runId: string;
  readonly server: Server;
  readonly program: DumpProgram;
  readonly dump: Dump;
  readonly compressor: Compressor | undefined;
  /** When this dump began; its run may have made others before. */
  readonly startedAt: Date;
  readonly onRewritten: OnRewritten;
}

/**
 * Makes a dump and says what it is.
 * @param open where it goes
 */
export async function runDump(
  context: Context,
  job: Job,
  deadline: Deadline,
  open: Stages["open"],
): Promise<Omit<Manifest, "readBack">> {
  const { config, progress, log } = context;
  let stopShowing = (): void => {};
  try {
    const measures = await storeDump(
      {
        dump: job.dump,
        // A custom-format dump is compressed already.
        compressor: job.dump.format === "custom" ? undefined : job.compressor,
        recipients: config.recipients,
        open,
        onBeginning: (signal) => lookForRewrites(job, log, signal),
        onStart: (meter, isStoreAwaited) => {
          const isStaged = config.spoolFolder !== undefined;
          deadline.follow(() => ({
            awaited: !isStaged && isStoreAwaited() ? "store" : "dump",
            dumped: meter.plain(),
          }));
          stopShowing = progress.track(targetName(job.planned.target), "dumping", meter, log);
        },
      },
      deadline.signal,
    );
    return describe(context, job, measures);
  } finally {
    stopShowing();
  }
}

async function lookForRewrites(
  { dump, planned: { target }, onRewritten }: Job,
  log: Context["log"],
  signal: AbortSignal,
): Promise<void> {
  const tables = await dump.rewrittenTables?.(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    const [reason, hint] =
      error instanceof BackupError ? [error.message, error.hint] : [String(error), undefined];
    log.warn(
      { database: targetName(target), hint },
      `${targetName(target)}: could not look whether tables were rewritten as the dump began, whose rows would be missing: ${reason}`,
    );
  });
  if (tables && tables.length > 0) onRewritten(tables);
}

interface Measures {
  readonly plain: Measure;
  readonly stored: Measure;
}

function describe(context: Context, job: Job, measures: Measures): Omit<Manifest, "readBack"> {
  const { config, engine, now } = context;
  const { planned, server, program, dump, compressor, startedAt } = job;
  const { target } = planned;
  return {
    schemaVersion: 1,
    tool: toolName,
    object: planned.path,
    engine: engine.name,
    scope: target.scope,
    database: target.scope === "database" ? target.database : null,
    characterSet: characterSetOf(job),
    server: { host: server.host, port: server.port, version: server.version },
    client: program,
    arguments: [...dump.arguments],
    format: dump.format,
    compression: compressor && dump.format !== "custom" ? config.compression.format : "none",
    recipients: config.recipients.map(({ fingerprint }) => fingerprint),
    started: startedAt.toISOString(),
    // The clock may have been set back meanwhile.
    finished: new Date(Math.max(now().getTime(), startedAt.getTime())).toISOString(),
    ...measures,
  };
}

function characterSetOf({ planned: { target }, server }: Job): CharacterSet | undefined {
  if (target.scope !== "database") return undefined;
  return server.databases.find(({ name }) => name === target.database)?.characterSet;
}
