/** For which types of object pg_dump sees to it that a setting is as they need it. */
const settingsOf: ReadonlyMap<string, readonly string[]> = new Map([
  ["TABLE", ["default_tablespace", "default_table_access_method"]],
  ["MATERIALIZED VIEW", ["default_tablespace", "default_table_access_method"]],
  ["INDEX", ["default_tablespace"]],
  ["CONSTRAINT", ["default_tablespace"]],
]);

/** The settings of the session, which pg_dump sets between sections, whenever they change. */
export class SessionSettings {
  readonly #values = new Map<string, string>();

  /** Reads what stands between two sections. */
  apply(between: string): void {
    for (const [, name = "", value = ""] of between.matchAll(/^SET (\w+) = (.*);/gm))
      this.#values.set(name, value);
  }

  /** Those that an object of this type depends on, a line for each; of an equal object they are equal. */
  describe(type: string | undefined): string {
    const names = settingsOf.get(type ?? "") ?? [];
    return names.map((name) => `${name} ${this.#values.get(name) ?? ""}\n`).join("");
  }
}
