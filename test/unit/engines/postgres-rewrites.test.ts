import { expect, test, vi } from "vitest";
import type { PostgresClient } from "../../../src/engines/postgres-client.ts";
import { watchRewrites } from "../../../src/engines/postgres-rewrites.ts";

/** A server that answers the two looks so; a second one that is undefined it never answers. */
function serverWith(before: Record<string, string>, now?: Record<string, string>): PostgresClient {
  const answers = [Promise.resolve(JSON.stringify({ locks: 0, files: before }))];
  const query = (_database: string, _sql: string, signal?: AbortSignal): Promise<string> =>
    answers.pop() ??
    new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error));
      if (now) resolve(JSON.stringify(now));
    });
  return { query } as unknown as PostgresClient;
}

const never = new AbortController().signal;

test.for([
  ["a minute", [], 60_000],
  ["--lock-wait-timeout", [{ name: "lock-wait-timeout", value: "5s", words: [], incomplete: false }], 5_000],
] as const)(
  "tables that somebody always has for himself are waited for no longer than %s",
  async ([, options, limit]) => {
    const sent: string[] = [];
    const query = async (_database: string, sql: string): Promise<string> => {
      sent.push(sql.includes("pg_locks") ? "locks" : "files");
      return JSON.stringify(sql.includes("pg_locks") ? { locks: 1, files: null } : { a: "1/1" });
    };
    const times = [0, limit - 2, limit - 1, limit];
    using clock = vi.spyOn(performance, "now").mockImplementation(() => times.shift() ?? limit + 1);
    await watchRewrites({ query } as unknown as PostgresClient, "app", options, undefined);
    expect(sent).toEqual(["locks", "locks", "files"]);
    expect(clock).toHaveBeenCalled();
  },
);

test("rewritten is what has the name of another file's table", async () => {
  const before = { kept: "1/1", rewritten: "2/2", exchanged: "3/3", dropped: "4/4" };
  const now = { kept: "1/1", rewritten: "2/5", exchanged: "6/3", added: "7/7", constructor: "8/8" };
  const watch = await watchRewrites(serverWith(before, now), "app", [], undefined);
  expect(await watch?.(never)).toEqual(["rewritten", "exchanged"]);
});

test("a look that is not answered is given up after half a minute", async () => {
  const patience = new AbortController();
  using timeout = vi.spyOn(AbortSignal, "timeout").mockReturnValue(patience.signal);
  const looking = (await watchRewrites(serverWith({}), "app", [], undefined))?.(never);
  expect(timeout).toHaveBeenCalledExactlyOnceWith(30_000);
  patience.abort();
  await expect(looking).rejects.toThrow("the server gave no answer within 30 s");
});

test("a look that is wanted no more ends as that says", async () => {
  const wanted = new AbortController();
  const looking = (await watchRewrites(serverWith({}), "app", [], undefined))?.(wanted.signal);
  wanted.abort(new Error("cancelled"));
  await expect(looking).rejects.toThrow("cancelled");
});
