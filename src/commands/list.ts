import {
  type Catalogue,
  type Damaged,
  readCatalogue,
  serverOf,
  type StoredBackup,
  subjectOf,
  type Unfinished,
} from "../catalogue.ts";
import { isChosen, nothingFound, readMoment } from "../choice.ts";
import type { OptionsOf } from "../command-line.ts";
import type { Context } from "../context.ts";
import { BackupError } from "../errors.ts";
import { formatAge, formatBytes, formatSeconds, formatTime } from "../format.ts";
import type { Manifest } from "../manifest.ts";
import { formatTable } from "../table.ts";

/**
 * Lists the committed backups, newest first, and what else lies in the remote if it is asked for.
 * @throws BackupError `remote` if the remote cannot be read
 */
export async function list(context: Context, options: OptionsOf<"list">): Promise<void> {
  const { config, remote, log, now, print, signal } = context;
  const since = readMoment("--since", options.since, { now: now(), timeZone: config.timeZone });
  const limit = readLimit(options.limit);
  const catalogue = await readCatalogue(remote, signal);
  const backups = catalogue.backups
    .filter(({ manifest, startedAt }) => isChosen(options, manifest) && (!since || startedAt >= since))
    .slice(0, limit);
  const isFiltered = options.database !== undefined || options.server !== undefined;
  if (backups.length === 0 && isFiltered) throw nothingFound(options, catalogue.backups);
  if (options.json === true) return print(toJson(backups, options.all === true ? catalogue : undefined));
  print(backups.length === 0 ? "no backups\n" : toTable(backups, config.timeZone, now()));
  if (options.all === true) print(describeOthers(catalogue));
  else {
    const others = othersIn(catalogue);
    if (others > 0)
      log.warn(
        { hint: "`rcdump list --all` shows what and why" },
        `${others} more ${others === 1 ? "object is no backup" : "objects are no backups"}`,
      );
  }
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return Infinity;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new BackupError("configuration", `--limit is ${JSON.stringify(text)}`, {
    hint: "write a whole number from 1",
  });
}

function toTable(backups: readonly StoredBackup[], timeZone: string, now: Date): string {
  const servers = new Set(backups.map(({ manifest }) => serverOf(manifest)));
  const columns = allColumns(timeZone, now).filter(({ title }) => title !== "SERVER" || servers.size > 1);
  return formatTable([
    columns.map(({ title }) => title),
    ...backups.map((backup) => columns.map((column) => column.cell(backup))),
  ]);
}

interface Column {
  readonly title: string;
  cell(backup: StoredBackup): string;
}

function allColumns(timeZone: string, now: Date): Column[] {
  return [
    { title: `WHEN (${timeZone})`, cell: ({ startedAt }) => formatTime(startedAt, timeZone) },
    { title: "AGE", cell: ({ startedAt }) => formatAge(now.getTime() - startedAt.getTime()) },
    { title: "DATABASE", cell: ({ manifest }) => subjectOf(manifest) },
    { title: "SERVER", cell: ({ manifest }) => serverOf(manifest) },
    { title: "ENGINE", cell: ({ manifest: { engine, server } }) => `${engine} ${server.version}` },
    { title: "SIZE", cell: ({ manifest: { plain } }) => formatBytes(plain.bytes) },
    { title: "RATIO", cell: ({ manifest }) => formatRatio(manifest) },
    { title: "TOOK", cell: ({ manifest }) => formatSeconds(duration(manifest)) },
    { title: "ENCRYPTED FOR", cell: ({ manifest: { recipients } }) => describeRecipients(recipients) },
    { title: "PATH", cell: ({ path }) => path },
  ];
}

/** How many times smaller the object is than the dump. */
function formatRatio({ plain, stored }: Manifest): string {
  return `${(plain.bytes / Math.max(stored.bytes, 1)).toFixed(1)}x`;
}

function duration({ started, finished }: Manifest): number {
  return Math.max(0, Date.parse(finished) - Date.parse(started)) / 1000;
}

/** The first key, cut to what tells it apart, and how many more there are. */
function describeRecipients([first, ...others]: readonly string[]): string {
  if (first === undefined) return "-";
  const short = first.length > 20 ? `${first.slice(0, 10)}…${first.slice(-6)}` : first;
  return others.length === 0 ? short : `${short} +${others.length}`;
}

function othersIn({ damaged, incomplete, leftovers }: Catalogue): number {
  return damaged.length + incomplete.length + leftovers.length;
}

function describeOthers({ damaged, incomplete, leftovers }: Catalogue): string {
  const rows = [
    ...damaged.map(({ path, problem }) => [path, "-", `DAMAGED: ${problem}`]),
    ...unfinishedRows(incomplete, "no manifest: unfinished, or made by something else"),
    ...unfinishedRows(leftovers, "an upload under way, or one that was cut off"),
  ];
  return rows.length === 0 ? "" : `\nNo backups:\n${formatTable([["PATH", "SIZE", "WHY"], ...rows])}`;
}

function unfinishedRows(objects: readonly Unfinished[], why: string): string[][] {
  return objects.map(({ path, bytes }) => [path, formatBytes(Math.max(0, bytes)), why]);
}

function toJson(backups: readonly StoredBackup[], others: Catalogue | undefined): string {
  const result = {
    backups: backups.map(({ path, manifest }) => ({ path, ...manifest })),
    ...(others && {
      damaged: others.damaged.map(({ path, problem }: Damaged) => ({ path, problem })),
      incomplete: others.incomplete,
      leftovers: others.leftovers,
    }),
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}
