import { databaseFaults } from "./faults/database.ts";
import { networkFaults } from "./faults/network.ts";
import { processFaults } from "./faults/process.ts";
import type { StoreName } from "../../stores/store.ts";
import type { Draw } from "./draw.ts";
import type { Scene } from "./scene.ts";

/** Something that goes wrong. */
export interface Fault {
  readonly name: string;
  readonly fitsStore?: (store: StoreName) => boolean;
  readonly fits?: (draw: Omit<Draw, "fault" | "random">) => boolean;
  /** What is put between the run and its store, to be harmed. */
  readonly network?: "wire" | "http";
  /** Whether S3 may keep parts of an upload: nobody is left to abort it, or cannot. */
  readonly leavesParts?: boolean;
  /** What a run that stored nothing may end with. None: it has to go well all the same. */
  readonly exitCodes: readonly number[];
  /** Makes ready for it before the run begins; what this returns undoes it after the run. */
  readonly prepare?: (scene: Scene) => Promise<(() => Promise<void>) | void>;
  /** Does the harm, at a moment of its own. @returns false if what it is done to had gone before */
  readonly strike: (scene: Scene) => Promise<boolean>;
}

export const faults: readonly Fault[] = [...processFaults, ...databaseFaults, ...networkFaults];
