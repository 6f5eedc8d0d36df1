import { BackupError } from "../errors.ts";
import { run } from "../subprocess.ts";
import { redirectAlterations } from "./mariadb-alteration.ts";
import { type Defined, rehearsal } from "./mariadb-definers.ts";
import { disableEvents } from "./mariadb-events.ts";
import { fromHex, identifier, isNamed, type MariadbClient } from "./mariadb-client.ts";
import { explainDefinitions, explainRemaking, restoreError } from "./mariadb-failure.ts";
import type { Command } from "../program.ts";
import { redirectViews } from "./mariadb-views.ts";
import type { Exchange } from "./restorer.ts";

/** How long the exchange may wait for transactions that use the tables, in seconds: everybody else waits behind it. */
const lockWait = 30;

/** What is in a database, by name, and the SQL that makes what cannot be renamed: bytes, for each is in a character set of its own. */
interface Inventory {
  readonly tables: readonly string[];
  readonly views: readonly string[];
  /** Those of the views that cannot be made again, because what they need is not there. */
  readonly broken: readonly string[];
  readonly triggers: readonly string[];
  /** All of them but the tables. */
  readonly defined: readonly Defined[];
  /** Statements that drop routines and events. */
  readonly drops: readonly string[];
  /** Makes the triggers anew. */
  readonly triggerDefinitions: Buffer;
  /** Makes routines and events anew, and then the views. */
  readonly definitions: Buffer;
}

/**
 * Exchanges two databases, which MariaDB has no statement for. All tables change places in one RENAME TABLE, which is
 * done wholly or not at all. Triggers, views, routines and events cannot be renamed into another database: they are dropped
 * and made again from their definitions, within a moment; events of the earlier database stay disabled. Whether this account may make
 * them is found out before. Until the tables are renamed a failure leaves the live database as it was.
 * @param creation the statement that makes the database which the live one's objects go to
 * @param warn told of what cannot be kept
 */
export async function exchangeDatabases(
  client: MariadbClient,
  { live, replacement, kept }: Exchange,
  creation: string,
  warn: (message: string) => void,
): Promise<void> {
  const before = await readInventory(client, live);
  const next = await readInventory(client, replacement);
  await execute(client, "", `cannot make ${kept}`, creation);
  const dropKept = `DROP DATABASE ${identifier(kept)};`;
  try {
    // What the replacement has this account has made itself.
    await execute(client, kept, explainRemaking(live), rehearsal(before.defined));
  } catch (error) {
    await execute(client, "", `${(error as Error).message}; and cannot drop ${kept}`, dropKept);
    throw error;
  }
  try {
    await execute(client, replacement, `cannot take ${replacement} apart`, dropTriggers(next));
    await execute(
      client,
      live,
      `cannot exchange the tables of ${live}`,
      // In one session, so that nothing comes between the two.
      `SET lock_wait_timeout = ${lockWait};\n`,
      dropTriggers(before),
      renameTables(before, live, kept, next, replacement),
    );
  } catch (error) {
    const { message } = error as Error;
    if (await isUntouched(client, { before, kept, next, replacement })) {
      const lost = `${message}; and the triggers of ${live} are gone, for they cannot be made again`;
      await execute(client, live, lost, before.triggerDefinitions);
      await execute(client, "", `${message}; and cannot drop ${kept}`, dropKept);
      throw error;
    }
    throw new BackupError(
      "restore",
      `${message}; its tables may have changed places: then the earlier ones are in ${kept}, and those of the backup in ${live}`,
      { hint: `look into ${live}, ${kept} and ${replacement} before you go on`, cause: error },
    );
  }
  const halfDone = `the tables of ${live} are exchanged and the earlier ones are in ${kept}, but not all views, triggers, routines and events have followed`;
  await execute(client, live, halfDone, redirectAlterations(next.triggerDefinitions, live));
  // What is kept is made before it is dropped: it must not be nowhere. And it must not do again what the live database's events do.
  const forKept = Buffer.concat([
    before.triggerDefinitions,
    redirectViews(disableEvents(before.definitions), live, kept),
  ]);
  await execute(client, kept, halfDone, redirectAlterations(forKept, kept));
  const forLive = redirectViews(next.definitions, replacement, live);
  await execute(client, live, halfDone, dropOthers(before), redirectAlterations(forLive, live));
  await execute(client, "", `cannot drop ${replacement}`, `DROP DATABASE ${identifier(replacement)};`);
  for (const view of before.broken)
    warn(`view ${view} of ${live} is not in ${kept}: it was broken, what it needs was not there`);
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
  // A view that is broken has no columns.
  const answer = await client.query(`
    SELECT 'table', HEX(table_name), '' FROM information_schema.tables WHERE ${isNamed("table_schema", database)} AND table_type <> 'VIEW'
    UNION ALL SELECT DISTINCT 'readable', HEX(table_name), '' FROM information_schema.columns WHERE ${isNamed("table_schema", database)}
    UNION ALL SELECT 'VIEW', HEX(table_name), HEX(definer) FROM information_schema.views WHERE ${isNamed("table_schema", database)}
    UNION ALL SELECT 'TRIGGER', HEX(trigger_name), HEX(definer) FROM information_schema.triggers WHERE ${isNamed("trigger_schema", database)}
    UNION ALL SELECT routine_type, HEX(routine_name), HEX(definer) FROM information_schema.routines WHERE ${isNamed("routine_schema", database)}
    UNION ALL SELECT 'EVENT', HEX(event_name), HEX(definer) FROM information_schema.events WHERE ${isNamed("event_schema", database)};`);
  const objects = answer
    .split("\n")
    .filter(Boolean)
    .map((row) => row.split("\t"))
    .map(([kind = "", name = "", definer = ""]) => ({
      kind,
      name: fromHex(name),
      definer: fromHex(definer),
    }));
  const named = (wanted: string): string[] =>
    objects.flatMap(({ kind, name }) => (kind === wanted ? [name] : []));
  // In the order in which a dump has them: a view with a check option must come after the one that it is on.
  const views = named("VIEW").toSorted();
  const readable = new Set(named("readable"));
  const whole = views.filter((view) => readable.has(view));
  const defined = objects.filter(({ kind }) => kind !== "table" && kind !== "readable");
  const routines = defined.filter(({ kind }) => kind !== "VIEW" && kind !== "TRIGGER");
  return {
    tables: named("table"),
    views,
    broken: views.filter((view) => !readable.has(view)),
    triggers: named("TRIGGER"),
    defined,
    drops: routines.map(({ kind, name }) => dropRoutine(kind, name)),
    triggerDefinitions: await dumpDefinitions(client, database, ["--triggers", "--add-drop-trigger"]),
    definitions: Buffer.concat([
      await dumpDefinitions(client, database, ["--skip-triggers", "--routines", "--events"]),
      whole.length === 0
        ? Buffer.alloc(0)
        : await dumpDefinitions(client, database, ["--skip-triggers"], whole),
    ]),
  };
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
): Promise<Buffer> {
  // With locks a view that is broken would be in the way, and so would whoever uses the tables.
  const bare = [
    "--no-data",
    "--skip-add-locks",
    "--skip-lock-tables",
    ...(views ? [] : ["--no-create-info"]),
  ];
  const command = await client.connected(
    "mariadb-dump",
    [...bare, ...options, "--", database, ...(views ?? [])],
    explainDefinitions(database),
  );
  const { stdout } = await run(command, { encoding: "latin1" });
  return Buffer.from(`${stdout}\n`, "latin1");
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

/** Runs a script; '' is no database. @param what says what cannot be done if it fails, or makes the error for that */
async function execute(
  client: MariadbClient,
  database: string,
  what: string | Command["explain"],
  ...sql: readonly (string | Buffer)[]
): Promise<void> {
  const input = Buffer.concat(sql.map((part) => Buffer.from(part)));
  if (input.length === 0) return;
  const args = database === "" ? [] : ["--", database];
  const explain: Command["explain"] =
    typeof what === "string" ? (failure) => restoreError(what, failure) : what;
  await run(await client.connected("mariadb", args, explain), { input });
}
