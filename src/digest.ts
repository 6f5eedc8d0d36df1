import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { BackupError } from "./errors.ts";

/** Bytes and SHA-256 of a stream. */
export interface Measure {
  readonly bytes: number;
  readonly sha256: string;
}

/** Passes bytes through unchanged, counting them and computing their SHA-256. */
export class Digest extends Transform {
  /** Bytes seen so far. */
  bytes = 0;
  readonly #hash = createHash("sha256");

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    done(null, chunk);
  }

  /** The SHA-256 of everything that passed, in lower-case hex. To be called once, at the end. */
  sha256(): string {
    return this.#hash.digest("hex");
  }
}

/** Passes bytes through and ends only if they are the ones that are expected; otherwise it fails as `integrity`. */
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

  override _flush(done: TransformCallback): void {
    const expected = this.#expected;
    if (expected === undefined) done();
    else if (this.bytes !== expected.bytes)
      done(
        new BackupError(
          "integrity",
          `${this.#what} is ${this.bytes} bytes long, and its manifest says ${expected.bytes}`,
        ),
      );
    else if (this.sha256() !== expected.sha256)
      done(
        new BackupError(
          "integrity",
          `${this.#what} is not what was backed up: its SHA-256 is not the manifest's`,
        ),
      );
    else done();
  }
}
