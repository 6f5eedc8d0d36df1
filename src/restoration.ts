import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "./context.ts";
import type { AgeIdentity } from "./encryption/age.ts";
import type { CharacterSet, Server, Target } from "./engines/engine.ts";
import type { Creation, DatabaseState, Exchange, Restorer } from "./engines/restorer.ts";
import { BackupError } from "./errors.ts";
import { loadDump } from "./load-dump.ts";
import { dropAbandoned, scratchName } from "./scratch.ts";
import type { StoredDump } from "./stored-dump.ts";

/** How a dump is to be brought in. */
export interface Manner {
  /** Creates the database. */
  readonly create: boolean;
  /** Restores beside the database and exchanges the two. */
  readonly swap: boolean;
  /** Into a database that is not empty; with `swap` the sessions on it are ended. */
  readonly force: boolean;
}

/** A restore that is going to be done. */
export interface Restoration {
  readonly dump: StoredDump;
  readonly target: Target;
  readonly server: Server;
  readonly identities: readonly AgeIdentity[];
  readonly manner: Manner;
  /** What a database is created with that the dump does not have in it. */
  readonly characterSet: CharacterSet | undefined;
  /** What the target holds now; undefined if it does not exist, or is the server. */
  readonly state: DatabaseState | undefined;
}

/**
 * What a database that is to be restored into holds now.
 * @throws BackupError `target` if it cannot be restored into in this manner
 */
export async function examineTarget(
  { engine, signal }: Context,
  database: string,
  { create, swap, force }: Manner,
): Promise<DatabaseState | undefined> {
  const { restorer } = engine;
  const mustBeUnused = swap && restorer.exchangesUnused && !force;
  const state = await inspect(restorer, database, mustBeUnused, signal);
  if (state === undefined) {
    if (create) return undefined;
    throw new BackupError("target", `there is no database ${database} on the server`, {
      hint: swap ? "leave --swap out and add --create" : "add --create, or name another with --to",
    });
  }
  if (mustBeUnused && state.sessions > 0)
    throw new BackupError("target", `${sessions(state.sessions)} connected to ${database}`, {
      hint: "end what uses it, or add --force, which ends the sessions when the names are exchanged",
    });
  if (swap || force || isEmpty(state)) return state;
  throw new BackupError("target", `database ${database} is not empty: it has ${describeState(state)}`, {
    hint: `restore into another (--to NAME --create), replace it and keep it under another name (--swap), or ${restorer.transactional ? "restore into it as it is" : "drop those of its tables that are in the backup"} (--force)`,
  });
}

/** How often, and after how many milliseconds each, a database is looked at again that sessions are connected to. */
const [looks, pause] = [10, 200];

/** @param mustBeUnused waits a little for sessions to go: a server's process outlives its client, this program's own among them, by moments */
async function inspect(
  restorer: Restorer,
  database: string,
  mustBeUnused: boolean,
  signal: AbortSignal,
): Promise<DatabaseState | undefined> {
  let state = await restorer.inspect(database, signal);
  for (let left = mustBeUnused ? looks : 0; left > 0 && state !== undefined && state.sessions > 0; left--) {
    await delay(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    state = await restorer.inspect(database, signal);
  }
  return state;
}

/**
 * A dump of a whole server wants one that has nothing in it yet.
 * @throws BackupError `target` if it has
 */
export async function examineServer(
  { engine, signal }: Context,
  server: Server,
  { force }: Manner,
): Promise<void> {
  const filled: string[] = [];
  for (const { name } of server.databases) {
    const state = await engine.restorer.inspect(name, signal);
    if (state && !isEmpty(state)) filled.push(name);
  }
  if (filled.length === 0 || force) return;
  throw new BackupError("target", `the server is not empty: it has ${filled.join(", ")}`, {
    hint: "restore into a new server, or add --force to go on all the same",
  });
}

function isEmpty({ tables, others }: DatabaseState): boolean {
  return tables + others === 0;
}

function sessions(count: number): string {
  return count === 1 ? "1 session is" : `${count} sessions are`;
}

/** What a database holds, for a person. */
export function describeState({ tables, others, rows }: DatabaseState): string {
  if (tables + others === 0) return "nothing in it";
  const parts = [
    `${tables} ${tables === 1 ? "table" : "tables"} with about ${rows.toLocaleString("en")} rows`,
    ...(others > 0 ? [`${others} other ${others === 1 ? "object" : "objects"}`] : []),
  ];
  return parts.join(" and ");
}

/**
 * Restores. What it made itself it takes away again if it fails.
 * @returns the name that the earlier database has now, if it was exchanged
 * @throws BackupError, whose message says what state a target is left in that could not be left as it was
 */
export async function carryOut(context: Context, restoration: Restoration): Promise<string | undefined> {
  const { target, manner, state } = restoration;
  if (target.scope !== "database") await loadServer(context, restoration);
  else if (manner.swap) return exchange(context, restoration, target.database);
  else if (state === undefined)
    await loadIntoNew(context, restoration, target.database, {
      characterSet: restoration.characterSet,
    });
  else await loadIntoExisting(context, restoration, target.database);
  return undefined;
}

async function loadServer(context: Context, restoration: Restoration): Promise<void> {
  try {
    await loadDump(context, restoration.dump, restoration);
  } catch (error) {
    throw withState(error, "what was restored until then is on the server");
  }
}

async function loadIntoExisting(context: Context, restoration: Restoration, database: string): Promise<void> {
  const { restorer } = context.engine;
  try {
    await loadDump(context, restoration.dump, restoration);
  } catch (error) {
    if (restorer.transactional) throw withState(error, `${database} is as it was`);
    const state = await restorer.inspect(database).catch(() => undefined);
    if (state && isEmpty(state) && restoration.state && isEmpty(restoration.state))
      throw withState(error, `${database} is empty, as it was`);
    throw withState(
      error,
      `${database} is incomplete: it has ${state ? describeState(state) : "an unknown part of the dump"} now`,
    );
  }
}

async function loadIntoNew(
  context: Context,
  restoration: Restoration,
  database: string,
  creation: Creation,
): Promise<void> {
  const { restorer } = context.engine;
  await restorer.create(database, creation, context.signal);
  try {
    await loadDump(context, restoration.dump, { ...restoration, target: { scope: "database", database } });
  } catch (error) {
    throw await restorer.drop(database).then(
      () => error,
      (cause: unknown) =>
        withState(error, `${database}, which was made for it, is still there (${String(cause)})`),
    );
  }
}

async function exchange(context: Context, restoration: Restoration, live: string): Promise<string> {
  const { engine, log, now, signal } = context;
  await dropAbandoned(context, restoration.server);
  const replacement = scratchName("restore", now());
  const kept = keptName(live, now());
  await loadIntoNew(context, restoration, replacement, { like: live });
  try {
    signal.throwIfAborted();
    await engine.restorer.exchange(
      { live, replacement, kept },
      { endSessions: restoration.manner.force, warn: (message) => log.warn(message) },
    );
  } catch (error) {
    await settleExchange(context, { live, replacement, kept }, error);
  }
  return kept;
}

/**
 * Looks at what an exchange that failed has left: the answer may have been lost after the deed. Returns if it was done.
 * @throws the error, with what is the case
 */
async function settleExchange(
  { engine }: Context,
  { live, replacement, kept }: Exchange,
  error: unknown,
): Promise<void> {
  const exists = async (name: string): Promise<boolean> =>
    (await engine.restorer.inspect(name)) !== undefined;
  let [hasKept, hasReplacement] = [true, true];
  try {
    [hasKept, hasReplacement] = [await exists(kept), await exists(replacement)];
  } catch {
    throw withState(
      error,
      `it is unknown whether ${live} was exchanged: look whether there is a database ${kept}`,
    );
  }
  if (hasKept && !hasReplacement) return;
  if (hasKept) throw error;
  await engine.restorer.drop(replacement);
  throw withState(error, `${live} is as it was`);
}

/** The most bytes that a name may have: 63 in PostgreSQL, 64 characters in MariaDB. */
const longestName = 63;

/** `app_20261121_020005`: the live database's name, cut if need be, and the time in UTC. */
export function keptName(live: string, now: Date): string {
  const suffix = `_${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_")}`;
  let name = live;
  while (Buffer.byteLength(name + suffix) > longestName) name = Array.from(name).slice(0, -1).join("");
  return name + suffix;
}

function withState(error: unknown, state: string): unknown {
  if (!(error instanceof BackupError)) return error;
  return new BackupError(error.operation, `${error.message}; ${state}`, { hint: error.hint, cause: error });
}
