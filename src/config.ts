import type { Compression } from "./compression.ts";
import type { NamedRecipient } from "./encryption/recipients.ts";
import type { Environment } from "./environment.ts";
import { BackupError, explain } from "./errors.ts";
import { readRecipients, readSecrets } from "./key-files.ts";
import { parseRemoteName } from "./remote-name.ts";
import type { RetentionPolicy } from "./retention.ts";
import {
  contradictions,
  missing,
  readCompression,
  readRetention,
  readSettings,
  settings,
} from "./settings.ts";
import type { Shard } from "./shard.ts";
import { looksLike } from "./spelling.ts";

/** Every setting, checked and ready for use. */
export interface Config {
  readonly engine: "postgres" | "mariadb";
  /** Names, globs and `!` exclusions; undefined for the whole server in one dump. */
  readonly databases: readonly string[] | undefined;
  readonly globals: boolean;
  /** Which part of all that is this run's; undefined for all of it. */
  readonly shard: Shard | undefined;
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
  /** Seconds that one dump may take until it is stored; undefined for as long as it takes. */
  readonly timeout: number | undefined;
  /** Which backups are kept; undefined if none is ever removed. */
  readonly retention: RetentionPolicy | undefined;
  /** The environment of the programs that are run: what was given, and the secrets that came from files. */
  readonly environment: Environment;
}

/** What is read here beside {@link settings}; a misspelling of any of them is reported. */
const otherNames = [
  "ENCRYPT_RECIPIENTS",
  "ENCRYPT_RECIPIENTS_FILE",
  "ENCRYPT_PASSPHRASE_FILE",
  "DECRYPT_IDENTITY_FILE",
  "DECRYPT_PASSPHRASE_FILE",
];
const ownNames = [...Object.keys(settings).filter((name) => name !== "TZ"), ...otherNames];

/** Modes of rclone in which it reports success and stores nothing. */
const pretences = ["RCLONE_DRY_RUN", "RCLONE_INTERACTIVE"];

/** What the settings are for: dumps to be made, or only what is stored already. */
export type Purpose = "backup" | "stored";

/**
 * Reads every setting.
 * @param purpose for what is stored already nothing needs to say what is to be dumped, and for whom it is encrypted
 * @param readFile returns a file's text, throws what node:fs throws
 * @throws BackupError that lists all problems at once, each naming the variable and how to mend it
 */
export function parseConfig(
  environment: Environment,
  readFile: (path: string) => string,
  purpose: Purpose = "backup",
): Config {
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
  if (purpose === "backup") problems.push(...missing(data, environment));
  problems.push(...contradictions(data));
  problems.push(...misspellings(environment), ...dryRuns(environment));
  const remote = attempt(() =>
    parseRemoteName(environment["REMOTE_NAME"] || "store", environment["UPLOAD_PREFIX"] ?? ""),
  );
  const recipients = purpose === "backup" ? attempt(() => readRecipients(environment, readFile)) : [];
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
    shard: data.BACKUP_SHARD,
    fileName: data.BACKUP_FILE_NAME,
    timeZone: data.TZ,
    remote,
    recipients,
    compression,
    concurrency: data.BACKUP_CONCURRENCY,
    overwrite: data.BACKUP_OVERWRITE,
    spoolFolder: data.BACKUP_SPOOL_DIR,
    wait: data.BACKUP_WAIT,
    timeout: data.BACKUP_TIMEOUT,
    retention: readRetention(data),
    // What programs say is read, and so it is to be said in English.
    environment: { ...environment, ...secrets, LC_ALL: "C" },
  };
}

function misspellings(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => /^(BACKUP|ENCRYPT|DECRYPT|KEEP)_/.test(name) && !ownNames.includes(name))
    .flatMap((name) => {
      const meant =
        ownNames.find((known) => looksLike(name, known)) ??
        ownNames.find((known) => keepStem(known) !== undefined && keepStem(known) === keepStem(name));
      return meant === undefined ? [] : [`${name} is no setting; did you mean ${meant}?`];
    });
}

/** What a rule of retention is about: KEEP_DAYS and KEEP_DAILY are a slip apart, and a rule that is not there removes. */
function keepStem(name: string): string | undefined {
  const stem = /^KEEP_(HOUR|DA[IY]|WEEK|MONTH|YEAR|LAST|WITHIN)/.exec(name)?.[1];
  return stem === "DAI" ? "DAY" : stem;
}

function dryRuns(environment: Environment): string[] {
  return pretences
    .filter((name) => !["", "false", "0"].includes((environment[name] ?? "").toLowerCase()))
    .map((name) => `${name} is set, with which rclone stores nothing and reports success; unset it`);
}
