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
