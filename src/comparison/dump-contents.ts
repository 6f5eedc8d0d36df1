import { Transform, type TransformCallback } from "node:stream";
import { DumpLines } from "./lines.ts";
import { DumpSections } from "./sections.ts";

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
  readonly #sections = new DumpSections();
  readonly #lines = new DumpLines(this.#sections);
  #digests: ReadonlyMap<string, string> = new Map();

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#lines.scan(chunk);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    this.#lines.end();
    this.#digests = this.#sections.end();
    done();
  }

  /**
   * Name of an object → SHA-256 in hex, in the order of the names; equal names are numbered. Empty until the dump has
   * ended.
   */
  digests(): ReadonlyMap<string, string> {
    return this.#digests;
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
