/** What docker-bake.hcl defines. It is read by the form that it has, for HCL has no reader here. */
export interface BakeFile {
  /** Groups and targets. */
  readonly targets: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
}

export function readBakeFile(hcl: string): BakeFile {
  const named = (block: string): string[] =>
    [...hcl.matchAll(new RegExp(`^${block} "([^"]+)"`, "gm"))].map(([, name = ""]) => name);
  return {
    targets: new Set([...named("group"), ...named("target"), ...matrixNames(hcl)]),
    variables: new Set(named("variable")),
  };
}

/** The names that a target with a matrix of one variable stands for. */
function matrixNames(hcl: string): string[] {
  const matrices = hcl.matchAll(
    /^ {2}name += "([^"$]*)\$\{(\w+)\}"\n {2}matrix += \{ (\w+) = \[([^\]]+)\] \}/gm,
  );
  return [...matrices].flatMap(([, prefix, , , values = ""]) =>
    [...values.matchAll(/"([^"]+)"/g)].map(([, value]) => `${prefix}${value}`),
  );
}
