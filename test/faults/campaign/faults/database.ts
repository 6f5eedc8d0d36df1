import type { Fault } from "../faults.ts";
import { appearance, momentOf } from "../scene.ts";
import { dumpFailed } from "./process.ts";

export const databaseFaults: readonly Fault[] = [
  {
    name: "dump's session is ended",
    strike: async (scene) => {
      const { database, run, ended } = scene;
      if (!(await appearance(scene, "dump"))) return false;
      await momentOf(scene, "dump");
      while (!ended()) if ((await database.endDumps(run)) > 0) return true;
      return false;
    },
    exitCodes: dumpFailed,
  },
];
