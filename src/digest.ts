import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";

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
