import { setTimeout as delay } from "node:timers/promises";
import type { Dump } from "./engine.ts";
import type { Option } from "./options.ts";
import type { PostgresClient } from "./postgres-client.ts";

/** The tables whose rows are dumped. Temporary ones are nobody else's, and of a materialized view there are none. */
const tables = "FROM pg_class c WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid >= 16384";

/** How many locks there are that give a table to one transaction alone, and the file that each table is in. */
const query = `
SELECT json_build_object(
  'locks', (SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND d.datname = current_database()
      AND l.relation IN (SELECT c.oid ${tables})),
  'files', (SELECT coalesce(json_object_agg(c.oid::regclass, c.oid || '/' || c.relfilenode), '{}') ${tables}));`;

/** What that answers. */
interface Look {
  readonly locks: number;
  /** By the tables' names as SQL has them: a table of the same name that is another one has another file, too. */
  readonly files: Readonly<Record<string, string>>;
}

/** Options that leave tables or their rows out of a dump: what is rewritten could be none of it. */
const selection = /^((exclude-)?(schema|table|extension)(-data)?(-and-children)?|filter|schema-only)$/;

/** Milliseconds between two looks. */
const interval = 1000;

/**
 * Watches what would be empty in a dump: a table that is rewritten between pg_dump's snapshot and its lock, for ALTER TABLE and
 * TRUNCATE are not MVCC-safe (PostgreSQL's manual, "Caveats" of concurrency control). So are tables that are exchanged by renaming.
 * First it waits for the transactions that have tables for themselves, for no longer than --lock-wait-timeout: a migration may be many,
 * one after the other, and is over when nobody has a table. What rewrites one later can be told only afterwards. (To lock the tables
 * before a snapshot is taken, and pass that on, would be worse: behind whoever waits for a table pg_dump would wait for itself.)
 * @returns what the dump is to be asked when it has locked its tables; undefined where it is not of all of them
 */
export async function watchRewrites(
  client: PostgresClient,
  database: string,
  options: readonly Option[],
  signal: AbortSignal | undefined,
): Promise<Dump["rewrittenTables"] | undefined> {
  if (options.some(({ name }) => selection.test(name))) return undefined;
  const timeout = options.findLast(({ name }) => name === "lock-wait-timeout")?.value;
  const end = performance.now() + (timeout === undefined ? Infinity : milliseconds(timeout));
  const look = async (wanted: AbortSignal | undefined): Promise<Look> =>
    JSON.parse(await client.query(database, query, wanted)) as Look;
  let before = await look(signal);
  while (before.locks > 0 && performance.now() < end) {
    await delay(Math.min(interval, end - performance.now()), undefined, { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
    before = await look(signal);
  }
  return async (wanted) => {
    const { files } = await look(wanted);
    return Object.keys(files).filter((name) => (before.files[name] ?? files[name]) !== files[name]);
  };
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
