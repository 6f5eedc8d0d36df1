import { setTimeout as delay } from "node:timers/promises";
import type { Option } from "./options.ts";
import type { PostgresClient } from "./postgres-client.ts";

/**
 * The transactions that have tables for themselves. Temporary tables are nobody else's, and of a materialized view no rows are
 * dumped.
 */
const holdersQuery = `
SELECT DISTINCT l.virtualtransaction
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_database d ON d.oid = l.database
WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND d.datname = current_database()
  AND c.relkind = 'r' AND c.relpersistence <> 't' AND c.oid >= 16384;`;

/** Options that leave tables out of a dump: the wait could be for one that is none of it. */
const selection = /^((exclude-)?(schema|table|extension)(-data)?(-and-children)?|filter)$/;

/** Milliseconds between two looks. */
const interval = 1000;

/**
 * Waits for the transactions that have tables for themselves, for no longer than --lock-wait-timeout. Were pg_dump to wait for them,
 * with its snapshot taken, a table that they rewrite would be empty in the dump: ALTER TABLE and TRUNCATE are not MVCC-safe
 * (PostgreSQL's manual, "Caveats" of concurrency control). A migration may be many transactions, one after the other: it is over when
 * nobody has a table. What begins to rewrite one a moment later waits for pg_dump, or is waited for by it, in vain.
 */
export async function waitForRewrites(
  client: PostgresClient,
  database: string,
  options: readonly Option[],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (options.some(({ name }) => selection.test(name))) return;
  const timeout = options.findLast(({ name }) => name === "lock-wait-timeout")?.value;
  const end = performance.now() + (timeout === undefined ? Infinity : milliseconds(timeout));
  const look = async (): Promise<Set<string>> =>
    new Set((await client.query(database, holdersQuery, signal)).split("\n").filter(Boolean));
  let holders = await look();
  while (holders.size > 0 && performance.now() < end) {
    await delay(Math.min(interval, end - performance.now()), undefined, { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
    holders = await look();
  }
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
