import { groupBySeries, type StoredBackup, subjectOf } from "./catalogue.ts";
import { type Choice, isChosen } from "./choice.ts";
import type { Manifest } from "./manifest.ts";
import { matchDatabases } from "./selection.ts";

/** Clocks differ a little; what is dated later than this after now has a wrong date. In milliseconds. */
const tolerance = 3_600_000;

/** Less than this share of its predecessor's size is a sharp fall. */
const sharpFall = 0.5;

/** How the backups of one database are. */
export interface Freshness {
  readonly subject: string;
  /** The newest that is not dated in the future; undefined if there is none. */
  readonly newest: StoredBackup | undefined;
  /** The one before it. */
  readonly previous: StoredBackup | undefined;
  readonly count: number;
  /** Of the newest, in milliseconds. */
  readonly age: number | undefined;
  /** Whether it is too old, or missing. */
  readonly isStale: boolean;
  /** Whether the newest is less than half as large as the one before it. */
  readonly hasShrunk: boolean;
  /** Backups that are dated in the future, and count for nothing. */
  readonly misdated: number;
}

/** What must have a fresh backup. */
export interface Expectation extends Choice {
  readonly engine: Manifest["engine"];
  /** As BACKUP_DATABASES has them; undefined for whatever was ever backed up. */
  readonly databases: readonly string[] | undefined;
  /** Milliseconds; undefined if no age is too old. */
  readonly maximumAge: number | undefined;
}

/** Judges each series of backups, and those databases that are named and have none. */
export function judgeFreshness(
  backups: readonly StoredBackup[],
  expectation: Expectation,
  now: Date,
): Freshness[] {
  const chosen = backups.filter(
    ({ manifest }) => manifest.engine === expectation.engine && isChosen(expectation, manifest),
  );
  const wanted = wantedDatabases(chosen, expectation);
  const judged = groupBySeries(
    chosen.filter(({ manifest }) => !wanted || wanted.has(manifest.database ?? "")),
  ).map((series) => judgeSeries(series, expectation.maximumAge, now));
  const seen = new Set(chosen.map(({ manifest }) => manifest.database));
  const missing = [...(wanted ?? [])].filter((name) => !seen.has(name)).map(neverBackedUp);
  return [...judged, ...missing].toSorted((left, right) => (left.subject < right.subject ? -1 : 1));
}

/** The names that must have a backup, and those seen that the patterns match; undefined for all that were ever seen. */
function wantedDatabases(
  seen: readonly StoredBackup[],
  { database, databases }: Expectation,
): Set<string> | undefined {
  if (database !== undefined) return new Set([database]);
  if (databases === undefined) return undefined;
  const names = new Set(seen.flatMap(({ manifest }) => manifest.database ?? []));
  return new Set(matchDatabases(databases, [...names]));
}

function judgeSeries(series: StoredBackup[], maximumAge: number | undefined, now: Date): Freshness {
  const dated = series.filter(({ startedAt }) => startedAt.getTime() <= now.getTime() + tolerance);
  const [newest, previous] = dated;
  const age = newest && Math.max(0, now.getTime() - newest.startedAt.getTime());
  return {
    subject: subjectOf((series[0] as StoredBackup).manifest),
    newest,
    previous,
    count: series.length,
    age,
    isStale: age === undefined || (maximumAge !== undefined && age > maximumAge),
    hasShrunk:
      newest !== undefined &&
      previous !== undefined &&
      newest.manifest.plain.bytes < sharpFall * previous.manifest.plain.bytes,
    misdated: series.length - dated.length,
  };
}

function neverBackedUp(subject: string): Freshness {
  return {
    subject,
    newest: undefined,
    previous: undefined,
    count: 0,
    age: undefined,
    isStale: true,
    hasShrunk: false,
    misdated: 0,
  };
}
