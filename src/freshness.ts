import { groupBySeries, seriesOf, type StoredBackup, subjectOf } from "./catalogue.ts";
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
  readonly scope: Manifest["scope"];
  /** The manifest of any of them, which tells what they are backups of, damaged ones too; undefined if there is none. */
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

/**
 * Judges each series of backups, also those of which none is good any more, and those databases that are named and have none.
 * @param damaged the manifests of what is no backup any more
 */
export function judgeFreshness(
  { backups, damaged }: { backups: readonly StoredBackup[]; damaged: readonly Manifest[] },
  expectation: Expectation,
  now: Date,
): Freshness[] {
  const isMeant = (manifest: Manifest): boolean =>
    manifest.engine === expectation.engine && isChosen(expectation, manifest);
  const chosen = backups.filter(({ manifest }) => isMeant(manifest));
  const spoilt = damaged.filter(isMeant);
  const seen = [...chosen.map(({ manifest }) => manifest), ...spoilt];
  const wanted = wantedSubjects(seen, expectation);
  const isWanted = (manifest: Manifest): boolean => !wanted || wanted.has(subjectOf(manifest));
  const judged = groupBySeries(chosen.filter(({ manifest }) => isWanted(manifest))).map((series) =>
    judgeSeries(series, expectation.maximumAge, now),
  );
  const good = new Set(chosen.map(({ manifest }) => seriesOf(manifest)));
  const ruined = new Map(
    spoilt
      .filter(isWanted)
      .map((manifest) => [seriesOf(manifest), withoutBackup(subjectOf(manifest), manifest)]),
  );
  const subjects = new Set(seen.map(subjectOf));
  const missing = [...(wanted ?? [])].filter((subject) => !subjects.has(subject));
  return [
    ...judged,
    ...[...ruined].flatMap(([series, freshness]) => (good.has(series) ? [] : [freshness])),
    ...missing.map((subject) => withoutBackup(subject)),
  ].toSorted((left, right) => (left.subject < right.subject ? -1 : 1));
}

const globalsSubject = targetName({ scope: "globals" });

/** What must have a backup, and what was seen that the patterns match; undefined for all that were ever seen. */
function wantedSubjects(
  seen: readonly Manifest[],
  { database, databases, globals }: Expectation,
): Set<string> | undefined {
  if (database !== undefined) return new Set([database]);
  if (databases === undefined) return undefined;
  const names = new Set(seen.flatMap(({ database: name }) => name ?? []));
  return new Set([...matchDatabases(databases, [...names]), ...(globals ? [globalsSubject] : [])]);
}

function judgeSeries(series: StoredBackup[], maximumAge: number | undefined, now: Date): Freshness {
  const { manifest: sample } = series[0] as StoredBackup;
  const dated = series.filter((backup) => !isMisdated(backup, now));
  const [newest, previous] = dated;
  const age = newest && Math.max(0, now.getTime() - newest.startedAt.getTime());
  return {
    subject: subjectOf(sample),
    scope: sample.scope,
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

function withoutBackup(subject: string, sample?: Manifest): Freshness {
  return {
    subject,
    scope: sample?.scope ?? (subject === globalsSubject ? "globals" : "database"),
    sample,
    newest: undefined,
    previous: undefined,
    count: 0,
    age: undefined,
    isStale: true,
    hasShrunk: false,
    misdated: 0,
  };
}
