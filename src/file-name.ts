import strftime from "strftime";

/** What strftime understands, and the ISO week (%G, %g, %V) besides, which date(1) knows too. */
const directive = /%[-_0:]?(.|$)/gsu;
const known = new Set("aAbBcCdDeFgGhHIjklLmMopPrRsSTuUvVwWxXyYzZ%");

/** What a file name pattern has for the database: `$DB` or `${DB}`. */
const placeholder = /\$\{DB\}|\$DB/g;

/** The endings that file names of dumps have; a pattern may carry one already. */
const dumpSuffix = /(\.sql|\.dump|\.tar)(\.gz|\.zst)?(\.age)?$/;

/** What a dump's file name tells of it. */
export interface NamedDump {
  readonly format: "sql" | "custom" | "tar";
  readonly compression: "gzip" | "zstd" | "none";
  readonly encrypted: boolean;
}

const formats = { ".sql": "sql", ".dump": "custom", ".tar": "tar" } as const;
const compressions = { ".gz": "gzip", ".zst": "zstd", "": "none" } as const;

/** Reads the ending of a dump's name; undefined if it has none. */
export function readFileName(path: string): NamedDump | undefined {
  const found = dumpSuffix.exec(path);
  if (!found) return undefined;
  const [, format, compression = "", age] = found;
  return {
    format: formats[format as keyof typeof formats],
    compression: compressions[compression as keyof typeof compressions],
    encrypted: age !== undefined,
  };
}

/** What is wrong with a file name pattern, each as `what; what to write instead`. */
export function patternProblems(pattern: string): string[] {
  const problems: string[] = [];
  if (pattern.startsWith("/"))
    problems.push("begins with /; write a path within the remote, and put a folder in UPLOAD_PREFIX");
  if (pattern.split("/").includes("..")) problems.push("has a .. segment; write the folder itself");
  if (/\/\/|(^|\/)\.(\/|$)/.test(pattern))
    problems.push("has an empty or . segment; write a single / between segments");
  if (pattern.endsWith("/")) problems.push("names a folder; add a file name, for instance ${DB}-%F");
  for (const [text, letter] of pattern.matchAll(directive)) {
    if (letter === "") problems.push("ends in a lone %; write %% for a percent sign");
    else if (!known.has(letter ?? ""))
      problems.push(
        `has the unknown date directive ${text}; write %% for a percent sign, or a directive of strftime such as %Y-%m-%d`,
      );
  }
  return problems;
}

/** Whether a pattern gives each database a name of its own. */
export function hasPlaceholder(pattern: string): boolean {
  return pattern.search(placeholder) >= 0;
}

/**
 * The path that a pattern stands for.
 * @param database put in after the dates, and not itself expanded; `/` in it becomes a hyphen as well
 * @param suffix the ending that the path gets unless it has it, for instance `.sql.gz.age`; another dump's ending gives way to it
 */
export function expandFileName(
  pattern: string,
  {
    database,
    startedAt,
    timeZone,
    suffix,
  }: { database: string; startedAt: Date; timeZone: string; suffix: string },
): string {
  const dated = formatDate(pattern, startedAt, timeZone);
  const named = dated.replaceAll(placeholder, () => database.replaceAll("/", "-"));
  const clean = named.replaceAll(/[^A-Za-z0-9_\-/.]/gu, "-");
  return clean.replace(dumpSuffix, "") + suffix;
}

function formatDate(pattern: string, date: Date, timeZone: string): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(date.getTime()).toZonedDateTimeISO(timeZone);
  const isoYear = zoned.yearOfWeek ?? zoned.year;
  // The numbers that strftime does not know, or gets wrong: its %j is a day short at midnight. With their widths.
  const numbers: Record<string, [number, number]> = {
    G: [isoYear, 4],
    g: [isoYear % 100, 2],
    V: [zoned.weekOfYear ?? 0, 2],
    j: [zoned.dayOfYear, 3],
  };
  const rest = pattern.replaceAll(directive, (text: string, letter: string) => {
    const number = numbers[letter];
    if (number) return pad(...number, text[1]);
    if (letter === "Z") return zoneName(date, timeZone, zoned.offset);
    return posix[letter] ?? text;
  });
  return strftime.timezone(zoned.offset.replace(":", ""))(rest, date);
}

/** @param flag `-` for no padding, `_` for blanks */
function pad(value: number, width: number, flag: string | undefined): string {
  if (flag === "-") return String(value);
  return String(value).padStart(width, flag === "_" ? " " : "0");
}

/** Date and time as the C locale has them, in which date(1) of a container speaks. */
const posix: Readonly<Record<string, string>> = { c: "%a %b %e %H:%M:%S %Y", X: "%H:%M:%S" };

/** Each knows the abbreviations of its own part of the world only. */
const locales = ["en-US", "en-GB", "en-AU", "en-CA", "en-IN", "ja"];

/** The zone's abbreviation, such as UTC, CET or EST; of one that has none the offset, such as -03, as date(1) has it. */
function zoneName(date: Date, timeZone: string, offset: string): string {
  const names = locales.flatMap((locale) =>
    new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: "short" })
      .formatToParts(date)
      .flatMap(({ type, value }) => (type === "timeZoneName" ? [value] : [])),
  );
  const own = names.find((name) => /^[A-Z]+$/.test(name));
  return own ?? offset.replace(":", "").replace(/00$/, "");
}
