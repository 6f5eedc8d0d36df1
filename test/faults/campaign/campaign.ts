import pLimit from "p-limit";
import type { StoreName } from "../../stores/store.ts";
import { drawRun } from "./draw.ts";
import { disturb, type RunReport } from "./run.ts";
import { Site } from "./site.ts";

export interface CampaignOptions {
  readonly stores: readonly StoreName[];
  readonly seed: number;
  /** The numbers of the runs to make: what a run is depends on these and the seed alone. */
  readonly runs: readonly number[];
  /** How many are made at a time. */
  readonly concurrency: number;
  readonly onRun?: (report: RunReport) => void;
}

/** Breaks backups at random moments, and after each looks whether the promises were kept. */
export async function runCampaign(options: CampaignOptions): Promise<RunReport[]> {
  const { stores, seed, runs, concurrency, onRun } = options;
  const site = await Site.start(stores);
  try {
    const limit = pLimit(concurrency);
    return await Promise.all(
      runs.map((number) =>
        limit(async () => {
          const report = await disturb(site, drawRun(seed, number, stores));
          onRun?.(report);
          return report;
        }),
      ),
    );
  } finally {
    await site.stop();
  }
}
