import { createHash, randomUUID } from "node:crypto";

/** What one upload brought, in the pieces that it came in. */
export interface Body {
  readonly pieces: readonly Buffer[];
  readonly size: number;
}

/** An object, and the headers that it was stored with. */
export interface StoredObject extends Body {
  readonly etag: string;
  readonly modified: Date;
  readonly headers: Readonly<Record<string, string>>;
}

interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Body>;
}

/** Objects and unfinished uploads, in memory. A key begins with its bucket. */
export class Objects {
  readonly #objects = new Map<string, StoredObject>();
  readonly #uploads = new Map<string, Upload>();

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  put(key: string, body: Body, headers: Readonly<Record<string, string>>): StoredObject {
    const hash = createHash("md5");
    for (const piece of body.pieces) hash.update(piece);
    return this.#store(key, body, headers, hash.digest("hex"));
  }

  copy(source: string, key: string): StoredObject | undefined {
    const object = this.#objects.get(source);
    return object && this.#store(key, object, object.headers, object.etag);
  }

  remove(key: string): void {
    this.#objects.delete(key);
  }

  /** Keys with this beginning, in order. */
  keys(prefix: string): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }

  begin(key: string, headers: Readonly<Record<string, string>>): string {
    const id = randomUUID();
    this.#uploads.set(id, { key, headers, parts: new Map() });
    return id;
  }

  /** The tag of a part is none of its content: hashing it would take the processor from what is measured. */
  putPart(id: string, number: number, body: Body): string | undefined {
    const upload = this.#uploads.get(id);
    upload?.parts.set(number, body);
    return upload && `${id}-${number}`;
  }

  complete(id: string): StoredObject | undefined {
    const upload = this.#uploads.get(id);
    if (!upload) return undefined;
    this.#uploads.delete(id);
    const parts = [...upload.parts].toSorted(([a], [b]) => a - b).map(([, body]) => body);
    const body = {
      pieces: parts.flatMap(({ pieces }) => pieces),
      size: parts.reduce((total, { size }) => total + size, 0),
    };
    return this.#store(upload.key, body, upload.headers, `${id.replaceAll("-", "")}-${parts.length}`);
  }

  abort(id: string): void {
    this.#uploads.delete(id);
  }

  /** Unfinished uploads to keys with this beginning. */
  uploads(prefix: string): { key: string; id: string }[] {
    return [...this.#uploads].flatMap(([id, { key }]) => (key.startsWith(prefix) ? [{ key, id }] : []));
  }

  #store(key: string, { pieces, size }: Body, headers: StoredObject["headers"], etag: string): StoredObject {
    const object = { pieces, size, headers, etag, modified: new Date() };
    this.#objects.set(key, object);
    return object;
  }
}
