import { createHash } from "node:crypto";
import { BackupError } from "./errors.ts";
import type { Tap } from "./tap.ts";

/** Bytes and SHA-256 of a stream. */
export interface Measure {
  readonly bytes: number;
  readonly sha256: string;
}

/** Counts bytes and computes their SHA-256. */
export class Digest implements Tap {
  /** Bytes seen so far. */
  bytes = 0;
  readonly #hash = createHash("sha256");

  take(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
  }

  end(): void {}

  /** The bytes and the SHA-256 of everything that passed, in lower-case hex. To be called once, at the end. */
  measure(): Measure {
    return { bytes: this.bytes, sha256: this.#hash.digest("hex") };
  }
}

/** Ends well only if the bytes were the ones that are expected; otherwise it fails as `integrity`. */
export class ExpectedDigest extends Digest {
  readonly #expected: Measure | undefined;
  readonly #what: string;

  /**
   * @param expected undefined where nothing is known of them, and anything is let through
   * @param what is being read, for the error
   */
  constructor(expected: Measure | undefined, what: string) {
    super();
    this.#expected = expected;
    this.#what = what;
  }

  override end(): void {
    const expected = this.#expected;
    if (expected === undefined) return;
    if (this.bytes !== expected.bytes)
      throw new BackupError(
        "integrity",
        `${this.#what} is ${this.bytes} bytes long, and its manifest says ${expected.bytes}`,
      );
    if (this.measure().sha256 !== expected.sha256)
      throw new BackupError(
        "integrity",
        `${this.#what} is not what was backed up: its SHA-256 is not the manifest's`,
      );
  }
}
