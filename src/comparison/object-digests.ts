/** Collects the digests of a dump's sections under the names of their objects, which need not differ. */
export class ObjectDigests {
  readonly #digests = new Map<string, string[]>();
  #count = 0;

  /** How many were added. */
  get count(): number {
    return this.#count;
  }

  /** Adds a section's digest. */
  add(name: string, digest: string): void {
    const digests = this.#digests.get(name) ?? [];
    digests.push(digest);
    this.#digests.set(name, digests);
    this.#count++;
  }

  /**
   * Name → digest, in the order of the names. Equal names are numbered in the order of the digests, so that it does not
   * matter which comes first.
   */
  byName(): ReadonlyMap<string, string> {
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
}
