import { expect, test } from "vitest";
import { runCampaign } from "./campaign/campaign.ts";
import { faults } from "./campaign/faults.ts";
import { storeNames } from "./campaign/stores.ts";

// A short one with a fixed seed; `npm run faults` is the long one.
test("backups that are killed at random moments leave no truncated object, no bad manifest and no debris", async () => {
  const names = faults.map(({ name }) => name);
  const cells = await runCampaign({ stores: storeNames, faults: names, runsPerCell: 2, seed: 1 });
  expect(cells.flatMap(({ violations }) => violations)).toEqual([]);
  expect(cells).toHaveLength(storeNames.length * names.length);
  expect(cells.filter(({ struck }) => struck === 0)).toEqual([]);
}, 900_000);
