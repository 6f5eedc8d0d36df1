import {
  connectedTo,
  globalsHeader,
  type Header,
  type Kind,
  mariadbHeader,
  postgresHeader,
  readable,
} from "./headers.ts";
import { endOfData, type LineReader, type Mode } from "./lines.ts";
import { normaliserOf } from "./normalisers.ts";
import { ObjectDigests } from "./object-digests.ts";
import { SectionDigest } from "./section-digest.ts";
import { SessionSettings } from "./session-settings.ts";

/** Sections told apart; further ones are digested together, so that no dump can fill the memory with its headers. */
const sectionsKept = 100_000;
const everythingElse = "everything else";

/** Lines of the preambles and ends. */
const volatileLine =
  /^(?:-- (?:Dumped from database version|Dumped by pg_dump|Started on|Completed on|MariaDB dump|MySQL dump|Host: |Server version|Dump completed)|\/\*M?!999999\\- enable the sandbox mode \*\/)/;

const tocEntry = /^-- TOC entry \d+ \(class \d+ OID \d+\)$/;

/** Where mariadb-dump puts back what it changed: after all objects. The first may be left out by an option. */
const mariadbEnd = /^\/\*!4010[13] SET (?:TIME_ZONE=@OLD_TIME_ZONE|SQL_MODE=@OLD_SQL_MODE) \*\/;$/;

/** Tells by its lines where the sections of a dump begin, and digests each, without what differs between dumps of equal databases. */
export class DumpSections implements LineReader {
  readonly #digests = new ObjectDigests();
  readonly #settings = new SessionSettings();
  #section = new SectionDigest();
  #key = "the preamble";
  #kind: Kind = "frame";
  #mode: Mode = "every line";
  /** Comments that are left out if a header follows them, and count if not. */
  #pending: Buffer[] = [];
  /** Set while a COPY statement has begun that is not on one line. */
  #inCopy = false;
  #database: string | undefined;
  /** What \restrict and \unrestrict carry. */
  #token: string | undefined;

  get mode(): Mode {
    return this.#mode;
  }

  look(line: Buffer): boolean {
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

  take(span: Buffer): void {
    if (span.length === 0) return;
    this.#takePending();
    this.#section.write(span);
  }

  /** Ends the last section. To be called once: the digest of each object, by its name. */
  end(): ReadonlyMap<string, string> {
    this.#close();
    return this.#digests.byName();
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
    if (this.#pending.length === 0) return tocEntry.test(text) && this.#section.isAfterRule;
    return this.#pending.length === 1 && /^-- Dependencies:[ \d]*$/.test(text);
  }

  #header(text: string): Header | undefined {
    // Rows as INSERT may hold such lines too; mariadb-dump's are of the kind "object".
    if (text.startsWith("\\connect ") && this.#kind !== "rows")
      return { key: "the preamble", kind: "frame", database: connectedTo(text) };
    if (mariadbEnd.test(text) && this.#kind !== "rows")
      return { key: "the end", kind: "frame", database: undefined };
    if (!text.startsWith("-- ") || !this.#section.isAfterRule) return undefined;
    return (
      postgresHeader(text) ??
      mariadbHeader(text) ??
      (this.#kind === "frame" && this.#database === undefined ? globalsHeader(text) : undefined)
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
    this.#open(key, header.type);
  }

  #open(key: string, type: string | undefined): void {
    const isToldApart = this.#digests.count < sectionsKept;
    this.#key = isToldApart ? key : everythingElse;
    this.#section = new SectionDigest(
      this.#settings.describe(type),
      isToldApart ? normaliserOf.get(type ?? "") : undefined,
    );
  }

  #close(): void {
    this.#takePending();
    const { digest, between } = this.#section.end();
    this.#settings.apply(between);
    this.#digests.add(this.#key, digest);
  }

  #takePending(): void {
    for (const line of this.#pending) this.#section.write(line);
    this.#pending = [];
  }
}
