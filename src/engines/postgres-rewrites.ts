import { setTimeout as delay } from "node:timers/promises";
import { BackupError } from "../errors.ts";
import type { Dump } from "./engine.ts";
import type { Option } from "./options.ts";
import { literal, type PostgresClient } from "./postgres-client.ts";

/** Options that leave tables or all rows out of a dump in a way that is pg_dump's to know: what is rewritten could be none of it. */
const selection =
  /^((exclude-)?(schema|table|extension)(-data)?(-and-children)?|filter|section|schema-only|statistics-only|no-data)$/;

/** Those among them that leave out a table, and how one is named that is no pattern: a name or two, as SQL has them. */
const exclusion = /^exclude-table(-data)?$/;
const plainName = /^(?:(\w+|"(?:[^"]|"")+")\.)?(\w+|"(?:[^"]|"")+")$/;

/** Milliseconds between two looks. */
const interval = 1000;

/** The longest that it is waited for nobody to have a table for himself, in milliseconds: where many do by turns that may never be. */
const waitAtMost = 60_000;

/** The longest that the last look may take, in milliseconds: what it finds later may have come about after the dump. */
const lookWithin = 30_000;

/** What the first look answers: how many locks give a table to one transaction alone, and, if none does, the file that each table is in. */
interface Look {
  readonly locks: number;
  readonly files: Files | null;
}

/** By the tables' names as SQL has them: another table of the same name has another file, too. */
type Files = Readonly<Record<string, string>>;

/**
 * Watches what would be empty in a dump: a table that is rewritten between pg_dump's snapshot and its lock, for ALTER TABLE and
 * TRUNCATE are not MVCC-safe (PostgreSQL's manual, "Caveats" of concurrency control). So are tables that are exchanged by renaming.
 * First it waits for the transactions that have tables for themselves, for no longer than a minute or --lock-wait-timeout: a migration may be many,
 * one after the other, and is over when nobody has a table. What rewrites one later can be told only afterwards. (To lock the tables
 * before a snapshot is taken, and pass that on, would be worse: behind whoever waits for a table pg_dump would wait for itself.)
 * @returns what the dump is to be asked when it has locked its tables; undefined where the arguments choose what is in it
 */
export async function watchRewrites(
  client: PostgresClient,
  database: string,
  options: readonly Option[],
  signal: AbortSignal | undefined,
): Promise<Dump["rewrittenTables"] | undefined> {
  const tables = watchedTables(options);
  if (tables === undefined) return undefined;
  const files = `(SELECT coalesce(json_object_agg(c.oid::regclass, c.oid || '/' || c.relfilenode), '{}') ${tables})`;
  const query = `
SELECT json_build_object('locks', held.locks, 'files', CASE WHEN held.locks = 0 THEN ${files} END)
FROM (
  SELECT count(*) AS locks FROM pg_locks l JOIN pg_database d ON d.oid = l.database
  WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND d.datname = current_database()
    AND l.relation IN (SELECT c.oid ${tables})
) held;`;
  const look = async (): Promise<Look> => JSON.parse(await client.query(database, query, signal)) as Look;
  const readFiles = async (wanted: AbortSignal | undefined): Promise<Files> =>
    JSON.parse(await client.query(database, `SELECT ${files};`, wanted)) as Files;
  const timeout = options.findLast(({ name }) => name === "lock-wait-timeout")?.value;
  const end =
    performance.now() + Math.min(waitAtMost, timeout === undefined ? Infinity : milliseconds(timeout));
  let seen = await look();
  while (seen.locks > 0 && performance.now() < end) {
    await delay(Math.min(interval, end - performance.now()), undefined, { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
    seen = await look();
  }
  const before = new Map(Object.entries(seen.files ?? (await readFiles(signal))));
  return async (wanted) => {
    const late = AbortSignal.timeout(lookWithin);
    const now = await readFiles(AbortSignal.any([wanted, late])).catch((error: unknown) => {
      if (!late.aborted) throw error;
      throw new BackupError("connect", `the server gave no answer within ${lookWithin / 1000} s`);
    });
    return Object.keys(now).filter((name) => before.has(name) && before.get(name) !== now[name]);
  };
}

/**
 * The tables whose rows are dumped, as SQL after a SELECT; undefined where that is pg_dump's to know. Temporary tables are nobody else's, and
 * of a materialized view no rows are dumped.
 */
function watchedTables(options: readonly Option[]): string | undefined {
  const excluded: string[] = [];
  for (const { name, value = "" } of options.filter((option) => selection.test(option.name))) {
    const [, schema, table] = (exclusion.test(name) && plainName.exec(value)) || [];
    if (table === undefined) return undefined;
    const where =
      schema === undefined ? "pg_table_is_visible(c.oid)" : `n.nspname = ${literal(unquote(schema))}`;
    excluded.push(`(c.relname = ${literal(unquote(table))} AND ${where})`);
  }
  const isUnloggedLeftOut = options.some(({ name }) => name === "no-unlogged-table-data");
  return [
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.oid >= 16384",
    `c.relpersistence ${isUnloggedLeftOut ? "= 'p'" : "<> 't'"}`,
    ...excluded.map((condition) => `NOT ${condition}`),
  ].join(" AND ");
}

/** The name that is meant by one in SQL. */
function unquote(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}

const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time as PostgreSQL's settings have it; 0 is no limit, and what cannot be read pg_dump refuses. */
function milliseconds(text: string): number {
  const [, number = "0", unit = "ms"] = /^\s*(\d+(?:\.\d+)?)\s*(\w+)?\s*$/.exec(text) ?? [];
  return Number(number) * (units[unit] ?? 0) || Infinity;
}
