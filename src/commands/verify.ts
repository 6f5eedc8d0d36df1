import { type Catalogue, groupBySeries, readCatalogue, type StoredBackup, subjectOf } from "../catalogue.ts";
import { isChosen, noSuchBackup, nothingFound, readMoment } from "../choice.ts";
import type { OptionsOf } from "../command-line.ts";
import type { Context } from "../context.ts";
import type { AgeIdentity } from "../encryption/age.ts";
import type { Server } from "../engines/engine.ts";
import { BackupError, explain } from "../errors.ts";
import { formatBytes, formatTime } from "../format.ts";
import { targetOf } from "../manifest.ts";
import { reachServer, refuseDumpOptions } from "../preparation.ts";
import { wellDated } from "../retention.ts";
import { identitiesFor, readObject, readSql, storedDump } from "../stored-dump.ts";
import { tryRestore } from "../try-restore.ts";

/** What came of one backup. */
interface Outcome {
  readonly path: string;
  /** How it was examined; undefined if its manifest already tells that it is none. */
  readonly backup: StoredBackup | undefined;
  readonly found: string;
  readonly error?: unknown;
}

/** What it takes to examine backups as the options ask. */
interface Means {
  readonly identities: readonly AgeIdentity[];
  /** Where they are tried out. */
  readonly server: Server | undefined;
}

/**
 * Reads backups and compares them with what was stored.
 * @throws BackupError `integrity` if any of them fails, `find` if there is none
 */
export async function verify(context: Context, options: OptionsOf<"verify">): Promise<void> {
  const { config, engine, log, remote, print, signal } = context;
  requireSense(options);
  refuseDumpOptions(engine, "verify");
  const since = readMoment("--since", options.since, { now: context.now(), timeZone: config.timeZone });
  const catalogue = await readCatalogue(remote, signal);
  const ofEngine = catalogue.backups.filter(({ manifest }) => manifest.engine === engine.name);
  const backups = choose(ofEngine, options, { since, now: context.now() });
  const outcomes = findDamaged(catalogue, options);
  if (backups.length === 0 && outcomes.length === 0)
    throw options.file === undefined
      ? nothingFound(options, ofEngine, { since: options.since, others: catalogue.backups })
      : noSuchBackup(options.file);
  const means = await gatherMeans(context, options, backups);
  const show = (outcome: Outcome): void => {
    if (options.json !== true) print(toLine(outcome, config.timeZone));
  };
  outcomes.forEach(show);
  for (const backup of backups) {
    const outcome = await examine(context, backup, options, means);
    show(outcome);
    outcomes.push(outcome);
  }
  if (options.json === true) print(toJson(outcomes));
  const others = catalogue.backups.length - ofEngine.length;
  if (others > 0 && !options.file)
    log.info(`${others} backups of another engine were left out: rcdump's image for it verifies them`);
  report(outcomes);
}

/** Options that contradict each other. */
function requireSense({ file, since, all, database, server }: OptionsOf<"verify">): void {
  if (file === undefined || [since, all, database, server].every((option) => option === undefined)) return;
  throw new BackupError("configuration", "--file chooses one backup, and another option chooses as well", {
    hint: "leave one of them out",
  });
}

function choose(
  backups: readonly StoredBackup[],
  options: OptionsOf<"verify">,
  { since, now }: { since: Date | undefined; now: Date },
): StoredBackup[] {
  if (options.file !== undefined) return backups.filter(({ path }) => path === options.file);
  const chosen = backups.filter(({ manifest }) => isChosen(options, manifest));
  if (since !== undefined) return chosen.filter(({ startedAt }) => startedAt >= since);
  return options.all === true
    ? chosen
    : groupBySeries(chosen).flatMap((series) => wellDated(series, now)[0] ?? []);
}

/** What is no backup any more; one whose manifest cannot be read may be of any database. */
function findDamaged({ damaged }: Catalogue, options: OptionsOf<"verify">): Outcome[] {
  const concerns = ({ path, manifest }: Catalogue["damaged"][number]): boolean =>
    options.file === undefined
      ? manifest === undefined || isChosen(options, manifest)
      : path === options.file;
  return damaged.filter(concerns).map(({ path, problem }) => ({
    path,
    backup: undefined,
    found: "",
    error: new BackupError("integrity", `${path} ${problem}`),
  }));
}

async function gatherMeans(
  context: Context,
  options: OptionsOf<"verify">,
  backups: readonly StoredBackup[],
): Promise<Means> {
  const unpacks = options.deep === true || options.restore === true;
  return {
    identities: unpacks ? await identitiesFor(context, backups.map(storedDump)) : [],
    server: options.restore === true ? await reachServer(context) : undefined,
  };
}

async function examine(
  context: Context,
  backup: StoredBackup,
  options: OptionsOf<"verify">,
  { identities, server }: Means,
): Promise<Outcome> {
  const { path, manifest } = backup;
  const isDatabase = manifest.scope === "database";
  try {
    if (server && isDatabase) {
      await tryRestore(context, backup, { server, identities });
      return { path, backup, found: "restored and compared, equal" };
    }
    if (options.deep !== true && !server) {
      await readObject(context, storedDump(backup));
      return { path, backup, found: "intact" };
    }
    const load = await context.engine.restorer.load(targetOf(manifest), manifest.format, {
      trusted: true,
      serverVersion: manifest.server.version,
    });
    await readSql(context, storedDump(backup), { identities, load });
    const found = "intact, and reads to its end";
    return {
      path,
      backup,
      found: server ? `${found}; a dump of ${subjectOf(manifest)} cannot be tried out beside others` : found,
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof BackupError)) throw error;
    return { path, backup, found: "", error };
  }
}

function toLine({ path, backup, found, error }: Outcome, timeZone: string): string {
  if (error !== undefined) return `\u2717  ${problemOf(path, error)}\n`;
  if (!backup) return "";
  const { manifest, startedAt } = backup;
  const when = formatTime(startedAt, timeZone);
  return `\u2713  ${path}  ${subjectOf(manifest)} of ${when}, ${formatBytes(manifest.plain.bytes)}: ${found}\n`;
}

/** What is wrong, and with which backup. */
function problemOf(path: string, error: unknown): string {
  const problem = explain(error);
  return problem.startsWith(path) ? problem : `${path}: ${problem}`;
}

function toJson(outcomes: readonly Outcome[]): string {
  const results = outcomes.map(({ path, error, found }) =>
    error === undefined ? { path, ok: true, found } : { path, ok: false, problem: problemOf(path, error) },
  );
  return `${JSON.stringify(results, null, 2)}\n`;
}

function report(outcomes: readonly Outcome[]): void {
  const errors = outcomes.flatMap(({ error }) => (error instanceof BackupError ? [error] : []));
  const [first] = errors;
  if (!first) return;
  if (errors.length === 1 && outcomes.length === 1) throw first;
  const worst = errors.some(({ operation }) => operation === "integrity") ? "integrity" : first.operation;
  throw new BackupError(worst, `${errors.length} of ${outcomes.length} backups failed`);
}
