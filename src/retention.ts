import { formatDuration, type Duration } from "./duration.ts";

/** One backup as far as retention is concerned. */
export interface Dated {
  readonly path: string;
  /** When it began. */
  readonly startedAt: Date;
}

/** The rules; a backup stays that any of them keeps. One that is absent or 0 keeps nothing. */
export interface RetentionPolicy {
  /** The newest so many. */
  readonly last?: number | undefined;
  /** The newest backup of each of the so many most recent hours, days, ... that have one. */
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** All that are not older than this, reckoned from the newest: age must not eat up what is left when backups have stopped. */
  readonly within?: Duration | undefined;
}

/** What is to become of a backup, and why: `newest`, `last 2`, `daily 7` (of the seventh day), `within 30d`, ... */
export interface Verdict<T extends Dated> {
  readonly backup: T;
  readonly keep: boolean;
  readonly reasons: readonly string[];
}

/** Asked about one backup after the other, newest first: the reason to keep it, if there is one. */
type Rule = (startedAt: Temporal.ZonedDateTime) => string | undefined;

/** Clocks differ a little; what is dated later than this after now has a wrong date. In milliseconds. */
const tolerance = 3_600_000;

/**
 * Judges the backups of one database by a policy. Whatever the policy is, the newest stays. A backup that is dated in the future
 * stays too, and no rule counts it: a wrong date does not push out the real newest.
 * @param backups all committed backups of the database, in any order
 * @param options.timeZone whose hours, days, ISO weeks, months and years count
 * @param options.protectedPaths backups that stay because they were made just now
 * @returns a verdict for each of them, newest first; those of the same instant in descending order of their paths
 * @throws RangeError if a date is invalid
 */
export function applyRetention<T extends Dated>(
  backups: readonly T[],
  policy: RetentionPolicy,
  options: { now: Date; timeZone: string; protectedPaths?: ReadonlySet<string> | undefined },
): Verdict<T>[] {
  const { now, timeZone, protectedPaths } = options;
  const rules = rulesOf(policy);
  return backups.toSorted(newestFirst).map((backup) => {
    const reasons = isMisdated(backup, now)
      ? ["dated in the future"]
      : reasonsFor(toZoned(backup.startedAt, timeZone), rules);
    if (protectedPaths?.has(backup.path) === true) reasons.push("just made");
    const keep = reasons.length > 0;
    return { backup, keep, reasons: keep ? reasons : ["no rule keeps it"] };
  });
}

/** Whether a backup has a wrong date, for it was begun after now. */
export function isMisdated({ startedAt }: Dated, now: Date): boolean {
  return startedAt.getTime() > now.getTime() + tolerance;
}

/** Of backups those that are not dated in the future; all if there are no others. What is newest there is so indeed. */
export function wellDated<T extends Dated>(backups: readonly T[], now: Date): readonly T[] {
  const dated = backups.filter((backup) => !isMisdated(backup, now));
  return dated.length > 0 ? dated : backups;
}

/** Sorts backups; those of the same instant in descending order of their paths. */
export function newestFirst(a: Dated, b: Dated): number {
  const difference = b.startedAt.getTime() - a.startedAt.getTime();
  if (difference !== 0 || a.path === b.path) return difference;
  return a.path < b.path ? 1 : -1;
}

function toZoned(date: Date, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(date.getTime()).toZonedDateTimeISO(timeZone);
}

function reasonsFor(startedAt: Temporal.ZonedDateTime, rules: readonly Rule[]): string[] {
  return rules.map((rule) => rule(startedAt)).filter((reason) => reason !== undefined);
}

function rulesOf(policy: RetentionPolicy): Rule[] {
  return [
    newest(),
    last(policy.last),
    newestOfEach("hourly", policy.hourly, hourOf),
    newestOfEach("daily", policy.daily, dayOf),
    newestOfEach("weekly", policy.weekly, ({ yearOfWeek, weekOfYear }) => `${yearOfWeek}-W${weekOfYear}`),
    newestOfEach("monthly", policy.monthly, ({ year, month }) => `${year}-${month}`),
    newestOfEach("yearly", policy.yearly, ({ year }) => `${year}`),
    within(policy.within),
  ];
}

function newest(): Rule {
  let first = true;
  return () => {
    if (!first) return undefined;
    first = false;
    return "newest";
  };
}

function last(count = 0): Rule {
  let ordinal = 0;
  return () => (++ordinal <= count ? `last ${ordinal}` : undefined);
}

/** @param periodOf the period's name; periods are told apart by it, for a day need not come in one piece when clocks go back */
function newestOfEach(
  name: string,
  count = 0,
  periodOf: (startedAt: Temporal.ZonedDateTime) => string,
): Rule {
  const periods = new Set<string>();
  return (startedAt) => {
    if (periods.size >= count) return undefined;
    const period = periodOf(startedAt);
    if (periods.has(period)) return undefined;
    periods.add(period);
    return `${name} ${periods.size}`;
  };
}

function dayOf({ year, month, day }: Temporal.ZonedDateTime): string {
  return `${year}-${month}-${day}`;
}

/** With the offset, for the hour that is repeated when daylight saving ends is two hours. */
function hourOf(startedAt: Temporal.ZonedDateTime): string {
  return `${dayOf(startedAt)}T${startedAt.hour}${startedAt.offset}`;
}

function within(duration: Duration | undefined): Rule {
  if (!duration) return () => undefined;
  const reason = `within ${formatDuration(duration)}`;
  let oldest: number | undefined;
  return (startedAt) => {
    oldest ??= startedAt.subtract(duration).epochMilliseconds;
    return startedAt.epochMilliseconds >= oldest ? reason : undefined;
  };
}
