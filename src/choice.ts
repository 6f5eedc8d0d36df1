import { serverOf, type StoredBackup, subjectOf } from "./catalogue.ts";
import { BackupError } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import { parseMoment } from "./moment.ts";

/** Which backups a command is about, as its options say. */
export interface Choice {
  /** A database's whole name. */
  readonly database?: string | undefined;
  /** `host` or `host:port`. */
  readonly server?: string | undefined;
}

/** Whether a backup is among those chosen. Names are compared whole: `app` is never `app2`. */
export function isChosen({ database, server }: Choice, manifest: Manifest): boolean {
  if (database !== undefined && (manifest.scope !== "database" || manifest.database !== database))
    return false;
  return server === undefined || manifest.server.host === server || serverOf(manifest) === server;
}

/**
 * Reads the time that an option gives.
 * @returns undefined if the option was not given
 * @throws BackupError `configuration` for what is no time
 */
export function readMoment(
  option: string,
  text: string | undefined,
  clock: { now: Date; timeZone: string },
): Date | undefined {
  if (text === undefined) return undefined;
  const moment = parseMoment(text, clock);
  if (moment) return moment;
  throw new BackupError("configuration", `${option} is ${JSON.stringify(text)}, which is no time`, {
    hint: "write a time such as 2026-11-21T02:00 or 2026-11-21T02:00:00Z, a day, or how long ago it was, such as 7d",
  });
}

/** The error for there being no backup where one was asked for. */
export function nothingFound({ database, server }: Choice, backups: readonly StoredBackup[]): BackupError {
  const of = database === undefined ? "" : ` of ${database}`;
  const on = server === undefined ? "" : ` from ${server}`;
  const subjects = [...new Set(backups.map(({ manifest }) => subjectOf(manifest)))].toSorted();
  return new BackupError("find", `there is no backup${of}${on} in the remote`, {
    hint:
      subjects.length === 0
        ? "correct REMOTE_NAME and UPLOAD_PREFIX; `rcdump list --all` shows what lies there"
        : `there are backups of ${subjects.join(", ")}; \`rcdump list\` shows them`,
  });
}
