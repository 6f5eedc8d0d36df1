import { describe, expect, test } from "vitest";
import { formatShard, isInShard, parseShard } from "../../src/shard.ts";

describe("INDEX/COUNT", () => {
  test.for<[text: string, index: number, count: number]>([
    ["0/1", 0, 1],
    ["0/4", 0, 4],
    ["3/4", 3, 4],
    ["11/12", 11, 12],
    ["999999/1000000", 999_999, 1_000_000],
    // As `seq -w` counts.
    ["01/04", 1, 4],
  ])("%s", ([text, index, count]) => {
    expect(parseShard(text)).toEqual({ index, count });
  });

  test.for([
    "4/4",
    "5/4",
    "0/0",
    "-1/4",
    "1",
    "/4",
    "1/",
    "a/b",
    "1/4/4",
    " 1/4",
    "1/4\n",
    "1 / 4",
    "1.0/4",
    "0x1/4",
    "1e0/4",
    "0/1000001",
    "٠/٤",
    "$(JOB_COMPLETION_INDEX)/4",
  ])("%j is none", (text) => {
    expect(parseShard(text)).toBeUndefined();
  });

  test("is written as it is read", () => {
    expect(formatShard({ index: 3, count: 4 })).toBe("3/4");
  });
});

describe("where a dump belongs", () => {
  const shardOf = (target: Parameters<typeof isInShard>[0], count: number): number[] =>
    [...Array(count).keys()].filter((index) => isInShard(target, { index, count }));

  /** The first eight digits are sha256sum's. A database must never change its shard: these numbers stay as they are. */
  test.for<[database: string, digits: string]>([
    ["app", "a172cedc"],
    ["crm", "9261ceef"],
    ["mail", "00d8d3f1"],
    ["a b", "c8687a08"],
    ["a-b", "d44362d6"],
    ["Größe☃", "af36d277"],
  ])("of %s the first digits of its name's SHA-256 say it", ([database, digits]) => {
    for (const count of [1, 2, 3, 4, 7, 100])
      expect(shardOf({ scope: "database", database }, count)).toEqual([Number.parseInt(digits, 16) % count]);
  });

  test("each of many databases is in one shard, and no shard has much more than its share", () => {
    const shards = Array.from({ length: 1000 }, (_, number) =>
      shardOf({ scope: "database", database: `tenant_${number}` }, 10),
    );
    expect(shards.filter(({ length }) => length !== 1)).toEqual([]);
    const sizes = Object.values(Object.groupBy(shards.flat(), String)).map((all) => all?.length ?? 0);
    expect(sizes).toHaveLength(10);
    expect(Math.min(...sizes)).toBeGreaterThan(70);
    expect(Math.max(...sizes)).toBeLessThan(130);
  });

  test.for(["globals", "server"] as const)("what is of no one database is the first's: %s", (scope) => {
    expect(shardOf({ scope }, 1)).toEqual([0]);
    expect(shardOf({ scope }, 4)).toEqual([0]);
  });
});
