import { Transform, type TransformCallback } from "node:stream";

/** Looks at bytes that pass on their way. */
export interface Tap {
  /** @param chunk valid until this returns */
  take(chunk: Buffer): void;
  /**
   * Everything has passed.
   * @throws what is wrong with it
   */
  end(): void | Promise<void>;
}

/** Tells all of them that everything has passed. @throws what one of them finds wrong */
export async function endAll(taps: readonly Tap[]): Promise<void> {
  for (const tap of taps) await tap.end();
}

/** Passes bytes through unchanged and ends only if all taps agree to it; otherwise it fails, and no stage behind it sees an end. */
export function through(...taps: readonly Tap[]): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      for (const tap of taps) tap.take(chunk);
      done(null, chunk);
    },
    flush(done: TransformCallback): void {
      endAll(taps).then(() => done(), done);
    },
  });
}
