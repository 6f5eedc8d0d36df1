import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** The variable by which every process of one run is known: children inherit it. */
export const marker = "RCDUMP_CAMPAIGN_RUN";

interface RunningProcess {
  readonly pid: number;
  readonly name: string;
}

/** The processes of a run that are alive. */
export function processesOf(run: string): RunningProcess[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, "latin1").includes(`${marker}=${run}\0`)) return [];
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        if (/^State:\s+Z/m.test(status)) return [];
        return [{ pid: Number(pid), name: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? "" }];
      } catch {
        return []; // gone meanwhile, or not ours to look at
      }
    });
}

/** What is left of a run when it had this many milliseconds to go. */
export async function survivors(run: string, within: number): Promise<RunningProcess[]> {
  const deadline = performance.now() + within;
  let left = processesOf(run);
  while (left.length > 0 && performance.now() < deadline) {
    await delay(20);
    left = processesOf(run);
  }
  return left;
}
