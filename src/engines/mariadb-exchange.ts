import { BackupError } from "../errors.ts";
import type { SubprocessError } from "../program.ts";
import { run } from "../subprocess.ts";
import { redirectAlterations } from "./mariadb-alteration.ts";
import { fromHex, identifier, isNamed, type MariadbClient, serverWords } from "./mariadb-client.ts";
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
  /** Makes triggers, routines and events anew, and then the views. */
  readonly definitions: string;
}

/**
 * Exchanges two databases, which MariaDB has no statement for. All tables change places in one RENAME TABLE, which is
 * done wholly or not at all. Triggers, views, routines and events cannot be renamed into another database: they are dropped
 * and made again from their definitions, within a moment. Until the tables are renamed a failure leaves the live
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
    await execute(client, live, before.definitions, "").catch(() => {});
    await execute(client, "", `DROP DATABASE ${identifier(kept)};`, "").catch(() => {});
    throw error;
  }
  const halfDone = `the tables of ${live} are exchanged and the earlier ones are in ${kept}, but not all views, triggers, routines and events have followed`;
  await execute(client, live, dropOthers(before) + redirectAlterations(next.definitions, live), halfDone);
  await execute(client, kept, redirectAlterations(before.definitions, kept), halfDone);
  await execute(client, "", `DROP DATABASE ${identifier(replacement)};`, `cannot drop ${replacement}`);
}

async function readInventory(client: MariadbClient, database: string): Promise<Inventory> {
  const answer = await client.query(`
    SELECT IF(table_type = 'VIEW', 'view', 'table'), HEX(table_name) FROM information_schema.tables WHERE ${isNamed("table_schema", database)}
    UNION ALL SELECT 'trigger', HEX(trigger_name) FROM information_schema.triggers WHERE ${isNamed("trigger_schema", database)}
    UNION ALL SELECT routine_type, HEX(routine_name) FROM information_schema.routines WHERE ${isNamed("routine_schema", database)}
    UNION ALL SELECT 'EVENT', HEX(event_name) FROM information_schema.events WHERE ${isNamed("event_schema", database)};`);
  const objects = answer
    .split("\n")
    .filter(Boolean)
    .map((row) => row.split("\t"));
  const named = (kind: string): string[] =>
    objects.flatMap(([found, name = ""]) => (found === kind ? [fromHex(name)] : []));
  const views = named("view");
  const drops = objects
    .filter(([kind = ""]) => !["table", "view", "trigger"].includes(kind))
    .map(([kind, name = ""]) => `DROP ${kind} IF EXISTS ${identifier(fromHex(name))};\n`);
  return {
    tables: named("table"),
    views,
    triggers: named("trigger"),
    drops,
    definitions: await readDefinitions(client, database, views),
  };
}

/** mariadb-dump knows how to write them so that they mean the same: each with its sql_mode, character set and definer. */
async function readDefinitions(
  client: MariadbClient,
  database: string,
  views: readonly string[],
): Promise<string> {
  const dump = async (args: string[]): Promise<string> => {
    const command = await client.connected("mariadb-dump", args, (failure) =>
      failed(`cannot read the definitions of ${database}`, failure),
    );
    return (await run(command)).stdout;
  };
  const bare = ["--no-data", "--skip-add-locks", "--add-drop-trigger"];
  const code = await dump([
    ...bare,
    "--no-create-info",
    "--triggers",
    "--routines",
    "--events",
    "--",
    database,
  ]);
  if (views.length === 0) return code;
  return `${code}\n${await dump([...bare, "--skip-triggers", "--", database, ...views])}`;
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
  const command = await client.connected("mariadb", args, (failure) => failed(what, failure));
  await run(command, { input: sql });
}

function failed(what: string, failure: SubprocessError): BackupError {
  return new BackupError("restore", `${what}: ${serverWords(failure)}`, { cause: failure });
}
