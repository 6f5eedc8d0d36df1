import { type Catalogue, seriesOf, serverOf, type StoredBackup, subjectOf } from "./catalogue.ts";
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
export function nothingFound(
  { database, server }: Choice,
  backups: readonly StoredBackup[],
  since?: string,
): BackupError {
  const of = database === undefined ? "" : ` of ${database}`;
  const on = server === undefined ? "" : ` from ${server}`;
  const subjects = [...new Set(backups.map(({ manifest }) => subjectOf(manifest)))].toSorted();
  return new BackupError(
    "find",
    `there is no backup${of}${on} in the remote${since === undefined ? "" : ` since ${since}`}`,
    {
      hint:
        subjects.length === 0
          ? "correct REMOTE_NAME and UPLOAD_PREFIX; `rcdump list --all` shows what lies there"
          : `there are backups of ${subjects.join(", ")}; \`rcdump list\` shows them`,
    },
  );
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
  /** The newest backup is wanted that was finished by then; undefined for the newest of all. */
  readonly at?: Date | undefined;
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
  const candidates = ofEngine.filter(({ manifest }) => isChosen(wish, manifest));
  const spoilt = damaged.flatMap(({ path, problem, manifest }) =>
    manifest?.engine === wish.engine && isChosen(wish, manifest) ? [{ path, problem, manifest }] : [],
  );
  const all = [...candidates, ...spoilt].map(({ manifest }) => manifest);
  if (all.length === 0) throw nothingFound(wish, ofEngine);
  requireOneSeries(all);
  const limit = wish.at;
  const isInTime = (manifest: Manifest): boolean => !limit || new Date(manifest.finished) <= limit;
  const newest = candidates.find(({ manifest }) => isInTime(manifest));
  const newer = spoilt.find(
    ({ manifest }) =>
      isInTime(manifest) && (!newest || Date.parse(manifest.started) > newest.startedAt.getTime()),
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
    `there is no backup of ${subjectOf(all[0] as Manifest)} that was finished by ${limit?.toISOString()}`,
    { hint: first && `the first was finished at ${first.manifest.finished}` },
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
