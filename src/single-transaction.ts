import { Transform, type TransformCallback } from "node:stream";

/** How the comment begins that pg_dump puts before data, which are told by it: in the text of a function there may be lines that look like any. */
const dataHeader = Buffer.from("\n-- Data for Name: ");

/**
 * How pg_dump begins the contents of large objects (StartRestoreLOs in pg_backup_archiver.c), in a transaction of their own
 * that ends in a COMMIT. Between the two there is no text, only numbers and hexadecimal digits.
 */
const largeObjects = /^\n-- Data for Name: [^\n]*; Type: BLOBS; [^\n]*\n(?:-- [^\n]*\n)*--\n\n(?=BEGIN;\n)/;
const begin = "BEGIN;\n";
const commit = Buffer.from("\nCOMMIT;\n");

/** How it begins the rows of a table. They follow as COPY or as INSERT, after statements of one line. */
const tableData = /^\n-- Data for Name: [^\n]*; Type: TABLE DATA; [^\n]*\n--\n/;
const [copy, insert, rule] = ["COPY ", "INSERT ", "--"];

/** Between these there is data, in which anything may look like SQL. */
const beginOfData = Buffer.from(" FROM stdin;\n");
const endOfData = Buffer.from("\n\\.\n");

/** More than any of the lines looked for is long, together with those that belong to it. */
const longest = 4096;

/** What the bytes at hand are. */
type Mode = "statements" | "before rows" | "COPY statement" | "data" | "large objects";

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
      const isOther = step.mode !== mode;
      mode = step.mode;
      if (step.pass > 0) to.push(rest.subarray(0, step.pass));
      const taken = step.pass + (step.drop ?? 0);
      rest = rest.subarray(taken);
      if ((taken === 0 && !isOther) || rest.length === 0) break;
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
    const at = bytes.indexOf(dataHeader);
    if (at >= 0) return atHeader(bytes, at, isLast);
    return { pass: certain(bytes, isLast), mode: "statements" };
  },
  "before rows": atLineBeforeRows,
  "COPY statement": (bytes, isLast) => {
    // A name in it may hold a newline.
    const end = bytes.indexOf(beginOfData);
    // Without the newline, which belongs to the end where there is no data.
    if (end >= 0) return { pass: end + beginOfData.length - 1, mode: "data" };
    return { pass: certain(bytes, isLast), mode: "COPY statement" };
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

function atHeader(bytes: Buffer, at: number, isLast: boolean): Step {
  const text = bytes.toString("latin1", at, at + longest);
  const objects = largeObjects.exec(text)?.[0];
  // Without the newline before, by which a COMMIT is known.
  if (objects !== undefined)
    return { pass: at + objects.length - 1, drop: 1 + begin.length - 1, mode: "large objects" };
  const table = tableData.exec(text)?.[0];
  if (table !== undefined) return { pass: at + table.length, mode: "before rows" };
  const isWhole = isLast || text.length === longest;
  return { pass: isWhole ? at + dataHeader.length : at, mode: "statements" };
}

/** A table that is empty has no rows in a dump with INSERT: then the next section follows. */
function atLineBeforeRows(bytes: Buffer, isLast: boolean): Step {
  const text = bytes.toString("latin1", 0, insert.length);
  if (text.startsWith(copy)) return { pass: copy.length, mode: "COPY statement" };
  if (text.startsWith(insert) || text.startsWith(rule)) return { pass: 0, mode: "statements" };
  const end = bytes.indexOf("\n");
  if (end >= 0) return { pass: end + 1, mode: "before rows" };
  const isTooLong = isLast || bytes.length > longest;
  return isTooLong ? { pass: bytes.length, mode: "statements" } : { pass: 0, mode: "before rows" };
}
