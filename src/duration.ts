/** A length of time as settings and options write it: calendar units and exact ones, each 0 or more, not all of them 0. */
export interface Duration {
  readonly years: number;
  readonly months: number;
  readonly weeks: number;
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
}

/** Longest first, the order in which they are written; with their length in hours, about. */
const units = [
  { name: "years", letters: "y", hours: 8766 },
  { name: "months", letters: "m", hours: 730.5 },
  { name: "weeks", letters: "w", hours: 168 },
  { name: "days", letters: "d", hours: 24 },
  { name: "hours", letters: "h", hours: 1 },
  { name: "minutes", letters: "min", hours: 1 / 60 },
] as const;

/** 10,000 years: whoever means forever may write 9999y, and no date that is reckoned from today's overflows. */
const longest = 10_000 * 8766;

const pattern = new RegExp(`^${units.map(({ letters }) => `(?:(\\d+)${letters})?`).join("")}$`);

/**
 * Reads `30d`, `12w`, `6m` (months), `2y`, `26h`, `90min`, or several from long to short, such as `1y6m`.
 * @returns undefined for what is no duration, for a total of zero, and for more than 10,000 years
 */
export function parseDuration(text: string): Duration | undefined {
  const [, years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0] = pattern.exec(text) ?? [];
  const duration: Duration = {
    years: Number(years),
    months: Number(months),
    weeks: Number(weeks),
    days: Number(days),
    hours: Number(hours),
    minutes: Number(minutes),
  };
  const total = units.reduce((sum, { name, hours }) => sum + duration[name] * hours, 0);
  return total > 0 && total <= longest ? duration : undefined;
}

/** The text that parseDuration reads, without units that are 0. */
export function formatDuration(duration: Duration): string {
  return units.map(({ name, letters }) => (duration[name] > 0 ? `${duration[name]}${letters}` : "")).join("");
}
