import { Transform, type TransformCallback } from "node:stream";
import { BackupError } from "./errors.ts";

/** More than any dump program writes from the beginning of its closing comment to the end of the file. */
const tailKept = 1024;

/**
 * Passes a dump through and ends only if the dump ends as a complete one does; otherwise it fails, and no
 * stage behind it sees an end. An exit code of 0 alone does not prove that: wrappers and proxies lose it.
 * @param trailer what the last bytes of a complete dump look like
 */
export function requireTrailer(trailer: RegExp, program: string): Transform {
  let tail: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      tail =
        chunk.length >= tailKept
          ? chunk.subarray(-tailKept)
          : Buffer.concat([tail, chunk]).subarray(-tailKept);
      done(null, chunk);
    },
    flush(done: TransformCallback): void {
      if (trailer.test(tail.toString("latin1"))) return done();
      done(
        new BackupError(
          "dump",
          `${program} ended well but its dump is not complete: the closing comment is missing`,
          {
            hint: "look for something that cuts its output short: a wrapper, a proxy, an option that sends the dump elsewhere",
          },
        ),
      );
    },
  });
}
