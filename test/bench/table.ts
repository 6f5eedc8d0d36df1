import { spreadOf } from "./statistics.ts";
import type { CandidateResult, PartResult } from "./results.ts";

/** The figures of a part as a table in Markdown, which a terminal shows well, too. Columns that would be empty are left out. */
export function formatPart(part: PartResult): string {
  const wall = (name: string | undefined): number | undefined => {
    const found = part.candidates.find((candidate) => candidate.name === name);
    return found && medianOf(found, ({ wall }) => wall);
  };
  const limit = wall(part.limit);
  const predecessor = wall(part.predecessor);
  const isLarge = part.plainBytes > 1e6;
  const gzip = part.candidates.find(({ name }) => name === part.predecessor)?.storedBytes;
  const columns: Record<string, (candidate: CandidateResult, wall: number) => string | undefined> = {
    "": ({ name }) => name,
    what: ({ title }) => title,
    "wall s": (_, wall) => wall.toFixed(2),
    "min–max": ({ runs }) => {
      const { least, most } = spreadOf(runs.map(({ wall }) => wall));
      return `${least.toFixed(2)}–${most.toFixed(2)}`;
    },
    [`wall ÷ ${part.limit}`]: (_, wall) => (limit === undefined ? undefined : (wall / limit).toFixed(2)),
    [`${part.predecessor} ÷ wall`]: (_, wall) =>
      predecessor === undefined ? undefined : (predecessor / wall).toFixed(2),
    "MB/s": ({ plainBytes = part.plainBytes }, wall) =>
      isLarge ? (plainBytes / 1e6 / wall).toFixed(0) : undefined,
    "CPU s": (candidate) => medianOf(candidate, ({ user, system }) => user + system).toFixed(2),
    [isLarge ? "Node s/GB" : "Node s"]: (candidate) => {
      if (candidate.runs.every(({ node }) => node === undefined)) return undefined;
      const node = medianOf(candidate, ({ node = 0 }) => node);
      const { plainBytes = part.plainBytes } = candidate;
      return (isLarge ? node / (plainBytes / 1e9) : node).toFixed(2);
    },
    "memory MB": ({ memory }) => (memory.bytes / 1e6).toFixed(0),
    "stored MB": ({ storedBytes }) =>
      storedBytes === undefined ? undefined : (storedBytes / 1e6).toFixed(isLarge ? 1 : 4),
    [`of ${part.predecessor}'s`]: ({ storedBytes }) =>
      storedBytes === undefined || gzip === undefined
        ? undefined
        : `${((100 * storedBytes) / gzip).toFixed(1)} %`,
  };
  const rows = part.candidates.map((candidate) => {
    const wall = medianOf(candidate, ({ wall }) => wall);
    return Object.values(columns).map((cell) => cell(candidate, wall) ?? "");
  });
  const heads = Object.keys(columns);
  const filled = heads.map((_, column) => rows.some((row) => row[column] !== ""));
  return markdown([heads, ...rows].map((row) => row.filter((_, column) => filled[column])));
}

function medianOf(
  candidate: CandidateResult,
  figure: (run: CandidateResult["runs"][number]) => number,
): number {
  return spreadOf(candidate.runs.map(figure)).median;
}

/** A table of which the first row is the heads; all columns but the first two are aligned to the right. */
export function markdown(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  const pad = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const rule = widths.map((width, column) => (column < 2 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const [heads = [], ...others] = rows.map((row) => line(row.map(pad)));
  return [heads, line(rule), ...others].join("");
}
