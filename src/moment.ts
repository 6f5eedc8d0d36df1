import { parseDuration } from "./duration.ts";

/**
 * A date; then perhaps a time, its parts set apart by colons, or by hyphens as in file names; then perhaps an offset.
 * After hyphens only Z may follow: in a file name +0100 and -0100 look the same.
 */
const pattern =
  /^(?<date>\d{4}-\d\d-\d\d)(?:[T ](?:(?<time>\d\d:\d\d(?::[0-5]\d(?:\.\d{1,9})?)?)(?<offset>Z|[+-]\d\d(?::?\d\d)?)?|(?<hyphens>\d\d-\d\d(?:-[0-5]\d(?:\.\d{1,9})?)?)(?<utc>Z)?))?$/;

/**
 * A point in time as a user writes it: `2026-11-21T02:00:00Z`, with any offset, or as in file names `2026-11-21T02-00-00Z`;
 * `2026-11-21 02:00` in `timeZone`; `2026-11-21`, the first instant of that day; `7d`, that long before `now` by the calendar
 * of `timeZone`. A local time that daylight saving skips is moved on by as much; of one that it repeats the first is meant.
 * @returns undefined for what is none of these, and for dates and times that do not exist
 */
export function parseMoment(
  text: string,
  { now, timeZone }: { now: Date; timeZone: string },
): Date | undefined {
  const duration = parseDuration(text);
  if (duration) {
    const zoned = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timeZone);
    return new Date(zoned.subtract(duration).epochMilliseconds);
  }
  const { date, time, hyphens, offset, utc } = pattern.exec(text)?.groups ?? {};
  if (date === undefined) return undefined;
  const clock = time ?? hyphens?.replaceAll("-", ":");
  const zone = offset ?? utc;
  try {
    if (clock === undefined) return toDate(Temporal.PlainDate.from(date).toZonedDateTime(timeZone));
    if (zone !== undefined) return toDate(Temporal.Instant.from(`${date}T${clock}${zone}`));
    return toDate(Temporal.PlainDateTime.from(`${date}T${clock}`).toZonedDateTime(timeZone));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function toDate({ epochMilliseconds }: Temporal.Instant | Temporal.ZonedDateTime): Date {
  return new Date(epochMilliseconds);
}
