import { setTimeout as delay } from "node:timers/promises";
import type { FaultyProxy } from "../../fixtures/faulty-proxy.ts";
import type { Database } from "./databases.ts";
import type { Draw } from "./draw.ts";
import { descendants, type Role, roleOf, type RunningProcess } from "./processes.ts";
import type { Wire } from "./wire.ts";

/** A run that a fault is going to strike. */
export interface Scene {
  readonly run: string;
  readonly draw: Draw;
  readonly database: Database;
  /** What lies between the run and its store, if it has to be harmed: connections, or requests. */
  readonly wire: Wire | undefined;
  readonly proxy: FaultyProxy | undefined;
  /** What the run is started with. A fault may change it beforehand. */
  readonly env: Record<string, string>;
  /** The entrypoint; 0 before it is started. */
  readonly pid: number;
  readonly ended: () => boolean;
  /** Settles when the run has ended. */
  readonly end: Promise<unknown>;
  /** Starts another run of the same job. Its exit code is looked at as well. */
  readonly startAnother: () => void;
}

/** Milliseconds between two looks. */
const samplingInterval = 8;

/** Waits for a process of this role. @returns undefined if the run ended before there was one */
export async function appearance(scene: Scene, role: Role): Promise<RunningProcess | undefined> {
  while (!scene.ended()) {
    const found = descendants(scene.pid).find((process) => roleOf(process) === role);
    if (found) return found;
    await delay(samplingInterval);
  }
  return undefined;
}

/** How long each part of a run takes about, in milliseconds. The upload is held up to take as long: see `slowness` in run.ts. */
const lengths = { question: 500, dump: 700, compressor: 700, upload: 900, commit: 250 };

/** A random moment after that: as much of the time that the role's part takes as is drawn. */
export async function momentOf(scene: Scene, role: Role): Promise<void> {
  await delay(scene.draw.random.share() * lengths[role]);
}

/** A random moment of a run: some time after a part of it, drawn as well, has begun. @returns whether it came before the end */
export async function anyMoment(
  scene: Scene,
  parts: readonly Role[] = ["question", "dump", "upload", "upload", "commit"],
): Promise<boolean> {
  const part = scene.draw.random.pick(parts);
  const begun = await appearance(scene, part);
  if (begun) await momentOf(scene, part);
  return !scene.ended();
}
