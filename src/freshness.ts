import { groupBySeries, type StoredBackup, subjectOf } from "./catalogue.ts";
import { type Choice, isChosen } from "./choice.ts";
import { targetName } from "./engines/engine.ts";
import type { Manifest } from "./manifest.ts";
import { isMisdated } from "./retention.ts";
import { matchDatabases } from "./selection.ts";

/** Less than this share of its predecessor's size is a sharp fall. */
const sharpFall = 0.5;

/** How the backups of one database are. */
export interface Freshness {
  readonly subject: string;
  /** The manifest of any of them, which tells what they are backups of; undefined if there is none. */
  readonly sample: Manifest | undefined;
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
  /** Whether, beside named databases, roles and tablespaces are to be backed up. */
  readonly globals: boolean;
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
  const wanted = wantedSubjects(chosen, expectation);
  const judged = groupBySeries(
    chosen.filter(({ manifest }) => !wanted || wanted.has(subjectOf(manifest))),
  ).map((series) => judgeSeries(series, expectation.maximumAge, now));
  const seen = new Set(chosen.map(({ manifest }) => subjectOf(manifest)));
  const missing = [...(wanted ?? [])].filter((subject) => !seen.has(subject)).map(neverBackedUp);
  return [...judged, ...missing].toSorted((left, right) => (left.subject < right.subject ? -1 : 1));
}

/** What must have a backup, and what was seen that the patterns match; undefined for all that were ever seen. */
function wantedSubjects(
  seen: readonly StoredBackup[],
  { database, databases, globals }: Expectation,
): Set<string> | undefined {
  if (database !== undefined) return new Set([database]);
  if (databases === undefined) return undefined;
  const names = new Set(seen.flatMap(({ manifest }) => manifest.database ?? []));
  return new Set([
    ...matchDatabases(databases, [...names]),
    ...(globals ? [targetName({ scope: "globals" })] : []),
  ]);
}

function judgeSeries(series: StoredBackup[], maximumAge: number | undefined, now: Date): Freshness {
  const { manifest: sample } = series[0] as StoredBackup;
  const dated = series.filter((backup) => !isMisdated(backup, now));
  const [newest, previous] = dated;
  const age = newest && Math.max(0, now.getTime() - newest.startedAt.getTime());
  return {
    subject: subjectOf(sample),
    sample,
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
    sample: undefined,
    newest: undefined,
    previous: undefined,
    count: 0,
    age: undefined,
    isStale: true,
    hasShrunk: false,
    misdated: 0,
  };
}
