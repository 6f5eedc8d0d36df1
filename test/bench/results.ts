import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import type { Peak } from "../fixtures/memory.ts";
import type { Run } from "./measure.ts";

/** What was measured of one candidate. */
export interface CandidateResult {
  readonly name: string;
  readonly title: string;
  readonly command: string;
  /** Of its dump, if that is not the part's. */
  readonly plainBytes?: number;
  /** One a round. */
  readonly runs: readonly Run[];
  /** Of the round before those. */
  readonly memory: Peak;
  /** What it stored, if it stores anything. */
  readonly storedBytes?: number;
}

export interface PartResult {
  readonly name: string;
  readonly title: string;
  readonly date: string;
  /** Of the rcdump that was measured. */
  readonly commit: string;
  readonly scale: number;
  /** Of the dump. */
  readonly plainBytes: number;
  readonly limit?: string;
  readonly predecessor?: string;
  readonly candidates: readonly CandidateResult[];
  /** How long all of it took. */
  readonly seconds: number;
}

/** Everything that a page is made of. */
export interface Results {
  readonly machine: Machine;
  readonly parts: readonly PartResult[];
}

const file = "results.json";

export async function readResults(folder: string): Promise<Results | undefined> {
  const path = join(folder, file);
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as Results) : undefined;
}

export async function writeResults(folder: string, results: Results): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), `${JSON.stringify(results, undefined, 1)}\n`);
}

/** Parts that were measured again take the place of the earlier ones. What another machine did is forgotten. */
export function merge(earlier: Results | undefined, now: Results, order: readonly string[]): Results {
  const sameMachine = earlier && JSON.stringify(earlier.machine) === JSON.stringify(now.machine);
  const others = (sameMachine ? earlier.parts : []).filter(
    ({ name }) => !now.parts.some((part) => part.name === name),
  );
  const all = [...others, ...now.parts];
  return {
    machine: now.machine,
    parts: all.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
  };
}
