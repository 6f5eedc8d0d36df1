/**
 * Which lines are looked at. In COPY data none but its end: it may hold anything, lines that look like headers
 * included. Among statements those with the beginnings below.
 */
export type Mode = "every line" | "statements" | "COPY data";

/** Takes a dump in pieces, which together are the whole of it, in order. */
export interface LineReader {
  /** May change with each line that is looked at. */
  readonly mode: Mode;
  /** Looks at a line, with its newline if it has one; everything before it was taken. True if it is done with, false if it is to be taken, too. */
  look(line: Buffer): boolean;
  /** Takes what need not be looked at. */
  take(span: Buffer): void;
}

/** A longer line is none that means anything here. A COPY statement of the widest table is shorter. */
const lineKept = 256 * 1024;

const newline = 0x0a;

/**
 * How lines that mean something begin, where all others are looked past. Up to seven bytes with the newline, Node
 * searches by memchr, which suits data best: several times as fast as what it does for more.
 */
const beginnings = ["-- ", String.raw`\conne`, String.raw`\restr`, String.raw`\unres`, "/*!401"];

/** The line that COPY data ends with. */
export const endOfData = String.raw`\.`;

const needles = [...beginnings, endOfData].map((beginning) => Buffer.from(`\n${beginning}`));

/** Of those lines the ones worth a look, by as many bytes as are enough to tell. */
const worthALook =
  /^(?:-- (?:Name: |Data for |Statistics for |TOC entry |Dependencies:|PostgreSQL |Dumping |Table str|Temporary |Final view |Sequence |Current Database: )|\\(?:connect|restrict|unrestrict) |\/\*!4010)/;
const peeked = 24;

/**
 * Finds those lines of a dump that may mean something, and hands them, and all that is between them, to a reader. What the reader
 * looks at does not depend on how the dump is cut into chunks.
 */
export class DumpLines {
  readonly #reader: LineReader;
  /** The beginning of a line that may mean something once it is whole. */
  #unfinished: Buffer = Buffer.alloc(0);
  #atLineStart = true;

  constructor(reader: LineReader) {
    this.#reader = reader;
  }

  /** Goes on with the next chunk of the dump. */
  scan(chunk: Buffer): void {
    this.#scan(this.#unfinished.length === 0 ? chunk : Buffer.concat([this.#unfinished, chunk]));
  }

  /** Hands over what is left when the dump has ended. */
  end(): void {
    const line = this.#unfinished;
    if (line.length > 0 && !this.#reader.look(line)) this.#reader.take(line);
  }

  /** Reads a buffer that begins with what was unfinished, and keeps what is unfinished at its end. */
  #scan(buffer: Buffer): void {
    this.#unfinished = Buffer.alloc(0);
    const found = needles.map(() => -1);
    let taken = 0;
    let start = this.#atLineStart ? 0 : this.#nextLine(buffer, 0, found);
    while (start !== Infinity) {
      const isCandidate = this.#isCandidate(buffer, start);
      const end = isCandidate ? buffer.indexOf(newline, start) : start;
      if (end === -1) break;
      if (isCandidate && end - start <= lineKept) {
        this.#reader.take(buffer.subarray(taken, start));
        taken = this.#reader.look(buffer.subarray(start, end + 1)) ? end + 1 : start;
      }
      start = this.#nextLine(buffer, end, found);
    }

    const lastLine = buffer.lastIndexOf(newline) + 1;
    const atLineStart = lastLine > 0 || this.#atLineStart;
    const undecided =
      atLineStart && buffer.length - lastLine <= lineKept && this.#isCandidate(buffer, lastLine);
    this.#reader.take(buffer.subarray(taken, undecided ? lastLine : buffer.length));
    this.#atLineStart = undecided;
    // A copy, lest a few bytes hold on to the whole chunk.
    if (undecided) this.#unfinished = Buffer.from(buffer.subarray(lastLine));
  }

  /** Where the next line begins that is to be looked at, its predecessor's end being no earlier than `from`. */
  #nextLine(buffer: Buffer, from: number, found: number[]): number {
    const { mode } = this.#reader;
    if (mode === "every line") return follow(buffer.indexOf(newline, from));
    const inData = mode === "COPY data";
    let nearest = Infinity;
    for (let i = inData ? beginnings.length : 0; i < (inData ? needles.length : beginnings.length); i++) {
      if ((found[i] ?? -1) < from) {
        const at = buffer.indexOf(needles[i] ?? "", from);
        found[i] = at === -1 ? Infinity : at;
      }
      nearest = Math.min(nearest, found[i] ?? Infinity);
    }
    return nearest + 1;
  }

  /** Whether the line that begins here may mean something, as far as its first bytes tell. */
  #isCandidate(buffer: Buffer, start: number): boolean {
    const { mode } = this.#reader;
    if (mode === "every line") return true;
    const peek = buffer.toString("latin1", start, start + peeked);
    if (mode === "statements" && peek.length === peeked) return worthALook.test(peek);
    // It may be cut.
    const sought = mode === "COPY data" ? [endOfData] : beginnings;
    return sought.some((beginning) => beginning.startsWith(peek) || peek.startsWith(beginning));
  }
}

function follow(index: number): number {
  return index === -1 ? Infinity : index + 1;
}
