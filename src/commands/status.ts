import { readCatalogue, serverOf } from "../catalogue.ts";
import { refuseMonths } from "../choice.ts";
import type { OptionsOf } from "../command-line.ts";
import type { Context } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { BackupError } from "../errors.ts";
import { formatAge, formatBytes, formatTime } from "../format.ts";
import { type Freshness, judgeFreshness } from "../freshness.ts";
import { toOpenMetrics } from "../metrics.ts";
import { formatTable } from "../table.ts";

/**
 * Tells how old the newest backup of each database is, by the remote alone.
 * @throws BackupError `freshness` if one is missing or too old
 */
export async function status(context: Context, options: OptionsOf<"status">): Promise<void> {
  const { config, engine, remote, log, print, signal } = context;
  if (options.json === true && options.openmetrics === true)
    throw new BackupError("configuration", "--json and --openmetrics are two formats", {
      hint: "keep one of them",
    });
  const maximumAge = readAge(options["max-age"]);
  const { backups, damaged } = await readCatalogue(remote, signal);
  const now = context.now();
  const expectation = {
    ...options,
    engine: engine.name,
    databases: config.databases,
    globals: config.globals,
    maximumAge,
  };
  const spoilt = damaged.flatMap(({ manifest }) => manifest ?? []);
  const judged = judgeFreshness({ backups, damaged: spoilt }, expectation, now);
  if (options.json === true) print(toJson(judged));
  else if (options.openmetrics === true) print(await toOpenMetrics(judged));
  else print(judged.length === 0 ? "no backups\n" : toTable(judged, options["max-age"], config.timeZone));
  for (const { path, problem } of damaged) log.warn({ path }, `no backup any more: ${path} ${problem}`);
  report(judged, options["max-age"]);
}

/** In milliseconds, with days of 24 hours. */
function readAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  refuseMonths("--max-age", text);
  const duration = parseDuration(text);
  if (duration)
    return Temporal.Duration.from(duration).total({
      unit: "milliseconds",
      relativeTo: Temporal.PlainDateTime.from("2026-01-01"),
    });
  throw new BackupError("configuration", `--max-age is ${JSON.stringify(text)}, which is no duration`, {
    hint: "write one such as 26h or 8d",
  });
}

function toTable(judged: readonly Freshness[], maximumAge: string | undefined, timeZone: string): string {
  const rows = judged.map((freshness) => {
    const { subject, sample, newest, age, count, isStale, hasShrunk } = freshness;
    return [
      isStale ? "\u2717" : hasShrunk ? "!" : "\u2713",
      subject,
      sample ? serverOf(sample) : "-",
      newest ? formatTime(newest.startedAt, timeZone) : "-",
      age === undefined ? "-" : formatAge(age),
      newest ? formatBytes(newest.manifest.plain.bytes) : "-",
      String(count),
      describeProblems(freshness, maximumAge),
    ];
  });
  return formatTable([
    ["", "DATABASE", "SERVER", `NEWEST (${timeZone})`, "AGE", "SIZE", "BACKUPS", ""],
    ...rows,
  ]);
}

function describeProblems(freshness: Freshness, maximumAge: string | undefined): string {
  const { newest, previous, isStale, hasShrunk, misdated } = freshness;
  const problems = [
    ...(isStale ? [newest ? `older than ${maximumAge}` : "has no backup"] : []),
    ...(hasShrunk && previous ? [`the one before had ${formatBytes(previous.manifest.plain.bytes)}`] : []),
    ...(misdated > 0 ? [`${misdated} dated in the future`] : []),
  ];
  return problems.join(", ");
}

function toJson(judged: readonly Freshness[]): string {
  const result = judged.map(
    ({ subject, scope, sample, newest, previous, age, count, isStale, hasShrunk, misdated }) => ({
      database: scope === "database" ? subject : null,
      scope,
      server: sample ? serverOf(sample) : null,
      newest: newest?.path ?? null,
      started: newest?.manifest.started ?? null,
      ageSeconds: age === undefined ? null : Math.round(age / 1000),
      plainBytes: newest?.manifest.plain.bytes ?? null,
      previousPlainBytes: previous?.manifest.plain.bytes ?? null,
      backups: count,
      stale: isStale,
      shrunk: hasShrunk,
      misdated,
    }),
  );
  return `${JSON.stringify(result, null, 2)}\n`;
}

function report(judged: readonly Freshness[], maximumAge: string | undefined): void {
  const stale = judged.filter(({ isStale }) => isStale);
  if (judged.length > 0 && stale.length === 0) return;
  const problems = stale.map((freshness) =>
    freshness.newest
      ? `the newest backup of ${freshness.subject} is older than ${maximumAge}`
      : `${freshness.subject} has no backup`,
  );
  throw new BackupError(
    "freshness",
    problems.length === 0 ? "there is no backup at all" : problems.join("; "),
    {
      hint: "see why its backups fail; `rcdump check` tries out what they need",
    },
  );
}
