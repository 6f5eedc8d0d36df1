import { execa } from "execa";
import { readFileSync } from "node:fs";
import { parseManifest } from "../../../src/manifest.ts";
import type { StoredFile } from "./stores.ts";

/** The promises, each with what is counted when it is broken. */
export const columns = {
  truncated: "truncated at final name",
  badManifest: "manifest of bad backup",
  earlierDamaged: "earlier backup damaged",
  bytesMissing: "manifest without its bytes",
  processes: "processes left",
  leftovers: "left after next good run",
  exitCode: "exit code lied",
} as const;

export type Column = keyof typeof columns;

export interface Violation {
  readonly column: Column;
  readonly detail: string;
}

const manifestEnding = ".manifest.json";

/** Decides with plain tools whether an object is a complete dump: decrypted to the end, decompressed, and closed. */
export class Completeness {
  readonly #identity: string;
  readonly #known = new Map<string, boolean>();

  constructor(identity: string) {
    this.#identity = identity;
  }

  async of({ file, sha256 }: StoredFile): Promise<boolean> {
    const known = this.#known.get(sha256);
    if (known !== undefined) return known;
    const script = 'set -o pipefail; age -d -i "$1" "$2" | gunzip | tail -c 200';
    const { exitCode, stdout } = await execa("bash", ["-c", script, "bash", this.#identity, file], {
      reject: false,
    });
    const complete = exitCode === 0 && stdout.includes("-- PostgreSQL database dump complete");
    this.#known.set(sha256, complete);
    return complete;
  }
}

/** What the store shows after a run that was disturbed. */
export async function inspectStore(
  now: ReadonlyMap<string, StoredFile>,
  earlier: { path: string; before: ReadonlyMap<string, StoredFile> } | undefined,
  completeness: Completeness,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  const finals = [...now].filter(([path]) => !path.endsWith(".partial"));
  for (const [path, file] of finals) {
    if (path.endsWith(manifestEnding))
      violations.push(...(await inspectManifest(path, file, now, completeness)));
    else if (!(await completeness.of(file)))
      violations.push({ column: "truncated", detail: `${path}, ${file.bytes} bytes` });
  }
  if (earlier) violations.push(...(await inspectEarlier(now, earlier.path, earlier.before, completeness)));
  return violations;
}

async function inspectManifest(
  path: string,
  file: StoredFile,
  now: ReadonlyMap<string, StoredFile>,
  completeness: Completeness,
): Promise<Violation[]> {
  let manifest;
  try {
    manifest = parseManifest(readFileSync(file.file, "utf8"));
  } catch (error) {
    return [{ column: "truncated", detail: `${path}: ${String(error)}` }];
  }
  const object = now.get(path.slice(0, -manifestEnding.length));
  if (!object || object.sha256 !== manifest.stored.sha256 || object.bytes !== manifest.stored.bytes)
    return [{ column: "bytesMissing", detail: path }];
  return (await completeness.of(object)) ? [] : [{ column: "badManifest", detail: path }];
}

/** The earlier backup may be gone, in bytes or as a backup, only if the new one is whole somewhere. */
async function inspectEarlier(
  now: ReadonlyMap<string, StoredFile>,
  path: string,
  before: ReadonlyMap<string, StoredFile>,
  completeness: Completeness,
): Promise<Violation[]> {
  const isUntouched = [path, path + manifestEnding].every(
    (name) => now.get(name)?.sha256 === before.get(name)?.sha256,
  );
  if (isUntouched) return [];
  const candidates = [...now].filter(
    ([name]) =>
      name === path ||
      (name.startsWith(`${path}.`) && name.endsWith(".partial") && !name.includes(manifestEnding)),
  );
  for (const [, file] of candidates) {
    if (file.sha256 !== before.get(path)?.sha256 && (await completeness.of(file))) return [];
  }
  return [{ column: "earlierDamaged", detail: `${path}: now ${[...now.keys()].join(", ")}` }];
}
