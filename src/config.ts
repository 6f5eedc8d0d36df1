import { z } from "zod";
import { type Compression, compressionLevels } from "./compression.ts";
import {
  type NamedRecipient,
  parseRecipients,
  parseRecipientsFile,
  passphraseRecipient,
} from "./encryption/recipients.ts";
import { BackupError, explain } from "./errors.ts";
import { hasPlaceholder, patternProblems } from "./file-name.ts";
import { parseRemoteName } from "./remote-name.ts";
import { looksLike } from "./spelling.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every setting, checked and ready for use. */
export interface Config {
  readonly engine: "postgres" | "mariadb";
  /** Names, globs and `!` exclusions; undefined for the whole server in one dump. */
  readonly databases: readonly string[] | undefined;
  readonly globals: boolean;
  /** A name pattern; undefined for the default one. */
  readonly fileName: string | undefined;
  /** An IANA name. */
  readonly timeZone: string;
  /** The folder within rclone that all object paths are relative to, in rclone's own notation. */
  readonly remote: string;
  /** Empty for no encryption. */
  readonly recipients: readonly NamedRecipient[];
  readonly compression: Compression;
  /** How many databases are dumped at once. */
  readonly concurrency: number;
  readonly overwrite: boolean;
  readonly spoolFolder: string | undefined;
  /** Seconds to wait for a server that does not answer. */
  readonly wait: number;
  /** The environment of the programs that are run: what was given, and the secrets that came from files. */
  readonly environment: Environment;
}

/** Where the predecessor's users have their passwords: the file's content goes into the client's own variable. */
const secretFiles = { PGPASSWORD_FILE: "PGPASSWORD", MYSQL_PWD_FILE: "MYSQL_PWD" } as const;

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

const pattern = z.string().superRefine((value, context) => {
  for (const problem of patternProblems(value)) context.addIssue(problem);
});

const timeZone = z.string().transform((value, context) => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: value.replace(/^:/, "") }).resolvedOptions().timeZone;
  } catch {
    context.addIssue(
      `is ${JSON.stringify(value)}, which is no time zone; write one such as UTC or Europe/Berlin`,
    );
    return z.NEVER;
  }
});

const settings = {
  BACKUP_ENGINE: oneOf(["postgres", "mariadb"]),
  BACKUP_DATABASES: databaseList.optional(),
  BACKUP_ALL: flag.default(false),
  BACKUP_GLOBALS: flag.default(false),
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
  TZ: timeZone.default("UTC"),
};

type Settings = { [name in keyof typeof settings]: z.infer<(typeof settings)[name]> };

/** What is read here beside {@link settings}; a misspelling of any of them is reported. */
const otherNames = ["ENCRYPT_RECIPIENTS", "ENCRYPT_RECIPIENTS_FILE", "ENCRYPT_PASSPHRASE_FILE"];
const ownNames = [...Object.keys(settings).filter((name) => name !== "TZ"), ...otherNames];

/** Modes of rclone in which it reports success and stores nothing. */
const pretences = ["RCLONE_DRY_RUN", "RCLONE_INTERACTIVE"];

/**
 * Reads every setting.
 * @param readFile returns a file's text, throws what node:fs throws
 * @throws BackupError that lists all problems at once, each naming the variable and how to mend it
 */
export function parseConfig(environment: Environment, readFile: (path: string) => string): Config {
  const problems: string[] = [];
  /** Takes the outcome of one reader, or its complaint. */
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      problems.push(explain(error));
      return undefined;
    }
  };

  const data = readSettings(environment, problems);
  problems.push(...contradictions(data, environment));
  problems.push(...misspellings(environment), ...dryRuns(environment));
  const remote = attempt(() =>
    parseRemoteName(environment["REMOTE_NAME"] || "store", environment["UPLOAD_PREFIX"] ?? ""),
  );
  const recipients = attempt(() => readRecipients(environment, readFile));
  const secrets = attempt(() => readSecrets(environment, readFile));
  const compression = data.BACKUP_COMPRESSION && attempt(() => readCompression(data));

  if (problems.length > 0 || !remote || !recipients || !secrets || !compression) {
    const count = problems.length === 1 ? "there is a problem" : `there are ${problems.length} problems`;
    throw new BackupError("configuration", [`${count} with the settings`, ...problems].join("\n  - "));
  }
  return {
    engine: data.BACKUP_ENGINE,
    databases: data.BACKUP_ALL ? undefined : data.BACKUP_DATABASES,
    globals: data.BACKUP_GLOBALS,
    fileName: data.BACKUP_FILE_NAME,
    timeZone: data.TZ,
    remote,
    recipients,
    compression,
    concurrency: data.BACKUP_CONCURRENCY,
    overwrite: data.BACKUP_OVERWRITE,
    spoolFolder: data.BACKUP_SPOOL_DIR,
    wait: data.BACKUP_WAIT,
    environment: { ...environment, ...secrets },
  };
}

/**
 * Reads one setting after the other, so that one that is wrong hides no other. Orchestrators set unused variables to
 * the empty string: for all settings but keys that is the same as unset.
 */
function readSettings(environment: Environment, problems: string[]): Settings {
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

function contradictions(data: Settings, environment: Environment): string[] {
  const problems: string[] = [];
  const { BACKUP_DATABASES: databases, BACKUP_ALL: all, BACKUP_FILE_NAME: fileName } = data;
  if (!environment["BACKUP_DATABASES"] && !all)
    problems.push(
      "BACKUP_DATABASES is not set; name the databases, separated by commas, or * for each of them, or set BACKUP_ALL=true for one dump of the whole server",
    );
  if (databases !== undefined && all)
    problems.push(
      "BACKUP_DATABASES and BACKUP_ALL are both set; keep BACKUP_DATABASES for one file a database, or BACKUP_ALL=true for one file with all of them",
    );
  if (data.BACKUP_GLOBALS && all)
    problems.push(
      "BACKUP_GLOBALS and BACKUP_ALL are both set; a dump of the whole server has roles and tablespaces in it: unset BACKUP_GLOBALS",
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
  return problems;
}

function misspellings(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => /^(BACKUP|ENCRYPT|KEEP)_/.test(name) && !ownNames.includes(name))
    .flatMap((name) => {
      const meant = ownNames.find((known) => looksLike(name, known));
      return meant === undefined ? [] : [`${name} is no setting; did you mean ${meant}?`];
    });
}

function dryRuns(environment: Environment): string[] {
  return pretences
    .filter((name) => !["", "false", "0"].includes((environment[name] ?? "").toLowerCase()))
    .map((name) => `${name} is set, with which rclone stores nothing and reports success; unset it`);
}

/** igzip, pigz and zstd have levels of their own: the range depends on the format. */
function readCompression(data: Settings): Compression {
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

/** A setting for keys that is there but empty must never come to mean "no encryption". */
function readRecipients(environment: Environment, readFile: (path: string) => string): NamedRecipient[] {
  const {
    ENCRYPT_RECIPIENTS: list,
    ENCRYPT_RECIPIENTS_FILE: file,
    ENCRYPT_PASSPHRASE_FILE: passphraseFile,
  } = environment;
  const recipients: NamedRecipient[] = [];
  if (list !== undefined) recipients.push(...parseRecipients(list, "ENCRYPT_RECIPIENTS"));
  if (file !== undefined)
    recipients.push(
      ...parseRecipientsFile(
        readNamedFile("ENCRYPT_RECIPIENTS_FILE", file, readFile),
        `ENCRYPT_RECIPIENTS_FILE (${file})`,
      ),
    );
  if (passphraseFile === undefined) return recipients;
  if (recipients.length > 0)
    throw new BackupError("configuration", "ENCRYPT_PASSPHRASE_FILE is set together with recipients", {
      hint: "an age file has either a passphrase or recipients: unset one of them",
    });
  return [passphraseRecipient(readSecret("ENCRYPT_PASSPHRASE_FILE", passphraseFile, readFile))];
}

function readSecrets(environment: Environment, readFile: (path: string) => string): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const [setting, target] of Object.entries(secretFiles)) {
    const path = environment[setting];
    if (path) secrets[target] = readSecret(setting, path, readFile);
  }
  return secrets;
}

/** The first line of a file, whatever ends it: editors and `kubectl create secret` disagree about final newlines. */
function readSecret(setting: string, path: string, readFile: (path: string) => string): string {
  const secret = readNamedFile(setting, path, readFile).replace(/\r?\n$/, "");
  if (secret === "")
    throw new BackupError("configuration", `${setting} names ${path}, which is empty`, {
      hint: "write the secret into it",
    });
  if (/[\r\n]/.test(secret))
    throw new BackupError("configuration", `${setting} names ${path}, which has several lines`, {
      hint: "write the secret alone into it, on one line",
    });
  return secret;
}

function readNamedFile(setting: string, path: string, readFile: (path: string) => string): string {
  if (path === "")
    throw new BackupError("configuration", `${setting} is set but empty`, {
      hint: "write the path of the file, or unset it",
    });
  try {
    return readFile(path);
  } catch (cause) {
    const reason = {
      ENOENT: "which does not exist",
      EACCES: "which may not be read",
      EISDIR: "which is a folder",
    }[String((cause as NodeJS.ErrnoException).code)];
    throw new BackupError("configuration", `${setting} names ${path}, ${reason ?? "which cannot be read"}`, {
      hint: "mount the file there and let the user this runs as read it, or correct the path",
      cause,
    });
  }
}
