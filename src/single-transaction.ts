import { Transform, type TransformCallback } from "node:stream";

/**
 * How pg_dump begins the contents of large objects (StartRestoreLOs in pg_backup_archiver.c), in a transaction of their own
 * that ends in a COMMIT. Between the two there is no text, only numbers and hexadecimal digits.
 */
const largeObjects = /^-- Data for Name: [^\n]*; Type: BLOBS; [^\n]*\n(?:-- [^\n]*\n)*--\n\n(?=BEGIN;\n)/;
const largeObjectsMark = Buffer.from("; Type: BLOBS; ");
const begin = "BEGIN;\n";
const commit = Buffer.from("\nCOMMIT;\n");

/** Between these there is data, in which anything may look like SQL. */
const copyMark = Buffer.from(" FROM stdin;\n");
const copyLine = Buffer.from("COPY ");
const endOfData = Buffer.from("\n\\.\n");

/** More than any of the lines looked for is long, together with those that belong to it. */
const longest = 4096;

/** What the bytes at hand are. */
type Mode = "statements" | "data" | "large objects";

/** How many bytes to pass, how many to drop after them, and what the next ones are. */
interface Step {
  readonly pass: number;
  readonly drop?: number;
  readonly mode: Mode;
}

/**
 * Takes out of a dump of pg_dump what would end the transaction that it is restored in: a COMMIT in its middle would leave
 * a half restored database after a failure further on.
 */
export function joinTransactions(): Transform {
  let held: Buffer = Buffer.alloc(0);
  let mode: Mode = "statements";

  const advance = (to: Transform, bytes: Buffer, isLast: boolean): void => {
    let rest = bytes;
    for (;;) {
      const step: Step = steps[mode](rest, isLast);
      mode = step.mode;
      if (step.pass > 0) to.push(rest.subarray(0, step.pass));
      const taken = step.pass + (step.drop ?? 0);
      rest = rest.subarray(taken);
      if (taken === 0 || rest.length === 0) break;
    }
    held = rest;
  };

  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      advance(this, held.length === 0 ? chunk : Buffer.concat([held, chunk]), false);
      done();
    },
    flush(done: TransformCallback): void {
      advance(this, held, true);
      done();
    },
  });
}

const steps: Record<Mode, (bytes: Buffer, isLast: boolean) => Step> = {
  statements: (bytes, isLast) => {
    const [copy, objects] = [bytes.indexOf(copyMark), bytes.indexOf(largeObjectsMark)];
    if (copy >= 0 && (objects < 0 || copy < objects)) return atCopy(bytes, copy);
    if (objects >= 0) return atLargeObjects(bytes, objects, isLast);
    return { pass: certain(bytes, isLast), mode: "statements" };
  },
  data: (bytes, isLast) => {
    const end = bytes.indexOf(endOfData);
    if (end >= 0) return { pass: end + endOfData.length, mode: "statements" };
    return { pass: certain(bytes, isLast), mode: "data" };
  },
  "large objects": (bytes, isLast) => {
    const end = bytes.indexOf(commit);
    if (end >= 0) return { pass: end, drop: commit.length - 1, mode: "statements" };
    return { pass: certain(bytes, isLast), mode: "large objects" };
  },
};

/** Everything but what may be the beginning of something that is not all there yet. */
function certain(bytes: Buffer, isLast: boolean): number {
  return isLast ? bytes.length : Math.max(0, bytes.length - longest);
}

function atCopy(bytes: Buffer, at: number): Step {
  const line = bytes.lastIndexOf("\n", at) + 1;
  const isCopy = bytes.subarray(line, line + copyLine.length).equals(copyLine);
  // Without the newline, which belongs to the end where there is no data.
  return { pass: at + copyMark.length - 1, mode: isCopy ? "data" : "statements" };
}

function atLargeObjects(bytes: Buffer, at: number, isLast: boolean): Step {
  const line = bytes.lastIndexOf("\n", at) + 1;
  const header = largeObjects.exec(bytes.toString("latin1", line, at + longest))?.[0];
  // Without the newline before, by which a COMMIT is known.
  if (header !== undefined)
    return { pass: line + header.length - 1, drop: 1 + begin.length - 1, mode: "large objects" };
  const isWhole = isLast || bytes.length - at > longest;
  return isWhole
    ? { pass: at + largeObjectsMark.length, mode: "statements" }
    : { pass: line, mode: "statements" };
}
