import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import {
  connectedTo,
  globalsHeader,
  type Header,
  type Kind,
  mariadbHeader,
  postgresHeader,
  readable,
} from "./dump-headers.ts";
import { type Normaliser, normaliserOf } from "./dump-normalisers.ts";

/** Sections told apart; further ones are digested together, so that no dump can fill the memory with its headers. */
const sectionsKept = 100_000;
const everythingElse = "everything else";

/** A longer line is none that means anything here. A COPY statement of the widest table is shorter. */
const lineKept = 256 * 1024;

/** A longer section is digested as it is: thousands of roles, or of columns, may be in one that is shorter. */
const normalisedKept = 256 * 1024;

/** More than what a dump program writes between two sections. */
const tailKept = 512;

const newline = 0x0a;

/**
 * How lines that mean something begin, where all others are looked past. Up to seven bytes with the newline, Node
 * searches by memchr, which suits data best: several times as fast as what it does for more.
 */
const beginnings = ["-- ", String.raw`\conne`, String.raw`\restr`, String.raw`\unres`, "/*!401"];
const endOfData = String.raw`\.`;
const needles = [...beginnings, endOfData].map((beginning) => Buffer.from(`\n${beginning}`));

/** Of those lines the ones worth a look, by as many bytes as are enough to tell. */
const worthALook =
  /^(?:-- (?:Name: |Data for |Statistics for |TOC entry |Dependencies:|PostgreSQL |Dumping |Table str|Temporary |Final view |Sequence |Current Database: )|\\(?:connect|restrict|unrestrict) |\/\*!4010)/;
const peeked = 24;

/**
 * Which lines are looked at. In COPY data none but its end: it may hold anything, lines that look like headers
 * included. Among statements those with the beginnings above.
 */
type Mode = "every line" | "statements" | "COPY data";

/**
 * Passes a dump in SQL through unchanged and digests it object by object, as the comments of pg_dump, pg_dumpall and
 * mariadb-dump divide it. Left out is what differs between dumps of equal databases: versions, dates, hosts, tokens,
 * numbers of objects in verbose comments, blank lines where sections meet, the order of roles where it is that in which they
 * were created, and the server's own stamps on columns. Rows of COPY count to the last byte, and are never taken for anything else. Rows of pg_dump --inserts
 * that hold a whole header, with the lines around it, are: they count all the same, under the name in it. Triggers of
 * mariadb-dump are in their table's TABLE DATA.
 * The result does not depend on how the stream is cut into chunks, nor the memory on the size of the dump.
 */
export class DumpContents extends Transform {
  readonly #digests = new Map<string, string[]>();
  #sections = 0;
  #key = "the preamble";
  #kind: Kind = "frame";
  #mode: Mode = "every line";
  #hash = createHash("sha256");
  /** Of a section that is not digested as it is: what is made of it, and what is kept for that. */
  #normalising: { readonly normalise: Normaliser; held: Buffer } | undefined;
  /** The section's last bytes, which are not in the hash yet. */
  #tail: Buffer = Buffer.alloc(0);
  /** Comments that are left out if a header follows them, and count if not. */
  #pending: Buffer[] = [];
  /** Set while a COPY statement has begun that is not on one line. */
  #inCopy = false;
  #database: string | undefined;
  /** What \restrict and \unrestrict carry. */
  #token: string | undefined;
  /** What pg_dump sets between sections, whenever it changes. */
  readonly #settings = new Map<string, string>();
  /** The beginning of a line that may mean something once it is whole. */
  #unfinished: Buffer = Buffer.alloc(0);
  #atLineStart = true;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#scan(this.#unfinished.length === 0 ? chunk : Buffer.concat([this.#unfinished, chunk]));
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    const line = this.#unfinished;
    if (line.length > 0 && !this.#look(line)) this.#write(line);
    this.#close();
    done();
  }

  /**
   * Name of an object → SHA-256 in hex, in the order of the names. To be called once, at the end. Equal names are
   * numbered in the order of the digests, so that it does not matter which comes first.
   */
  digests(): ReadonlyMap<string, string> {
    const result = new Map<string, string>();
    for (const [key, digests] of [...this.#digests].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      let number = 1;
      for (const digest of digests.toSorted()) {
        let name = key;
        for (; result.has(name); name = `${key} (${number})`) number++;
        result.set(name, digest);
      }
    }
    return result;
  }

  /** Digests a buffer that begins with what was unfinished, and keeps what is unfinished at its end. */
  #scan(buffer: Buffer): void {
    this.#unfinished = Buffer.alloc(0);
    const found = needles.map(() => -1);
    let written = 0;
    let start = this.#atLineStart ? 0 : this.#nextLine(buffer, 0, found);
    while (start !== Infinity) {
      const end = this.#isCandidate(buffer, start) ? buffer.indexOf(newline, start) : start;
      if (end === -1) break;
      if (end > start || this.#mode === "every line") {
        if (end - start <= lineKept) {
          this.#write(buffer.subarray(written, start));
          written = this.#look(buffer.subarray(start, end + 1)) ? end + 1 : start;
        }
      }
      start = this.#nextLine(buffer, end, found);
    }

    const lastLine = buffer.lastIndexOf(newline) + 1;
    const atLineStart = lastLine > 0 || this.#atLineStart;
    const undecided =
      atLineStart && buffer.length - lastLine <= lineKept && this.#isCandidate(buffer, lastLine);
    this.#write(buffer.subarray(written, undecided ? lastLine : buffer.length));
    this.#atLineStart = undecided;
    // A copy, lest a few bytes hold on to the whole chunk.
    if (undecided) this.#unfinished = Buffer.from(buffer.subarray(lastLine));
  }

  /** Where the next line begins that is to be looked at, its predecessor's end being no earlier than `from`. */
  #nextLine(buffer: Buffer, from: number, found: number[]): number {
    if (this.#mode === "every line") return follow(buffer.indexOf(newline, from));
    const inData = this.#mode === "COPY data";
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
    if (this.#mode === "every line") return true;
    const peek = buffer.toString("latin1", start, start + peeked);
    if (this.#mode === "statements" && peek.length === peeked) return worthALook.test(peek);
    // It may be cut.
    const sought = this.#mode === "COPY data" ? [endOfData] : beginnings;
    return sought.some((beginning) => beginning.startsWith(peek) || peek.startsWith(beginning));
  }

  /** Looks at a line; everything before it is written. True if it is left out, or kept waiting. */
  #look(line: Buffer): boolean {
    const text = line.toString("latin1").replace(/\r?\n$/, "");
    if (this.#mode === "COPY data") {
      if (text === endOfData) this.#mode = "statements";
      return false;
    }
    if (this.#isVolatile(text)) return true;
    if (this.#mode === "every line") this.#lookForRows(text);
    if (this.#mustWait(text)) return this.#pending.push(Buffer.from(line)) > 0;
    const header = this.#header(text);
    if (header === undefined) return false;
    this.#begin(header);
    return header.leftOut ?? false;
  }

  /** Whether a line differs between dumps of equal databases. */
  #isVolatile(text: string): boolean {
    const [, token] = /^\\(?:un)?restrict ([0-9A-Za-z]+)$/.exec(text) ?? [];
    if (token !== undefined) {
      // Elsewhere only the one that was met before: rows as INSERT may hold such lines.
      if (this.#kind === "frame") this.#token = token;
      return token === this.#token;
    }
    // Blank lines there are as many as there are lines of these, of which older versions write fewer.
    return this.#kind === "frame" && (text === "" || volatileLine.test(text));
  }

  /** Rows come as COPY or as INSERT, after statements of one line. A name in a COPY statement may hold a newline. */
  #lookForRows(text: string): void {
    // A dump of mariadb-dump --skip-comments is one frame with all the rows in it, but there is no COPY in frames.
    this.#inCopy ||= this.#kind === "rows" && text.startsWith("COPY ");
    if (this.#inCopy && text.endsWith(" FROM stdin;")) this.#mode = "COPY data";
    else if (!this.#inCopy && text.startsWith("INSERT ")) this.#mode = "statements";
  }

  /** Whether it is one of the comments with object identifiers that pg_dump --verbose puts before a header. */
  #mustWait(text: string): boolean {
    if (this.#pending.length === 0) return tocEntry.test(text) && this.#afterRule();
    return this.#pending.length === 1 && /^-- Dependencies:[ \d]*$/.test(text);
  }

  /** Whether the line before, comments that wait apart, is the one that headers come after. */
  #afterRule(): boolean {
    return /(?:^|\n)--\r?\n$/.test(this.#tail.toString("latin1"));
  }

  #header(text: string): Header | undefined {
    const inFrame = this.#kind === "frame";
    // Rows as INSERT may hold such lines too; mariadb-dump's are of the kind "object".
    if (text.startsWith("\\connect ") && this.#kind !== "rows")
      return { key: "the preamble", kind: "frame", database: connectedTo(text) };
    if (mariadbEnd.test(text) && this.#kind !== "rows")
      return { key: "the end", kind: "frame", database: undefined };
    if (!text.startsWith("-- ") || !this.#afterRule()) return undefined;
    return (
      postgresHeader(text) ??
      mariadbHeader(text) ??
      (inFrame && this.#database === undefined ? globalsHeader(text) : undefined)
    );
  }

  #begin(header: Header): void {
    this.#pending = [];
    const database = "database" in header ? header.database : this.#database;
    const name = readable(header.key);
    const key = database === undefined ? name : `${database}: ${name}`;
    const isSame = header.kind === "frame" && this.#kind === "frame" && key === this.#key;
    this.#database = database;
    this.#kind = header.kind;
    this.#mode = header.kind === "object" ? "statements" : "every line";
    this.#inCopy = false;
    if (isSame || this.#key === everythingElse) return;
    this.#close();
    this.#key = this.#sections >= sectionsKept ? everythingElse : key;
    this.#hash = createHash("sha256");
    for (const setting of settingsOf.get(header.type ?? "") ?? [])
      this.#hash.update(`${setting} ${this.#settings.get(setting) ?? ""}\n`);
    const normalise = this.#key === everythingElse ? undefined : normaliserOf.get(header.type ?? "");
    this.#normalising = normalise && { normalise, held: Buffer.alloc(0) };
  }

  /** Ends the section that is open. What stands between it and the next is not its own. */
  #close(): void {
    this.#flushPending();
    const [between = ""] = betweenSections.exec(this.#tail.toString("latin1")) ?? [];
    for (const [, name = "", value = ""] of between.matchAll(/^SET (\w+) = (.*);/gm))
      this.#settings.set(name, value);
    this.#digest(this.#tail.subarray(0, this.#tail.length - between.length));
    this.#tail = Buffer.alloc(0);
    if (this.#normalising) {
      const { normalise, held } = this.#normalising;
      this.#hash.update(normalise(held.toString("latin1")), "latin1");
      this.#normalising = undefined;
    }
    const digests = this.#digests.get(this.#key) ?? [];
    digests.push(this.#hash.digest("hex"));
    this.#digests.set(this.#key, digests);
    this.#sections++;
  }

  #flushPending(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const line of pending) this.#write(line);
  }

  #write(span: Buffer): void {
    if (span.length === 0) return;
    this.#flushPending();
    if (span.length >= tailKept) {
      this.#digest(this.#tail);
      this.#digest(span.subarray(0, -tailKept));
      this.#tail = Buffer.from(span.subarray(-tailKept));
      return;
    }
    const tail = Buffer.concat([this.#tail, span]);
    this.#digest(tail.subarray(0, -tailKept));
    this.#tail = tail.subarray(-tailKept);
  }

  /** Takes what is the section's own. */
  #digest(bytes: Buffer): void {
    const { held } = this.#normalising ?? {};
    if (this.#normalising === undefined || held === undefined) return void this.#hash.update(bytes);
    const all = Buffer.concat([held, bytes]);
    if (all.length <= normalisedKept) return void (this.#normalising.held = all);
    this.#hash.update(all);
    this.#normalising = undefined;
  }
}

/** What differs between two dumps, a line for each object; empty if they are equal. */
export function compareContents(
  backup: ReadonlyMap<string, string>,
  restored: ReadonlyMap<string, string>,
): string[] {
  const differing = [...backup].flatMap(([name, digest]) => {
    const other = restored.get(name);
    if (other === digest) return [];
    return [other === undefined ? `${name} is missing` : `${name} differs`];
  });
  const added = [...restored.keys()].filter((name) => !backup.has(name));
  return [...differing, ...added.map((name) => `${name} is not in the backup`)];
}

/** Lines of the preambles and ends. */
const volatileLine =
  /^(?:-- (?:Dumped from database version|Dumped by pg_dump|Started on|Completed on|MariaDB dump|MySQL dump|Host: |Server version|Dump completed)|\/\*M?!999999\\- enable the sandbox mode \*\/)/;

const tocEntry = /^-- TOC entry \d+ \(class \d+ OID \d+\)$/;

/** Where mariadb-dump puts back what it changed: after all objects. The first may be left out by an option. */
const mariadbEnd = /^\/\*!4010[13] SET (?:TIME_ZONE=@OLD_TIME_ZONE|SQL_MODE=@OLD_SQL_MODE) \*\/;$/;

/**
 * Blank lines, the comment's first line, settings for objects to come, which depend on those before them, and the
 * date that follows the last.
 */
const betweenSections =
  /(?:(?<=\n)(?:--|SET default_(?:tablespace|table_access_method|with_oids) = [^\n]*;|-- Completed on \d[^\n]*)?\r?\n)+$/;

/** For which types of object pg_dump sees to it that a setting is as they need it. */
const settingsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ["TABLE", ["default_tablespace", "default_table_access_method"]],
  ["MATERIALIZED VIEW", ["default_tablespace", "default_table_access_method"]],
  ["INDEX", ["default_tablespace"]],
  ["CONSTRAINT", ["default_tablespace"]],
]);

function follow(index: number): number {
  return index === -1 ? Infinity : index + 1;
}
