/**
 * Cuts buffers of any size into blocks of exactly `size` bytes and always keeps the last block back, full
 * or not, because only the end of the stream tells that it was the last one.
 */
export class Blocks {
  readonly #size: number;
  readonly #held: Buffer;
  #filled = 0;

  constructor(size: number) {
    this.#size = size;
    this.#held = Buffer.allocUnsafeSlow(size);
  }

  /** Yields every block that cannot be the last. A block is valid until the next one is asked for. */
  *cut(data: Buffer): Generator<Buffer> {
    while (data.length > 0) {
      if (this.#filled === this.#size) {
        this.#filled = 0;
        yield this.#held;
      } else if (this.#filled === 0 && data.length > this.#size) {
        yield data.subarray(0, this.#size); // not copied
        data = data.subarray(this.#size);
      } else {
        const copied = data.copy(this.#held, this.#filled);
        this.#filled += copied;
        data = data.subarray(copied);
      }
    }
  }

  /** The last block, of 0 to `size` bytes. To be called once, at the end of the stream. */
  last(): Buffer {
    return this.#held.subarray(0, this.#filled);
  }
}
