import { Transform, type TransformCallback } from "node:stream";
import type { Marks } from "./engines/engine.ts";
import { BackupError } from "./errors.ts";

/** Enough to know a file by its beginning. */
const headKept = 16;

/** More than any dump program writes from the beginning of its closing comment to the end of the file. */
const tailKept = 1024;

/**
 * Passes a dump through and ends only if it begins and ends as a complete one does; otherwise it fails, and no
 * stage behind it sees an end. An exit code of 0 alone does not prove that: wrappers and proxies lose it.
 * @param explain makes the error of what is wrong
 */
export function requireComplete(
  { beginning, ending }: Marks,
  explain: (problem: string) => BackupError,
): Transform {
  let head: Buffer = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      if (head.length < headKept) head = Buffer.concat([head, chunk.subarray(0, headKept)]);
      tail =
        chunk.length >= tailKept
          ? chunk.subarray(-tailKept)
          : Buffer.concat([tail, chunk]).subarray(-tailKept);
      done(null, chunk);
    },
    flush(done: TransformCallback): void {
      if (!beginning.test(head.toString("latin1"))) done(explain("it does not begin as a dump does"));
      else if (ending && !ending.test(tail.toString("latin1"))) done(explain("its end is missing"));
      else done();
    },
  });
}

/** The error for a dump program that exited with 0 all the same. */
export function incompleteDump(program: string): (problem: string) => BackupError {
  return (problem) =>
    new BackupError("dump", `${program} ended well but its dump is not complete: ${problem}`, {
      hint: "look for something that cuts its output short: a wrapper, a proxy, an option that sends the dump elsewhere",
    });
}

/** The error for a stored object whose every byte could be read. */
export function incompleteObject(problem: string): BackupError {
  return new BackupError("integrity", `what is stored is no complete dump: ${problem}`);
}
