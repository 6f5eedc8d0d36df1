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

/** How much of a dump its preamble may take: that of a whole server has all roles in it. */
const preamble = 1024 * 1024;

/** Takes what matches out of the preamble of a dump. The patterns see its bytes as Latin-1. */
export function omitFromPreamble(dispensable: readonly RegExp[]): Transform {
  let head: Buffer | undefined = Buffer.alloc(0);
  const cleaned = (bytes: Buffer): Buffer =>
    Buffer.from(
      dispensable.reduce((text, pattern) => text.replace(pattern, ""), bytes.toString("latin1")),
      "latin1",
    );
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      if (head === undefined) return done(null, chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < preamble) return done();
      const [front, rest] = [head.subarray(0, preamble), head.subarray(preamble)];
      head = undefined;
      this.push(cleaned(front));
      return done(null, rest);
    },
    flush(done: TransformCallback): void {
      done(null, head === undefined ? null : cleaned(head));
    },
  });
}
