import type { Document, Manifest } from "../../unit/examples/manifests.ts";

/** What a user puts into an example before using it; examples/README.md says what has to change. */
export interface Filling {
  /** For what its Secrets and ConfigMaps call `change-me`, by key. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Variables with another value than the example's. */
  readonly variables: Readonly<Record<string, string>>;
}

/** @throws Error for a placeholder without a value, and for a variable that the example does not set. */
export function fill(manifest: Manifest, { secrets, variables }: Filling): Manifest {
  const unused = new Set(Object.keys(variables));
  const replace = (key: string, value: unknown, parent: unknown): unknown => {
    if (typeof value === "string" && value.includes("change-me")) {
      const secret = secrets[key];
      if (secret === undefined) throw new Error(`${manifest.file}: nothing to fill in for ${key}`);
      return secret;
    }
    const { name } = parent as { name?: unknown };
    if (key === "value" && typeof name === "string" && variables[name] !== undefined) {
      unused.delete(name);
      return variables[name];
    }
    return value;
  };
  const text = JSON.stringify(manifest.documents, function (this: unknown, key, value: unknown) {
    return replace(key, value, this);
  });
  if (unused.size > 0) throw new Error(`${manifest.file} does not set ${[...unused].join(", ")}`);
  return { file: manifest.file, documents: JSON.parse(text) as Document[] };
}
