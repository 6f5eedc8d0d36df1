import { Transform, type TransformCallback } from "node:stream";
import type { Departure } from "./engines/restorer.ts";
import { BackupError } from "./errors.ts";

/** More than a line that leads out of a database is long. */
const longestLine = 1024;

const newline = 0x0a;

/** A line that begins as a departure does, by where it lies in some bytes. */
interface Found {
  readonly departure: Departure;
  /** Where its first letter is, and its newline; -1 if that is not there yet. */
  readonly start: number;
  readonly end: number;
}

/**
 * Passes SQL through, and fails before a line that leads into another database than `database`: a restore into a new
 * name must not reach the live database that the dump was made of. Lines that can be redirected are.
 * @param departures how such lines begin; they are not looked for in the first line
 */
export function stayInDatabase(database: string, departures: readonly Departure[]): Transform {
  const marks = departures.map((departure) => ({
    departure,
    mark: Buffer.from(`\n${departure.beginning}`),
    end: departure.before === undefined ? undefined : Buffer.from(`\n${departure.before}`),
    /** Where it is no longer looked for. */
    limit: Infinity,
  }));
  const longestMark = Math.max(0, ...marks.map(({ mark }) => mark.length));
  let held: Buffer = Buffer.alloc(0);
  /** Bytes that have passed. */
  let offset = 0;

  const findAll = (bytes: Buffer): Found[] =>
    marks
      .flatMap((each) => {
        const { departure, mark } = each;
        const found: Found[] = [];
        const end = each.end && each.limit === Infinity ? bytes.indexOf(each.end) : -1;
        if (end >= 0) each.limit = offset + end;
        if (each.limit < offset) return found;
        for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1))
          found.push({ departure, start: at + 1, end: bytes.indexOf(newline, at + 1) });
        return found.filter(({ start }) => offset + start <= each.limit);
      })
      .toSorted((left, right) => left.start - right.start);

  const name = Buffer.from(database).toString("latin1");
  const judge = ({ departure }: Found, line: Buffer): Buffer => {
    const redirected = departure.redirect
      ? Buffer.from(departure.redirect(line.toString("latin1"), name), "latin1")
      : line;
    const destination = departure.destination(redirected.toString());
    if (destination === undefined || destination === database) return redirected;
    throw new BackupError("restore", `the dump leads out of ${database}, into database ${destination}`, {
      hint: `restore it into ${destination} itself (--to), or by hand`,
    });
  };

  /** What may pass of some bytes; the rest is held until more have come. */
  const examine = (bytes: Buffer, isLast: boolean): Buffer => {
    const pieces: Buffer[] = [];
    let passed = 0;
    let passable = isLast ? bytes.length : Math.max(0, bytes.length - longestMark);
    for (const found of findAll(bytes)) {
      const { start } = found;
      const isWhole =
        found.end >= 0 || isLast || bytes.length - start > (found.departure.longest ?? longestLine);
      const end = found.end >= 0 ? found.end : bytes.length;
      // With its newline in front, by which it is known.
      if (!isWhole || end > passable) {
        passable = Math.min(passable, start - 1);
        break;
      }
      pieces.push(bytes.subarray(passed, start), judge(found, bytes.subarray(start, end)));
      passed = end;
    }
    held = bytes.subarray(passable);
    offset += passable;
    if (pieces.length === 0) return bytes.subarray(0, passable);
    return Buffer.concat([...pieces, bytes.subarray(passed, passable)]);
  };

  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      try {
        done(null, examine(held.length === 0 ? chunk : Buffer.concat([held, chunk]), false));
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done: TransformCallback): void {
      try {
        done(null, examine(held, true));
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
