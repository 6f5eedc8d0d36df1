import { createHash } from "node:crypto";
import type { Normaliser } from "./normalisers.ts";

/** A longer section is digested as it is: thousands of roles, or of columns, may be in one that is shorter. */
const normalisedKept = 256 * 1024;

/** More than what a dump program writes between two sections. */
const tailKept = 512;

/**
 * Blank lines, the comment's first line, settings for objects to come, which depend on those before them, and the
 * date that follows the last.
 */
const betweenSections =
  /(?:(?<=\n)(?:--|SET default_(?:tablespace|table_access_method|with_oids) = [^\n]*;|-- Completed on \d[^\n]*)?\r?\n)+$/;

/** Digests one section of a dump, in bounded memory. What stands between it and the next is not its own. */
export class SectionDigest {
  readonly #hash = createHash("sha256");
  /** Of a section that is not digested as it is: what is made of it, and what is kept for that. */
  #normalising: { readonly normalise: Normaliser; held: Buffer } | undefined;
  /** The last bytes, which are not in the hash yet. */
  #tail: Buffer = Buffer.alloc(0);

  /**
   * @param settings what holds for the section and is not written in it
   * @param normalise makes equal what differs between dumps of equal objects
   */
  constructor(settings = "", normalise?: Normaliser) {
    this.#hash.update(settings);
    this.#normalising = normalise && { normalise, held: Buffer.alloc(0) };
  }

  /** Whether the last line is the one that headers come after: `--`. */
  get isAfterRule(): boolean {
    return /(?:^|\n)--\r?\n$/.test(this.#tail.toString("latin1"));
  }

  /** Goes on with the section's next bytes. */
  write(span: Buffer): void {
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

  /** Ends the section. To be called once: its SHA-256 in hex, and what stands between it and the next, as Latin-1. */
  end(): { digest: string; between: string } {
    const [between = ""] = betweenSections.exec(this.#tail.toString("latin1")) ?? [];
    this.#digest(this.#tail.subarray(0, this.#tail.length - between.length));
    if (this.#normalising) {
      const { normalise, held } = this.#normalising;
      this.#hash.update(normalise(held.toString("latin1")), "latin1");
    }
    return { digest: this.#hash.digest("hex"), between };
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
