import pLimit from "p-limit";
import { attempt, type Outcome, report } from "../backup/outcome.ts";
import { deliverUnsent, warnOfForgotten } from "../backup/unsent-dumps.ts";
import { warnOfLimits, warnOfVanishing } from "../backup/warnings.ts";
import { type Destination, reserve } from "../destination.ts";
import { chooseCompressor } from "../compression.ts";
import type { Context } from "../context.ts";
import type { Deadline } from "../deadline.ts";
import { type DumpProgram, type Server, targetName } from "../engines/engine.ts";
import { jobId, newRunId } from "../job.ts";
import { noteAbandonedDumps, noteAbandonedFolders, noteAbandonedUploads, type Sweep } from "../leftovers.ts";
import { stageBackup, streamBackup } from "../backup/make-backup.ts";
import type { Job } from "../backup/run-dump.ts";
import type { Manifest } from "../manifest.ts";
import type { PlannedDump } from "../plan.ts";
import { planRun, reachServer } from "../preparation.ts";
import { pruneAfter } from "../pruning.ts";
import { RcloneFailure } from "../rclone/failure.ts";
import { withoutOptions } from "../remote-name.ts";
import { beginAgainIfRewritten } from "../backup/rewritten-tables.ts";
import { formatShard } from "../shard.ts";
import { Spool } from "../spool.ts";

/** A dump that is going to be made, and the job it is a run of. */
interface Run {
  readonly planned: PlannedDump;
  readonly program: DumpProgram;
  readonly job: string;
  readonly runId: string;
}

/**
 * Backs up every database that the settings name. One that fails does not stop the others.
 * @throws BackupError of the operation that failed, or `partial` if some dumps were stored and others were not
 */
export async function backup(context: Context): Promise<void> {
  const { config, engine, log, signal, startedAt } = context;
  const server = await reachBoth(context);
  const { dumps, all } = planRun(context, server);
  if (dumps.length === 0 && config.shard) {
    const shard = formatShard(config.shard);
    const total = all.length;
    log.info({ shard, total }, `nothing to back up: shard ${shard} has 0 of ${total} dumps`);
    return;
  }
  const jobOf = ({ target }: PlannedDump): string =>
    jobId(engine.name, server, target, { folder: withoutOptions(config.remote), fileName: config.fileName });
  const runs: Run[] = [];
  for (const dump of dumps) {
    const program = await engine.dumpProgram(dump.target);
    engine.requireVersion(program, server);
    const job = jobOf(dump);
    runs.push({ planned: dump, program, job, runId: newRunId(job, startedAt) });
  }
  const spool = config.spoolFolder === undefined ? undefined : new Spool(config.spoolFolder);
  const destinations = await reserveAll(context, runs, spool !== undefined);
  await warnOfVanishing(context);
  if (!spool) await warnOfLimits(context, server, dumps);
  const jobs = new Set(runs.map(({ job }) => job));
  const sweeps = noteLeftovers(context, jobs, destinations, spool);

  const forgotten = (await spool?.unsentOfOthers(new Set(all.map(jobOf)))) ?? [];
  const unsent = (await spool?.unsent(jobs)) ?? [];
  const send = async (): Promise<Outcome[]> => (spool ? deliverUnsent(context, spool, unsent) : []);
  // A store that does not answer must not keep the dumps from being made.
  const isAnswering = destinations.size > 0;
  const outcomes = isAnswering ? await send() : [];
  const limit = pLimit(config.concurrency);
  const store = (run: Run): Promise<Outcome> =>
    limit(() =>
      attempt(context, targetName(run.planned.target), run.job, run.planned.path, (deadline) =>
        backUp(context, server, run, destinations.get(run), spool, deadline),
      ),
    );
  outcomes.push(...(await Promise.all(runs.map(store))));
  if (!isAnswering) outcomes.push(...(await send()));
  signal.throwIfAborted();
  await sweepAfter(outcomes, await sweeps, log);
  warnOfForgotten(forgotten, log);
  await pruneAfter(
    context,
    outcomes.flatMap(({ made }) => made ?? []),
  );
  report(outcomes);
}

/**
 * The server, while rclone is asked about the remote to save time. A remote that the settings do not name ends the wait
 * for a server; whatever else is wrong with it is told when names are reserved.
 */
async function reachBoth(context: Context): Promise<Server> {
  const { remote, signal } = context;
  const [misconfigured, failed] = [new AbortController(), new AbortController()];
  const asking = remote.traits(AbortSignal.any([signal, failed.signal])).catch((error: unknown) => {
    if (error instanceof RcloneFailure && error.misconfigured) misconfigured.abort(error);
  });
  try {
    return await reachServer({ ...context, signal: AbortSignal.any([signal, misconfigured.signal]) });
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    await asking;
  }
}

/** A store that does not answer stops a run before anything is dumped, unless the dumps can wait in the spool folder. */
async function reserveAll(
  { remote, config, log, signal }: Context,
  runs: readonly Run[],
  canWait: boolean,
): Promise<Map<Run, Destination>> {
  const wanted = runs.map(({ planned, runId }) => ({ path: planned.path, runId }));
  try {
    const destinations = await reserve(remote, wanted, { overwrite: config.overwrite, signal });
    return new Map(runs.flatMap((run, index) => (destinations[index] ? [[run, destinations[index]]] : [])));
  } catch (error) {
    if (!canWait || !(error instanceof RcloneFailure) || error.misconfigured) throw error;
    log.warn(
      { hint: error.hint },
      `${error.message}; the dumps are made all the same and kept in the spool folder`,
    );
    return new Map();
  }
}

/** Only uploads that went to a name of their own first can have left one. */
function noteLeftovers(
  context: Context,
  jobs: ReadonlySet<string>,
  destinations: Map<Run, Destination>,
  spool: Spool | undefined,
): Promise<Sweep[]> {
  const { remote, log, signal } = context;
  const aside = [...destinations.values()].some(({ path, place }) => path !== place);
  const notes = [
    ...(aside ? [noteAbandonedUploads(remote, jobs, signal)] : []),
    ...(spool ? [noteAbandonedDumps(spool, jobs)] : []),
    noteAbandonedFolders(jobs),
  ];
  return Promise.all(
    notes.map((note) =>
      note.catch((error: unknown) => {
        if (!signal.aborted) log.warn(`cannot look for what earlier runs left: ${String(error)}`);
        return async () => [];
      }),
    ),
  );
}

async function backUp(
  context: Context,
  server: Server,
  run: Run,
  destination: Destination | undefined,
  spool: Spool | undefined,
  deadline: Deadline,
): Promise<Manifest> {
  const { engine, config, isInstalled, log, now } = context;
  const { planned, program, runId } = run;
  for (const omission of await engine.omissions(planned.target, server, deadline.signal))
    log.warn({ database: targetName(planned.target) }, `${targetName(planned.target)}: ${omission}`);
  const compressor = chooseCompressor(config.compression, isInstalled);
  return beginAgainIfRewritten(log, targetName(planned.target), async (onRewritten) => {
    const dump = await engine.dump(planned.target, server, deadline.signal);
    const job: Job = { planned, runId, server, program, dump, compressor, startedAt: now(), onRewritten };
    if (spool) return stageBackup(context, job, spool, deadline);
    if (!destination) throw new Error(`no destination was reserved for ${planned.path}`);
    return streamBackup(context, job, destination, deadline);
  });
}

/** After a good run of a job, what its earlier runs left is cleared away. Failing at that takes nothing from the backup. */
async function sweepAfter(
  outcomes: readonly Outcome[],
  sweeps: readonly Sweep[],
  log: Context["log"],
): Promise<void> {
  const good = new Set(outcomes.filter(({ error }) => error === undefined).map(({ job }) => job));
  for (const sweep of sweeps) {
    try {
      for (const name of await sweep(good)) log.info(`removed ${name}, which an earlier run left unfinished`);
    } catch (error) {
      log.warn(`cannot remove what earlier runs left: ${String(error)}`);
    }
  }
}
