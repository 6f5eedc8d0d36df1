import { execa } from "execa";
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { parseManifest } from "../../../src/manifest.ts";
import type { Database } from "./databases.ts";
import type { StoredFile } from "./place.ts";

/** The promises, by the letters of docs/reliability.md. */
export const promises = {
  restores: "a: every manifest's backup restores",
  whole: "b: no truncated object",
  earlier: "c: earlier backup untouched",
  exitCode: "d: exit code tells the truth",
  leftovers: "e: nothing left over",
  sessions: "f: no session left",
} as const;

export type Promised = keyof typeof promises;

/** A promise that was broken. */
export interface Violation {
  readonly promise: Promised;
  readonly detail: string;
}

export const manifestEnding = ".manifest.json";

/** What plain tools made of an object. */
interface Opened {
  /** Why it does not give back what is in the database; undefined if it does. */
  readonly flaw?: string | undefined;
  /** Of the dump in it. */
  readonly sha256?: string;
}

/** Restores objects by plain tools, and knows those again that it has seen. */
export class PlainTools {
  readonly #identity: string;
  readonly #database: Database;
  readonly #known = new Map<string, Promise<Opened>>();
  #count = 0;

  /** @param identity the file of age's that opens the backups */
  constructor(identity: string, database: Database) {
    this.#identity = identity;
    this.#database = database;
  }

  restore(path: string, { file, sha256 }: StoredFile): Promise<Opened> {
    let outcome = this.#known.get(sha256);
    if (!outcome) {
      outcome = this.#restore(path, file);
      this.#known.set(sha256, outcome);
    }
    return outcome;
  }

  async #restore(path: string, file: string): Promise<Opened> {
    const dump = `${file}.plain`;
    const stages = [
      path.includes(".age") ? 'age -d -i "$IDENTITY" "$FILE"' : 'cat "$FILE"',
      ...(path.includes(".gz") ? ["gunzip"] : path.includes(".zst") ? ["zstd -dc"] : []),
    ];
    const opened = await this.#shell(`${stages.join(" | ")} >"$DUMP"`, { FILE: file, DUMP: dump });
    if (opened !== undefined) return { flaw: `it cannot be read: ${opened}` };
    const plain = readFileSync(dump);
    if (!plain.subarray(-300).includes(this.#database.ending))
      return { flaw: "it does not end as a dump does" };
    const name = `restored_${this.#count++}`;
    const { command, env } = await this.#database.restoring(name);
    try {
      const failure = await this.#shell(`${command} <"$DUMP"`, { ...env, DUMP: dump });
      if (failure !== undefined) return { flaw: `it does not restore: ${failure}` };
      const [is, was] = [await this.#database.contents(name), await this.#database.contents()];
      if (is !== was) return { flaw: `it restores something else: ${is}, not ${was}` };
      return { sha256: createHash("sha256").update(plain).digest("hex") };
    } finally {
      rmSync(dump);
      await this.#database.drop(name);
    }
  }

  /** @returns what was wrong, if something was */
  async #shell(script: string, env: Record<string, string>): Promise<string | undefined> {
    const { exitCode, stderr } = await execa("bash", ["-c", `set -o pipefail; ${script}`], {
      env: { ...env, IDENTITY: this.#identity },
      reject: false,
    });
    return exitCode === 0 ? undefined : stderr.slice(-300) || `exit code ${exitCode}`;
  }
}

/** Promise a: each manifest describes the very bytes that are there. */
export function inspectManifests(now: ReadonlyMap<string, StoredFile>): Violation[] {
  return [...now]
    .filter(([path]) => path.endsWith(manifestEnding))
    .flatMap(([path, file]) => {
      const flaw = findFlaw(path, file, now);
      return flaw === undefined ? [] : [{ promise: "restores", detail: `${path}: ${flaw}` }];
    });
}

/** Promises a and b: whatever has a final name restores. */
export async function inspectObjects(
  now: ReadonlyMap<string, StoredFile>,
  tools: PlainTools,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const [path, file] of now) {
    if (path.endsWith(".partial") || path.endsWith(manifestEnding)) continue;
    const { flaw, sha256 } = await tools.restore(path, file);
    const manifest = now.get(path + manifestEnding);
    if (flaw !== undefined)
      violations.push({
        promise: manifest ? "restores" : "whole",
        detail: `${path}, ${file.bytes} bytes: ${flaw}`,
      });
    else if (manifest && !readFileSync(manifest.file, "utf8").includes(`"${sha256}"`))
      violations.push({ promise: "restores", detail: `${path} is not the dump that its manifest describes` });
  }
  return violations;
}

/** @returns why a manifest does not describe an object that is there */
function findFlaw(
  path: string,
  { file, bytes }: StoredFile,
  now: ReadonlyMap<string, StoredFile>,
): string | undefined {
  try {
    const manifest = parseManifest(readFileSync(file, "utf8"));
    const object = now.get(path.slice(0, -manifestEnding.length));
    if (!object) return "its object is not there";
    if (object.sha256 === manifest.stored.sha256 && object.bytes === manifest.stored.bytes) return undefined;
    return `it describes ${manifest.stored.bytes} other bytes than the ${object.bytes} that are there`;
  } catch (error) {
    return `${bytes} bytes, ${String(error)}`;
  }
}

/** Promise c. The earlier backup may be gone, in bytes or as a backup, only if the new one is whole somewhere. */
export async function inspectEarlier(
  path: string,
  before: ReadonlyMap<string, StoredFile>,
  now: ReadonlyMap<string, StoredFile>,
  tools: PlainTools,
): Promise<Violation[]> {
  const isAsBefore = (name: string): boolean => now.get(name)?.sha256 === before.get(name)?.sha256;
  if ([path, path + manifestEnding].every(isAsBefore)) return [];
  const candidates = [...now].filter(
    ([name]) =>
      name === path ||
      (name.startsWith(`${path}.`) && name.endsWith(".partial") && !name.includes(manifestEnding)),
  );
  for (const [, file] of candidates)
    if (file.sha256 !== before.get(path)?.sha256 && (await tools.restore(path, file)).flaw === undefined)
      return [];
  return [
    { promise: "earlier", detail: `of ${path} neither is there: ${[...now.keys()].join(", ") || "nothing"}` },
  ];
}
