import { type Catalogue, groupBySeries, readCatalogue, seriesOf, type StoredBackup } from "./catalogue.ts";
import { runOfPartial } from "./destination.ts";
import type { Context } from "./context.ts";
import { BackupError } from "./errors.ts";
import { startOfRun } from "./job.ts";
import { finishEarlierPrunes, removeBackups } from "./prune-journal.ts";
import { RcloneFailure } from "./rclone/failure.ts";
import { applyRetention, type RetentionPolicy, type Verdict } from "./retention.ts";

/** How old an upload must be to be taken for one that was cut off, in milliseconds. */
const abandonedAfter = 24 * 3600 * 1000;

/** The same of one of which nothing tells whether it goes on, in milliseconds: the most that BACKUP_TIMEOUT can be. */
const unfinishedAfter = 7 * 24 * 3600 * 1000;

/** Judges each series of backups by itself: the newest of each stays. */
export function judge(
  { config, now }: Context,
  backups: readonly StoredBackup[],
  policy: RetentionPolicy,
  protectedPaths?: ReadonlySet<string>,
): Verdict<StoredBackup>[] {
  const options = { now: now(), timeZone: config.timeZone, protectedPaths };
  return groupBySeries(backups).flatMap((series) => applyRetention(series, policy, options));
}

/**
 * Removes the backups that are judged so, what earlier prunes were cut off in removing, and uploads that were cut off.
 * @param abandoned as {@link findAbandoned} finds them
 * @param unfinished as {@link findUnfinished} finds them
 * @returns the paths of the backups that were removed: those stay that were replaced meanwhile
 * @throws BackupError `remote` if the store refuses
 */
export async function carryOutVerdicts(
  { remote, log, now, signal }: Context,
  { sizes }: Catalogue,
  verdicts: readonly Verdict<StoredBackup>[],
  abandoned: readonly string[] = [],
  unfinished: readonly string[] = [],
): Promise<string[]> {
  const moment = { now: now(), signal };
  const doomed = verdicts.filter(({ keep }) => !keep).map(({ backup }) => backup);
  try {
    for (const path of await finishEarlierPrunes(remote, sizes, moment))
      log.info({ path }, `removed ${path}, which an earlier prune had begun to remove`);
    const removed = await removeBackups(remote, doomed, moment);
    await remote.removeAll(abandoned, signal);
    for (const path of unfinished) await remote.abortUploads(path, unfinishedBefore(moment.now), signal);
    return removed;
  } catch (error) {
    if (!(error instanceof RcloneFailure && error.forbidden)) throw error;
    throw new BackupError(
      "remote",
      `these credentials may not remove ${nameSome(doomed)}: ${error.message}`,
      {
        hint: "allow it, or unset KEEP_* and leave the removal to rules of the store's own",
        cause: error,
      },
    );
  }
}

function nameSome(doomed: readonly StoredBackup[]): string {
  const [first, ...others] = doomed;
  if (first === undefined) return "what is left over";
  if (others.length === 0) return `the backup ${first.path}`;
  return `the backup ${first.path} and ${others.length} more`;
}

/**
 * Those uploads that were cut off: they began more than a day ago, and nobody has written to them for a day.
 * @throws BackupError `remote` if the store does not answer
 */
export async function findAbandoned(
  { remote, now, signal }: Context,
  { leftovers }: Catalogue,
): Promise<string[]> {
  const limit = now().getTime() - abandonedAfter;
  const old = leftovers.filter(({ path }) => {
    const began = startOfRun(runOfPartial(path) ?? "");
    return began !== undefined && began.getTime() < limit;
  });
  if (old.length === 0) return [];
  const objects = await remote.find(
    old.map(({ path }) => path),
    signal,
  );
  return [...objects.values()].filter(({ modified }) => Date.parse(modified) < limit).map(({ path }) => path);
}

/**
 * The paths to which uploads were begun more than a week ago of which the store keeps parts, unseen. There is no telling whether they are
 * still under way; none of rcdump's takes longer.
 */
export function findUnfinished({ remote, now, signal }: Context): Promise<string[]> {
  return remote.unfinishedUploads(unfinishedBefore(now()), signal);
}

function unfinishedBefore(now: Date): Date {
  return new Date(now.getTime() - unfinishedAfter);
}

/**
 * Removes earlier backups of what was just backed up, and of nothing else. Failing at that takes nothing from the backup,
 * and fails no job: a retry would only make another one.
 */
export async function pruneAfter(
  context: Context,
  made: readonly Pick<StoredBackup, "path" | "manifest">[],
): Promise<void> {
  const { config, remote, log, signal } = context;
  if (config.retention === undefined || made.length === 0) return;
  const series = new Set(made.map(({ manifest }) => seriesOf(manifest)));
  try {
    const catalogue = await readCatalogue(remote, signal);
    const backups = catalogue.backups.filter(({ manifest }) => series.has(seriesOf(manifest)));
    const protectedPaths = new Set(made.map(({ path }) => path));
    const verdicts = judge(context, backups, config.retention, protectedPaths);
    const removed = await carryOutVerdicts(context, catalogue, verdicts);
    if (removed.length > 0)
      log.info({ removed }, `pruned ${removed.length} of ${verdicts.length} backups: ${removed.join(", ")}`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BackupError)) throw error;
    log.warn({ hint: error.hint }, `could not prune: ${error.message}`);
  }
}
