import { type EngineName, engineNames } from "./databases.ts";
import { type Fault, faults } from "./faults.ts";
import { Random } from "./random.ts";
import type { StoreName } from "../../stores/store.ts";

export const compressions = ["gzip", "zstd", "none"] as const;

/** What one run of the campaign is, all of it drawn from the seed and the run's number. */
export interface Draw {
  readonly number: number;
  readonly store: StoreName;
  readonly fault: Fault;
  readonly engine: EngineName;
  readonly compression: (typeof compressions)[number];
  readonly encrypted: boolean;
  readonly way: "direct" | "staged";
  /** Whether a good backup has the name already. */
  readonly taken: boolean;
  /** For what the fault still has to draw: the moment, the victim. */
  readonly random: Random;
}

/**
 * Each store meets each fault that fits it equally often: they are a deck that is shuffled and dealt again and again. The
 * rest is drawn for each run anew.
 */
export function drawRun(seed: number, number: number, stores: readonly StoreName[]): Draw {
  const deck = stores.flatMap((store) =>
    faults.filter((fault) => fault.fitsStore?.(store) ?? true).map((fault) => ({ store, fault })),
  );
  const round = Math.floor(number / deck.length);
  const card = new Random(seed, "deck", round).shuffle(deck)[number % deck.length];
  if (!card) throw new Error("there is no store, or no fault");
  const random = new Random(seed, "run", number);
  for (;;) {
    const draw: Draw = {
      number,
      ...card,
      engine: random.pick(engineNames),
      compression: random.pick(compressions),
      encrypted: random.share() < 0.6,
      way: random.share() < 0.6 ? "direct" : "staged",
      taken: random.share() < 0.5,
      random,
    };
    if (card.fault.fits?.(draw) ?? true) return draw;
  }
}

export function describeDraw({ store, fault, engine, compression, encrypted, way, taken }: Draw): string {
  const name = taken ? "over an earlier backup" : "under a free name";
  return `${fault.name}: ${engine}, ${compression}, ${encrypted ? "age" : "plain"}, ${way} to ${store} ${name}`;
}
