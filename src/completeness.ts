import type { Marks } from "./engines/engine.ts";
import { BackupError } from "./errors.ts";
import type { Tap } from "./tap.ts";

/** Enough to know a file by its beginning. */
const headKept = 16;

/** More than any dump program writes from the beginning of its closing comment to the end of the file. */
const tailKept = 1024;

/**
 * Ends well only if a dump begins and ends as a complete one does. An exit code of 0 alone does not prove that: wrappers and
 * proxies lose it.
 * @param explain makes the error of what is wrong
 */
export function requireComplete(
  { beginning, ending }: Marks,
  explain: (problem: string) => BackupError,
): Tap {
  let head: Buffer = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  return {
    take(chunk) {
      if (head.length < headKept) head = Buffer.concat([head, chunk.subarray(0, headKept)]);
      const before = chunk.length >= tailKept ? [] : [tail];
      tail = Buffer.concat([...before, chunk.subarray(-tailKept)]).subarray(-tailKept);
    },
    end() {
      if (!beginning.test(head.toString("latin1"))) throw explain("it does not begin as a dump does");
      if (ending && !ending.test(tail.toString("latin1"))) throw explain("its end is missing");
    },
  };
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
