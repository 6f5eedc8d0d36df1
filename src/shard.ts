import { createHash } from "node:crypto";
import type { Target } from "./engines/engine.ts";

/** One of the runs that the databases are divided among. */
export interface Shard {
  /** From 0 to one less than the count. */
  readonly index: number;
  readonly count: number;
}

const mostShards = 1_000_000;

/** Reads `INDEX/COUNT`; undefined if that is not what it says, or there is no such shard. */
export function parseShard(text: string): Shard | undefined {
  const numbers = /^(\d+)\/(\d+)$/.exec(text);
  if (!numbers) return undefined;
  const [index, count] = [Number(numbers[1]), Number(numbers[2])];
  return index < count && count <= mostShards ? { index, count } : undefined;
}

/** As {@link parseShard} reads it. */
export function formatShard({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/**
 * Whether a dump is this shard's to make: every one is exactly one shard's. Where a database belongs its name alone decides, for
 * the runs look at the server one by one, and what is created or dropped meanwhile must move no other. What is of no one
 * database is the first shard's.
 */
export function isInShard(target: Target, { index, count }: Shard): boolean {
  return index === (target.scope === "database" ? hash(target.database) % count : 0);
}

/** The first eight hex digits that sha256sum prints for the name in UTF-8: the README promises it. */
function hash(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32BE(0);
}
