import { BackupError } from "../errors.ts";
import { run } from "../subprocess.ts";
import { redirectAlterations } from "./mariadb-alteration.ts";
import { fromHex, identifier, isNamed, type MariadbClient } from "./mariadb-client.ts";
import { restoreError } from "./mariadb-failure.ts";
import type { Exchange } from "./restorer.ts";

/** How long the exchange may wait for transactions that use the tables, in seconds: everybody else waits behind it. */
const lockWait = 30;

/** What is in a database, by name, and the SQL that makes what cannot be renamed. */
interface Inventory {
  readonly tables: readonly string[];
  readonly views: readonly string[];
  readonly triggers: readonly string[];
  /** Statements that drop routines and events. */
  readonly drops: readonly string[];
  /** Statements that disable the events that are not. */
  readonly disabling: readonly string[];
  /** Makes the triggers anew. */
  readonly triggerDefinitions: string;
  /** Makes routines and events anew, and then the views. */
  readonly definitions: string;
}

/**
 * Exchanges two databases, which MariaDB has no statement for. All tables change places in one RENAME TABLE, which is
 * done wholly or not at all. Triggers, views, routines and events cannot be renamed into another database: they are dropped
 * and made again from their definitions, within a moment; events of the earlier database stay disabled. Until the tables are renamed a failure leaves the live
 * database as it was.
 * @param creation the statement that makes the database which the live one's objects go to
 */
export async function exchangeDatabases(
  client: MariadbClient,
  { live, replacement, kept }: Exchange,
  creation: string,
): Promise<void> {
  const before = await readInventory(client, live);
  const next = await readInventory(client, replacement);
  await execute(client, "", creation, `cannot make ${kept}`);
  try {
    await execute(client, replacement, dropTriggers(next), `cannot take ${replacement} apart`);
    await execute(
      client,
      live,
      // In one session, so that nothing comes between the two.
      `SET lock_wait_timeout = ${lockWait};\n${dropTriggers(before)}${renameTables(before, live, kept, next, replacement)}`,
      `cannot exchange the tables of ${live}`,
    );
  } catch (error) {
    if (await isUntouched(client, { before, kept, next, replacement })) {
      await execute(client, live, before.triggerDefinitions, "");
      await execute(client, "", `DROP DATABASE ${identifier(kept)};`, "");
      throw error;
    }
    throw new BackupError(
      "restore",
      `${(error as Error).message}; its tables may have changed places: then the earlier ones are in ${kept}, and those of the backup in ${live}`,
      { hint: `look into ${live}, ${kept} and ${replacement} before you go on`, cause: error },
    );
  }
  const halfDone = `the tables of ${live} are exchanged and the earlier ones are in ${kept}, but not all views, triggers, routines and events have followed`;
  const forLive = dropOthers(before) + next.triggerDefinitions + next.definitions;
  await execute(client, live, redirectAlterations(forLive, live), halfDone);
  // What is kept must not do again what the live database's events do.
  const forKept = before.triggerDefinitions + before.definitions + before.disabling.join("");
  await execute(client, kept, redirectAlterations(forKept, kept), halfDone);
  await execute(client, "", `DROP DATABASE ${identifier(replacement)};`, `cannot drop ${replacement}`);
}

/** Whether no table has changed places; false if that cannot be found out. An answer may be lost after the deed. */
async function isUntouched(
  client: MariadbClient,
  {
    before,
    kept,
    next,
    replacement,
  }: { before: Inventory; kept: string; next: Inventory; replacement: string },
): Promise<boolean> {
  try {
    const inKept = await countTables(client, kept);
    const inReplacement = await countTables(client, replacement);
    return (inKept === 0 || before.tables.length === 0) && inReplacement === next.tables.length;
  } catch {
    return false;
  }
}

async function countTables(client: MariadbClient, database: string): Promise<number> {
  const isTable = `${isNamed("table_schema", database)} AND table_type <> 'VIEW'`;
  return Number(await client.query(`SELECT COUNT(*) FROM information_schema.tables WHERE ${isTable};`));
}

async function readInventory(client: MariadbClient, database: string): Promise<Inventory> {
  const answer = await client.query(`
    SELECT IF(table_type = 'VIEW', 'view', 'table'), HEX(table_name), '' FROM information_schema.tables WHERE ${isNamed("table_schema", database)}
    UNION ALL SELECT 'trigger', HEX(trigger_name), '' FROM information_schema.triggers WHERE ${isNamed("trigger_schema", database)}
    UNION ALL SELECT routine_type, HEX(routine_name), '' FROM information_schema.routines WHERE ${isNamed("routine_schema", database)}
    UNION ALL SELECT 'EVENT', HEX(event_name), IF(status = 'ENABLED', HEX(definer), '') FROM information_schema.events WHERE ${isNamed("event_schema", database)};`);
  const objects = answer
    .split("\n")
    .filter(Boolean)
    .map((row) => row.split("\t"));
  const named = (kind: string): string[] =>
    objects.flatMap(([found, name = ""]) => (found === kind ? [fromHex(name)] : []));
  // In the order in which a dump has them: a view with a check option must come after the one that it is on.
  const views = named("view").toSorted();
  const drops = objects
    .filter(([kind = ""]) => !["table", "view", "trigger"].includes(kind))
    .map(([kind = "", name = ""]) => dropRoutine(kind, fromHex(name)));
  return {
    tables: named("table"),
    views,
    triggers: named("trigger"),
    drops,
    disabling: objects.flatMap(([kind, name = "", definer = ""]) =>
      kind === "EVENT" && definer !== "" ? [disableEvent(fromHex(name), fromHex(definer))] : [],
    ),
    triggerDefinitions: await dumpDefinitions(client, database, ["--triggers", "--add-drop-trigger"]),
    definitions:
      (await dumpDefinitions(client, database, ["--skip-triggers", "--routines", "--events"])) +
      (views.length === 0 ? "" : await dumpDefinitions(client, database, ["--skip-triggers"], views)),
  };
}

/** Whoever alters an event without saying so becomes its definer. */
function disableEvent(name: string, definer: string): string {
  const at = definer.lastIndexOf("@");
  const account = [definer.slice(0, at), definer.slice(at + 1)].map(identifier).join("@");
  return `ALTER DEFINER = ${account} EVENT ${identifier(name)} DISABLE;\n`;
}

/** Packages are known to the parser in Oracle's mode only. */
function dropRoutine(kind: string, name: string): string {
  const drop = `DROP ${kind} IF EXISTS ${identifier(name)};\n`;
  return kind.startsWith("PACKAGE") ? `SET sql_mode = ORACLE;\n${drop}SET sql_mode = DEFAULT;\n` : drop;
}

/**
 * mariadb-dump knows how to write them so that they mean the same: each with its sql_mode, character set and definer.
 * @param views whose definitions are wanted; without them there is nothing of tables and views
 */
async function dumpDefinitions(
  client: MariadbClient,
  database: string,
  options: readonly string[],
  views?: readonly string[],
): Promise<string> {
  const bare = ["--no-data", "--skip-add-locks", ...(views ? [] : ["--no-create-info"])];
  const command = await client.connected(
    "mariadb-dump",
    [...bare, ...options, "--", database, ...(views ?? [])],
    (failure) => restoreError(`cannot read the definitions of ${database}`, failure),
  );
  return `${(await run(command)).stdout}\n`;
}

function dropTriggers({ triggers }: Inventory): string {
  return triggers.map((name) => `DROP TRIGGER ${identifier(name)};\n`).join("");
}

function dropOthers({ views, drops }: Inventory): string {
  return views.map((name) => `DROP VIEW ${identifier(name)};\n`).join("") + drops.join("");
}

function renameTables(
  before: Inventory,
  live: string,
  kept: string,
  next: Inventory,
  replacement: string,
): string {
  const moves = [
    ...before.tables.map((table) => move(table, live, kept)),
    ...next.tables.map((table) => move(table, replacement, live)),
  ];
  return moves.length === 0 ? "" : `RENAME TABLE ${moves.join(", ")};\n`;
}

function move(table: string, from: string, to: string): string {
  return `${identifier(from)}.${identifier(table)} TO ${identifier(to)}.${identifier(table)}`;
}

/** Runs a script; '' is no database. */
async function execute(client: MariadbClient, database: string, sql: string, what: string): Promise<void> {
  if (sql === "") return;
  const args = database === "" ? [] : ["--", database];
  const command = await client.connected("mariadb", args, (failure) => restoreError(what, failure));
  await run(command, { input: sql });
}
