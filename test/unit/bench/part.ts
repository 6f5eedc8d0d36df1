import type { CandidateResult, PartResult } from "../../bench/results.ts";

/** A candidate that took so many seconds in each round. */
export function candidate(
  name: string,
  walls: readonly number[],
  more: Partial<CandidateResult> = {},
): CandidateResult {
  return {
    name,
    title: `the way ${name}`,
    command: name === "f" ? "$RCDUMP backup" : "$DUMP >/dev/null",
    runs: walls.map((wall) => ({ wall, user: 2, system: 0.5 })),
    memory: { bytes: 50e6, processes: ["x=50"] },
    ...more,
  };
}

/** A dump of 2 GB, `f` beside the limit and the predecessor. */
export const part: PartResult = {
  name: "part",
  title: "PostgreSQL & more",
  date: "2026-11-21",
  commit: "abcdef",
  scale: 1,
  plainBytes: 2e9,
  limit: "a",
  predecessor: "b",
  seconds: 100,
  candidates: [
    candidate("a", [10, 9, 11]),
    candidate("b", [80, 79, 90], { storedBytes: 800e6 }),
    candidate("f", [12.5, 12, 14], {
      storedBytes: 820e6,
      runs: [12.5, 12, 14].map((wall) => ({ wall, user: 5, system: 1, node: 1.5 })),
    }),
  ],
};
