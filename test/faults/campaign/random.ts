import { createHash } from "node:crypto";

/** Draws that a seed repeats. */
export class Random {
  #state: number;

  /** @param seed whatever tells two sequences apart */
  constructor(...seed: readonly (string | number)[]) {
    this.#state = createHash("sha256").update(JSON.stringify(seed)).digest().readUInt32LE();
  }

  /** A number from 0 up to 1 (mulberry32). */
  share(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from 0 up to, and without, this one. */
  below(count: number): number {
    return Math.floor(this.share() * count);
  }

  pick<const T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error("there is nothing to pick from");
    return choice;
  }

  shuffle<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, key: this.share() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ value }) => value);
  }
}
