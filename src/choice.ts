import { type Catalogue, seriesOf, serverOf, type StoredBackup, subjectOf } from "./catalogue.ts";
import { BackupError } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import { parseMoment } from "./moment.ts";
import { wellDated } from "./retention.ts";

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
  refuseMonths(option, text);
  const moment = parseMoment(text, clock);
  if (moment) return moment;
  throw new BackupError("configuration", `${option} is ${JSON.stringify(text)}, which is no time`, {
    hint: "write a time such as 2026-11-21T02:00 or 2026-11-21T02:00:00Z, a day, or how long ago it was, such as 7d",
  });
}

/**
 * Where an option gives a length of time, `m` is more often meant for minutes than for months.
 * @throws BackupError `configuration`
 */
export function refuseMonths(option: string, text: string): void {
  if (/^(\d+[a-z]+)*\d+m(\d|$)/.test(text))
    throw new BackupError(
      "configuration",
      `${option} is ${JSON.stringify(text)}, and m could be minutes or months`,
      {
        hint: "write min for minutes, or days, as in 60d",
      },
    );
}

/**
 * The error for there being no backup where one was asked for.
 * @param backups those that could have been meant
 * @param options.others those of other engines
 */
export function nothingFound(
  { database, server }: Choice,
  backups: readonly StoredBackup[],
  { since, others = [] }: { since?: string | undefined; others?: readonly StoredBackup[] } = {},
): BackupError {
  const of = database === undefined ? "" : ` of ${database}`;
  const on = server === undefined ? "" : ` from ${server}`;
  const when = since === undefined ? "" : ` since ${since}`;
  return new BackupError("find", `there is no backup${of}${on} in the remote${when}`, {
    hint: whatThereIs(backups, others),
  });
}

function whatThereIs(backups: readonly StoredBackup[], others: readonly StoredBackup[]): string {
  const subjects = [...new Set(backups.map(({ manifest }) => subjectOf(manifest)))].toSorted();
  const [other] = others;
  if (subjects.length > 0) return `there are backups of ${subjects.join(", ")}; \`rcdump list\` shows them`;
  if (other)
    return `there are backups of ${other.manifest.engine}: use rcdump's image for it, or set BACKUP_ENGINE`;
  return "correct REMOTE_NAME and UPLOAD_PREFIX; `rcdump list --all` shows what lies there";
}

/** The error for a path that is no backup's. */
export function noSuchBackup(path: string): BackupError {
  return new BackupError("find", `there is no backup ${path} in the remote`, {
    hint: "paths are relative to UPLOAD_PREFIX; `rcdump list --all` shows them",
  });
}

/** What a backup to restore is chosen by. */
export interface Wish extends Choice {
  readonly engine: Manifest["engine"];
  /** The newest backup is wanted that was begun by then, and so holds nothing younger; undefined for the newest of all. */
  readonly at?: Date | undefined;
  /** What is dated later has a wrong date. */
  readonly now: Date;
}

/**
 * The one backup that is meant.
 * @throws BackupError `find` if there is none, `configuration` if several databases could be meant, `integrity` if the one
 * that is meant is damaged
 */
export function chooseBackup(
  { backups, damaged }: Pick<Catalogue, "backups" | "damaged">,
  wish: Wish,
): StoredBackup {
  const ofEngine = backups.filter(({ manifest }) => manifest.engine === wish.engine);
  const candidates = wellDated(
    ofEngine.filter(({ manifest }) => isChosen(wish, manifest)),
    wish.now,
  );
  const spoilt = damaged.flatMap(({ path, problem, manifest }) =>
    manifest?.engine === wish.engine && isChosen(wish, manifest)
      ? [{ path, problem, manifest, startedAt: new Date(manifest.started) }]
      : [],
  );
  const all = [...candidates, ...spoilt].map(({ manifest }) => manifest);
  if (all.length === 0) throw nothingFound(wish, ofEngine, { others: backups });
  requireOneSeries(all);
  const limit = wish.at;
  // To the second, as times are shown: whoever copies one from the list means that backup.
  const isInTime = ({ started }: Manifest): boolean =>
    !limit || Math.floor(Date.parse(started) / 1000) * 1000 <= limit.getTime();
  const newest = candidates.find(({ manifest }) => isInTime(manifest));
  const newer = wellDated(spoilt, wish.now).find(
    ({ manifest, startedAt }) =>
      isInTime(manifest) && (!newest || startedAt.getTime() > newest.startedAt.getTime()),
  );
  if (newer)
    throw new BackupError(
      "integrity",
      `the backup that is meant is damaged: ${newer.path} ${newer.problem}`,
      {
        hint: "`rcdump list` shows the others: choose one by --at or --file",
      },
    );
  if (newest) return newest;
  const first = candidates.at(-1);
  throw new BackupError(
    "find",
    `there is no backup of ${subjectOf(all[0] as Manifest)} that was begun by ${limit?.toISOString()}`,
    { hint: first && `the first was begun at ${first.manifest.started}` },
  );
}

/** What is restored must be what was meant, not what happens to be newest. */
function requireOneSeries(manifests: readonly Manifest[]): void {
  if (new Set(manifests.map(seriesOf)).size === 1) return;
  const subjects = [...new Set(manifests.map(subjectOf))].toSorted();
  const servers = [...new Set(manifests.map(serverOf))].toSorted();
  if (subjects.length > 1)
    throw new BackupError("configuration", `there are backups of ${subjects.join(", ")}`, {
      hint: "say which with --database NAME, or choose one by --file PATH; `rcdump list` shows them",
    });
  throw new BackupError(
    "configuration",
    `there are backups of ${subjects.join()} from several servers: ${servers.join(", ")}`,
    { hint: `say which with --server ${servers[0]}, or choose one by --file PATH` },
  );
}
