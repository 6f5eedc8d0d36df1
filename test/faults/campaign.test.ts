import { expect, test } from "vitest";
import { runCampaign } from "./campaign/campaign.ts";
import { drawRun } from "./campaign/draw.ts";
import { defaultStores } from "./campaign/stores.ts";

const seed = 5;

// A short one with a fixed seed; `npm run faults` is the long one.
test("runs that are broken at random moments break no promise", async () => {
  const runs = Array.from({ length: 32 }, (_, number) => number);
  const reports = await runCampaign({ stores: defaultStores, seed, runs, concurrency: 2 });
  expect(reports.flatMap(({ violations }) => violations)).toEqual([]);
  expect(reports).toHaveLength(runs.length);
  // A fault that comes too late shows nothing.
  expect(reports.filter(({ struck }) => struck).length).toBeGreaterThan(runs.length * 0.7);
}, 900_000);

test("a seed and a number draw the same run", () => {
  const draw = (number: number): unknown => {
    const { fault, random, ...rest } = drawRun(seed, number, defaultStores);
    return { fault: fault.name, ...rest, share: random.share() };
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});
