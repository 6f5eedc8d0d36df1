import { readCatalogue, type StoredBackup, subjectOf } from "../catalogue.ts";
import { isChosen, nothingFound } from "../choice.ts";
import type { OptionsOf } from "../command-line.ts";
import type { Context } from "../context.ts";
import { BackupError } from "../errors.ts";
import { formatBytes, formatTime } from "../format.ts";
import { carryOutVerdicts, findAbandoned, findUnfinished, judge } from "../pruning.ts";
import { isPruneJournal } from "../prune-journal.ts";
import type { Verdict } from "../retention.ts";
import { formatTable } from "../table.ts";

/**
 * Removes the backups of this engine that KEEP_* does not keep, and shows each with the reason.
 * @throws BackupError `configuration` if nothing says what is to be kept, `remote` if the store refuses
 */
export async function prune(context: Context, options: OptionsOf<"prune">): Promise<void> {
  const { config, engine, remote, log, print, signal } = context;
  const { retention } = config;
  const isDryRun = options["dry-run"] === true;
  if (retention === undefined && options.incomplete !== true)
    throw new BackupError("configuration", "no KEEP_* is set, so that all backups are kept", {
      hint: "say what to keep, for instance KEEP_DAILY=7 and KEEP_WEEKLY=5, or add --incomplete for what was cut off",
    });
  const catalogue = await readCatalogue(remote, signal);
  const backups = catalogue.backups.filter(
    ({ manifest }) => manifest.engine === engine.name && isChosen(options, manifest),
  );
  const isFiltered = options.database !== undefined || options.server !== undefined;
  if (backups.length === 0 && isFiltered) throw nothingFound(options, catalogue.backups);
  const verdicts = retention ? judge(context, backups, retention) : [];
  const abandoned = options.incomplete === true ? await findAbandoned(context, catalogue) : [];
  const unfinished = options.incomplete === true ? await findUnfinished(context) : [];
  const cutOff = [...abandoned, ...unfinished];
  print(
    options.json === true ? toJson(verdicts, cutOff) : toTable(verdicts, cutOff, config.timeZone, isDryRun),
  );
  if (isDryRun && [...catalogue.sizes.keys()].some(isPruneJournal))
    log.info("an earlier prune was cut off, and the next one removes what it had begun to remove");
  const removed = isDryRun
    ? verdicts.filter(({ keep }) => !keep).map(({ backup }) => backup.path)
    : await carryOutVerdicts(context, catalogue, verdicts, abandoned, unfinished);
  log.info(summarise(verdicts, new Set(removed), cutOff, isDryRun));
}

function summarise(
  verdicts: readonly Verdict<StoredBackup>[],
  removed: ReadonlySet<string>,
  cutOff: readonly string[],
  isDryRun: boolean,
): string {
  const gone = verdicts.filter(({ backup }) => removed.has(backup.path));
  const bytes = gone.reduce((total, { backup }) => total + backup.bytes, 0);
  const unfinished = cutOff.length === 0 ? "" : `, and ${cutOff.length} unfinished uploads`;
  return `${isDryRun ? "would remove" : "removed"} ${gone.length} of ${verdicts.length} backups, ${formatBytes(bytes)}${unfinished}`;
}

/** All of them for who wants to see the reasons; otherwise what goes. */
function toTable(
  verdicts: readonly Verdict<StoredBackup>[],
  cutOff: readonly string[],
  timeZone: string,
  isDryRun: boolean,
): string {
  const shown = verdicts.filter(({ keep }) => isDryRun || !keep);
  const rows = [
    ...shown.map(({ backup, keep, reasons }) => [
      keep ? "keep" : "remove",
      formatTime(backup.startedAt, timeZone),
      subjectOf(backup.manifest),
      formatBytes(backup.manifest.stored.bytes),
      backup.path,
      reasons.join(", "),
    ]),
    ...cutOff.map((path) => ["remove", "-", "-", "-", path, "an upload that was cut off"]),
  ];
  if (rows.length === 0) return "";
  return formatTable([["", `WHEN (${timeZone})`, "DATABASE", "STORED", "PATH", "WHY"], ...rows]);
}

function toJson(verdicts: readonly Verdict<StoredBackup>[], cutOff: readonly string[]): string {
  const result = {
    backups: verdicts.map(({ backup, keep, reasons }) => ({
      path: backup.path,
      database: backup.manifest.database,
      started: backup.manifest.started,
      bytes: backup.manifest.stored.bytes,
      keep,
      reasons,
    })),
    incomplete: cutOff,
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}
