import { Transform, type TransformCallback } from "node:stream";

/**
 * Puts SQL before a dump and behind it. What stands behind is written only if everything before ended well: a COMMIT
 * there takes the place of psql's own, which comes whenever its input ends.
 */
export function frameSql(before: string, after: string): Transform {
  const frame = new Transform({
    transform: (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) => done(null, chunk),
    flush: (done: TransformCallback) => done(null, after === "" ? null : Buffer.from(after)),
  });
  if (before !== "") frame.push(Buffer.from(before));
  return frame;
}

/** What is to be taken out of the beginning of a dump. */
export interface Omission {
  /** Sees the bytes as Latin-1. */
  readonly pattern: RegExp;
  /** In so many bytes from the beginning; further on there may be texts that look alike. */
  readonly within: number;
}

/** Takes what matches out of the beginning of a dump. */
export function omitFromBeginning({ pattern, within }: Omission): Transform {
  let head: Buffer | undefined = Buffer.alloc(0);
  const cleaned = (bytes: Buffer): Buffer =>
    Buffer.from(bytes.toString("latin1").replace(pattern, ""), "latin1");
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      if (head === undefined) return done(null, chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < within) return done();
      const [front, rest] = [head.subarray(0, within), head.subarray(within)];
      head = undefined;
      this.push(cleaned(front));
      return done(null, rest);
    },
    flush(done: TransformCallback): void {
      done(null, head === undefined ? null : cleaned(head));
    },
  });
}
