import { z } from "zod";
import { type Compression, compressionLevels } from "./compression.ts";
import type { Environment } from "./environment.ts";
import { BackupError } from "./errors.ts";
import { parseDuration } from "./duration.ts";
import { hasPlaceholder, patternProblems } from "./file-name.ts";
import type { RetentionPolicy } from "./retention.ts";
import { parseShard } from "./shard.ts";

const flag = z.string().transform((value, context) => {
  const word = value.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  if (["false", "0", "no", "off"].includes(word)) return false;
  context.addIssue(`is ${JSON.stringify(value)}; write true or false`);
  return z.NEVER;
});

function whole(least: number, most: number, unit: string): z.ZodType<number, string> {
  return z.string().transform((value, context) => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    context.addIssue(`is ${JSON.stringify(value)}; write ${unit} from ${least} to ${most}`);
    return z.NEVER;
  });
}

function oneOf<const T extends string>(words: readonly T[]): z.ZodType<T, string> {
  return z.string().transform((value, context) => {
    const word = words.find((known) => known === value.toLowerCase());
    if (word !== undefined) return word;
    context.addIssue(`is ${JSON.stringify(value)}; write ${words.join(", ")}`);
    return z.NEVER;
  });
}

const databaseList = z.string().transform((value, context) => {
  const names = value.split(",").map((name) => name.trim());
  if (names.includes("")) context.addIssue("has an empty name between its commas; remove the extra comma");
  const exclusions = names.filter((name) => name.startsWith("!"));
  if (exclusions.includes("!")) context.addIssue("has a lone !; write the name to exclude after it");
  if (exclusions.length === names.length) context.addIssue("only excludes; write *, before the exclusions");
  return names;
});

const shard = z.string().transform((value, context) => {
  const parsed = parseShard(value);
  if (parsed) return parsed;
  // Kubernetes adds its own variable with the index behind the others.
  const hint = value.includes("$(")
    ? "Kubernetes fills in only what env lists before it: list the index there, from the field metadata.annotations['batch.kubernetes.io/job-completion-index']"
    : "write INDEX/COUNT, counted from 0: 0/4, 1/4, 2/4 and 3/4 for four runs";
  context.addIssue(`is ${JSON.stringify(value)}; ${hint}`);
  return z.NEVER;
});

const pattern = z.string().superRefine((value, context) => {
  for (const problem of patternProblems(value)) context.addIssue(problem);
});

const timeZone = z.string().transform((value, context) => {
  try {
    // Intl would turn some into their old names.
    return Temporal.Now.zonedDateTimeISO(value.replace(/^:/, "")).timeZoneId;
  } catch {
    context.addIssue(
      `is ${JSON.stringify(value)}, which is no time zone; write one such as UTC or Europe/Berlin`,
    );
    return z.NEVER;
  }
});

const count = whole(0, 1_000_000, "a whole number");

const duration = z.string().transform((value, context) => {
  const parsed = parseDuration(value);
  if (parsed) return parsed;
  context.addIssue(`is ${JSON.stringify(value)}; write a duration such as 30d, 12w, 6m, 1y or 26h`);
  return z.NEVER;
});

/** Each setting with a value of its own, by name. */
export const settings = {
  BACKUP_ENGINE: oneOf(["postgres", "mariadb"]),
  BACKUP_DATABASES: databaseList.optional(),
  BACKUP_ALL: flag.default(false),
  BACKUP_GLOBALS: flag.default(false),
  BACKUP_SHARD: shard.optional(),
  BACKUP_FILE_NAME: pattern.optional(),
  BACKUP_COMPRESSION: oneOf(["gzip", "zstd", "none"]).default("gzip"),
  BACKUP_COMPRESSION_LEVEL: whole(1, 19, "a whole number").optional(),
  BACKUP_CONCURRENCY: whole(1, 64, "a whole number").default(1),
  BACKUP_OVERWRITE: flag.default(true),
  BACKUP_SPOOL_DIR: z
    .string()
    .startsWith("/", "is no absolute path; write one that begins with /")
    .optional(),
  BACKUP_WAIT: whole(0, 86400, "whole seconds").default(0),
  BACKUP_TIMEOUT: whole(1, 604800, "whole seconds").optional(),
  KEEP_LAST: count.optional(),
  KEEP_HOURLY: count.optional(),
  KEEP_DAILY: count.optional(),
  KEEP_WEEKLY: count.optional(),
  KEEP_MONTHLY: count.optional(),
  KEEP_YEARLY: count.optional(),
  KEEP_WITHIN: duration.optional(),
  TZ: timeZone.default("UTC"),
};

/** What the settings say. */
export type Settings = { [name in keyof typeof settings]: z.infer<(typeof settings)[name]> };

/**
 * Reads one setting after the other, so that one that is wrong hides no other. Orchestrators set unused variables to
 * the empty string: for all settings but keys that is the same as unset.
 */
export function readSettings(environment: Environment, problems: string[]): Settings {
  const data: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries<z.ZodType>(settings)) {
    const read = setting.safeParse(environment[name] || undefined);
    if (read.success) data[name] = read.data;
    else problems.push(...read.error.issues.map((issue) => describeIssue(name, issue)));
  }
  // Where something is missing there is a problem, and nobody uses this further than to look for others.
  return data as Settings;
}

function describeIssue(name: string, issue: z.core.$ZodIssue): string {
  return `${name} ${issue.code === "invalid_type" ? "is not set; write postgres or mariadb" : issue.message}`;
}

/** What a backup cannot be made without. */
export function missing(data: Settings, environment: Environment): string[] {
  if (environment["BACKUP_DATABASES"] || data.BACKUP_ALL) return [];
  return [
    "BACKUP_DATABASES is not set; name the databases, separated by commas, or * for each of them, or set BACKUP_ALL=true for one dump of the whole server",
  ];
}

/** Settings that do not go together. */
export function contradictions(data: Settings): string[] {
  const problems: string[] = [];
  const { BACKUP_DATABASES: databases, BACKUP_ALL: all, BACKUP_FILE_NAME: fileName } = data;
  if (databases !== undefined && all)
    problems.push(
      "BACKUP_DATABASES and BACKUP_ALL are both set; keep BACKUP_DATABASES for one file a database, or BACKUP_ALL=true for one file with all of them",
    );
  if (data.BACKUP_GLOBALS && all)
    problems.push(
      "BACKUP_GLOBALS and BACKUP_ALL are both set; a dump of the whole server has roles and tablespaces in it: unset BACKUP_GLOBALS",
    );
  if (data.BACKUP_SHARD && all)
    problems.push(
      "BACKUP_SHARD and BACKUP_ALL are both set; one dump of the whole server cannot be divided: unset BACKUP_SHARD, or write BACKUP_DATABASES=* instead of BACKUP_ALL",
    );
  if (data.BACKUP_GLOBALS && data.BACKUP_ENGINE === "mariadb")
    problems.push(
      "BACKUP_GLOBALS is for PostgreSQL only; unset it, and name mysql in BACKUP_DATABASES for the accounts",
    );
  const several =
    (databases?.length ?? 0) > 1 || databases?.some((name) => /[*?]/.test(name)) || data.BACKUP_GLOBALS;
  if (fileName !== undefined && !all && several && !hasPlaceholder(fileName))
    problems.push(
      "BACKUP_FILE_NAME has no ${DB}, so that several databases would be written to one file; put ${DB} into it",
    );
  if (keepsNothing(data))
    problems.push(
      "KEEP_* are all 0, which would keep the newest backup alone; write KEEP_LAST=1 if that is meant, or unset them to keep all",
    );
  return problems;
}

/** Which backups are kept; undefined if nothing says that any may go. */
export function readRetention(data: Settings): RetentionPolicy | undefined {
  const policy = {
    last: data.KEEP_LAST,
    hourly: data.KEEP_HOURLY,
    daily: data.KEEP_DAILY,
    weekly: data.KEEP_WEEKLY,
    monthly: data.KEEP_MONTHLY,
    yearly: data.KEEP_YEARLY,
    within: data.KEEP_WITHIN,
  };
  return Object.values(policy).every((rule) => rule === undefined) ? undefined : policy;
}

function keepsNothing(data: Settings): boolean {
  const rules = Object.values(readRetention(data) ?? { last: 1 }).filter((rule) => rule !== undefined);
  return rules.every((rule) => rule === 0);
}

/** igzip, pigz and zstd have levels of their own: the range depends on the format. */
export function readCompression(data: Settings): Compression {
  const { BACKUP_COMPRESSION: format, BACKUP_COMPRESSION_LEVEL: level } = data;
  if (format === "none") {
    if (level === undefined) return { format };
    throw new BackupError(
      "configuration",
      "BACKUP_COMPRESSION_LEVEL is set, but BACKUP_COMPRESSION is none",
      {
        hint: "unset one of them",
      },
    );
  }
  const { least, most, standard } = compressionLevels[format];
  if (level !== undefined && level > most)
    throw new BackupError("configuration", `BACKUP_COMPRESSION_LEVEL is ${level}`, {
      hint: `write a whole number from ${least} to ${most} for ${format}`,
    });
  return { format, level: level ?? standard };
}
