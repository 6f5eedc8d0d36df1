import { examine, readCatalogue, type StoredBackup, subjectOf } from "../catalogue.ts";
import { chooseBackup, noSuchBackup, readMoment } from "../choice.ts";
import type { OptionsOf } from "../command-line.ts";
import type { Context } from "../context.ts";
import type { AgeIdentity } from "../encryption/age.ts";
import { type Server, type Target, targetName } from "../engines/engine.ts";
import { BackupError } from "../errors.ts";
import { formatAge, formatBytes, formatSeconds, formatTime } from "../format.ts";
import { manifestPath, targetOf } from "../manifest.ts";
import { reachServer, refuseDumpOptions } from "../preparation.ts";
import {
  carryOut,
  describeState,
  examineServer,
  examineTarget,
  type Manner,
  type Restoration,
} from "../restoration.ts";
import { identitiesFor, readObject, storedDump, type StoredDump, unverifiedDump } from "../stored-dump.ts";
import { formatTable } from "../table.ts";

/** What is going to be restored. */
interface Chosen {
  readonly dump: StoredDump;
  /** Undefined for a dump without a manifest. */
  readonly backup: StoredBackup | undefined;
  readonly target: Target;
}

/**
 * Restores a backup: finds it, looks at the target, asks, reads the backup once in full, and only then begins.
 * @throws BackupError `find`, `integrity`, `decrypt`, `target` before anything is touched, `restore` afterwards
 */
export async function restore(context: Context, options: OptionsOf<"restore">): Promise<void> {
  requireSense(options);
  refuseDumpOptions(context.engine, "restore");
  const chosen = await choose(context, options);
  const identities = await identitiesFor(context, [chosen.dump]);
  const server = await reachServer(context);
  const manner = {
    create: options.create === true,
    swap: options.swap === true,
    force: options.force === true,
  };
  const state = await examineDestination(context, chosen.target, server, manner);
  const characterSet = chosen.backup?.manifest.characterSet;
  const restoration = { ...chosen, server, identities, manner, characterSet, state };
  await askToGoOn(context, chosen.backup, restoration, options.yes === true);
  if (options["no-verify"] !== true && chosen.backup) await verifyFirst(context, chosen.dump, identities);
  const start = performance.now();
  const kept = await carryOut(context, restoration);
  report(context, chosen, kept, (performance.now() - start) / 1000);
}

async function verifyFirst(
  context: Context,
  dump: StoredDump,
  identities: readonly AgeIdentity[],
): Promise<void> {
  try {
    await readObject(context, dump, identities);
  } catch (error) {
    if (!(error instanceof BackupError) || error.operation !== "integrity") throw error;
    throw new BackupError("integrity", `${error.message}; nothing was touched`, {
      hint: "`rcdump list` shows the others: choose one by --at or --file",
      cause: error,
    });
  }
}

/** Options that contradict each other. */
function requireSense(options: OptionsOf<"restore">): void {
  const { file, at, database, server, unverified, to, create, swap } = options;
  const problem = [
    {
      fits: file !== undefined && [at, database, server].some((option) => option !== undefined),
      message: "--file chooses one backup, and --at, --database and --server choose as well",
    },
    {
      fits: unverified === true && file === undefined,
      message: "--unverified is for a dump that --file names",
    },
    {
      fits: unverified === true && to === undefined,
      message: "--unverified knows nothing of the dump: say with --to which database it goes to",
    },
    { fits: swap === true && create === true, message: "--swap replaces a database and --create makes one" },
  ].find(({ fits }) => fits);
  if (problem)
    throw new BackupError("configuration", problem.message, {
      hint: "`rcdump restore --help` has the options",
    });
}

async function choose(context: Context, options: OptionsOf<"restore">): Promise<Chosen> {
  const { config, engine, log, remote, now, signal } = context;
  const { file, to } = options;
  if (file !== undefined && options.unverified === true) {
    if (!(await remote.find([file], signal)).has(file)) throw noSuchBackup(file);
    return {
      dump: unverifiedDump(file),
      backup: undefined,
      target: { scope: "database", database: to ?? "" },
    };
  }
  const at = readMoment("--at", options.at, { now: now(), timeZone: config.timeZone });
  let backup: StoredBackup;
  if (file === undefined) {
    const catalogue = await readCatalogue(remote, signal);
    for (const { path, problem, manifest } of catalogue.damaged)
      if (manifest === undefined) log.warn(`passed over: ${path} ${problem}`);
    backup = chooseBackup(catalogue, { ...options, at, engine: engine.name, now: context.now() });
  } else backup = await readBackup(context, file);
  return { dump: storedDump(backup), backup, target: retarget(targetOf(backup.manifest), options) };
}

async function readBackup({ engine, remote, signal }: Context, path: string): Promise<StoredBackup> {
  const name = manifestPath(path);
  const found = await remote.find([path, name], signal);
  if (!found.has(path) && !found.has(name)) throw noSuchBackup(path);
  if (!found.has(name))
    throw new BackupError(
      "find",
      `${path} has no manifest: it is unfinished, or was made by something else`,
      {
        hint: "add --unverified and --to NAME to restore it all the same",
      },
    );
  const examined = examine(path, await remote.read(name, signal), found.get(path)?.bytes);
  if ("problem" in examined)
    throw new BackupError("integrity", `${path} ${examined.problem}`, {
      hint: found.has(path)
        ? "--unverified and --to NAME restore it without its manifest, if it can be read"
        : undefined,
    });
  if (examined.manifest.engine === engine.name) return examined;
  throw new BackupError(
    "configuration",
    `${path} is a backup of ${examined.manifest.engine}, and this is for ${engine.name}`,
    {
      hint: `use rcdump's image for ${examined.manifest.engine}`,
    },
  );
}

/** A dump of one database can go into another one; a dump of a server goes to the server. */
function retarget(target: Target, { to, create, swap }: OptionsOf<"restore">): Target {
  if (target.scope === "database") return { scope: "database", database: to ?? target.database };
  if (to === undefined && create !== true && swap !== true) return target;
  throw new BackupError("configuration", `a dump of ${targetName(target)} goes to no one database`, {
    hint: "leave --to, --create and --swap out",
  });
}

async function examineDestination(
  context: Context,
  target: Target,
  server: Server,
  manner: Manner,
): Promise<Restoration["state"]> {
  if (target.scope === "database") return examineTarget(context, target.database, manner);
  if (target.scope === "server") await examineServer(context, server, manner);
  return undefined;
}

async function askToGoOn(
  context: Context,
  backup: StoredBackup | undefined,
  restoration: Restoration,
  yes: boolean,
): Promise<void> {
  const { log, ask } = context;
  log.info(`about to restore\n${describe(context, backup, restoration)}`);
  if (yes) return;
  const answer = await ask("Go on?");
  if (answer === true) return;
  if (answer === false) throw new BackupError("configuration", "not restored: the answer was no");
  throw new BackupError(
    "configuration",
    "restore asks before it begins, and there is no terminal to ask at",
    {
      hint: "add --yes",
    },
  );
}

function describe(
  { config, engine, now }: Context,
  backup: StoredBackup | undefined,
  { dump, target, server, manner, state }: Restoration,
): string {
  const at = `${server.product} at ${server.host}:${server.port}`;
  const into = target.scope === "database" ? `database ${target.database} on ${at}` : at;
  const rows = [
    ["  backup", dump.path],
    ...(backup
      ? [
          ["  of", subjectOf(backup.manifest)],
          [
            "  made",
            `${formatTime(backup.startedAt, config.timeZone)} ${config.timeZone}, ${formatAge(now().getTime() - backup.startedAt.getTime())} ago`,
          ],
          ["  size", formatBytes(backup.manifest.plain.bytes)],
        ]
      : [["  of", "unknown: it has no manifest"]]),
    ["  into", into],
    ...(target.scope === "database"
      ? [["  now", describeDestination(state, manner, engine.restorer.transactional)]]
      : []),
  ];
  return formatTable(rows).trimEnd();
}

function describeDestination(
  state: Restoration["state"],
  { swap, force }: Manner,
  transactional: boolean,
): string {
  if (state === undefined) return "not there; it will be created";
  const holds = describeState(state);
  if (swap) return `${holds}; it will be exchanged, and kept under a dated name`;
  const isOverwritten = force && !transactional && state.tables > 0;
  return isOverwritten
    ? `${holds}; tables that are in the backup as well will be DROPPED and replaced`
    : holds;
}

function report(
  { log }: Context,
  { backup, dump, target }: Chosen,
  kept: string | undefined,
  seconds: number,
): void {
  const bytes = backup?.manifest.plain.bytes;
  const size = bytes === undefined ? "" : `, ${formatBytes(bytes)}`;
  const into = target.scope === "database" ? `into ${target.database}` : `to the server`;
  log.info(
    { path: dump.path, target: targetName(target), seconds: Number(seconds.toFixed(3)), kept },
    `restored ${dump.path} ${into}${size} in ${formatSeconds(seconds)}${kept === undefined ? "" : `; the earlier database is now called ${kept}`}`,
  );
}
