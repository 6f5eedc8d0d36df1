import type { Server, Target } from "./engines/engine.ts";

/** How large that is on the server's disk which a dump is of, in bytes; undefined if the account may not see it. */
export function sizeOf(target: Target, { databases }: Server): number | undefined {
  if (target.scope === "globals") return 0;
  if (target.scope === "database") return databases.find(({ name }) => name === target.database)?.bytes;
  return databases.reduce<number | undefined>(
    (total, { bytes }) => (total === undefined || bytes === undefined ? undefined : total + bytes),
    0,
  );
}
