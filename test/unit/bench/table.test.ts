import { expect, test } from "vitest";
import { formatPart, markdown } from "../../bench/table.ts";
import { candidate, part } from "./part.ts";

/** Rows of a table in Markdown, each by its heads. */
function read(table: string): Record<string, string>[] {
  const [heads = [], , ...rows] = table
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.map((row) => Object.fromEntries(heads.map((head, column) => [head, row[column] ?? ""])));
}

test("each candidate is compared with the limit and the predecessor by medians", () => {
  const [limit, predecessor, ours] = read(formatPart(part));
  expect(ours).toEqual({
    "": "f",
    what: "the way f",
    "wall s": "12.50",
    "min–max": "12.00–14.00",
    "wall ÷ a": "1.25",
    "b ÷ wall": "6.40",
    "MB/s": "160",
    "CPU s": "6.00",
    "Node s/GB": "0.75",
    "memory MB": "50",
    "stored MB": "820.0",
    "of b's": "102.5 %",
  });
  expect(limit).toMatchObject({ "wall ÷ a": "1.00", "b ÷ wall": "8.00", "Node s/GB": "", "stored MB": "" });
  expect(predecessor).toMatchObject({ "wall ÷ a": "8.00", "b ÷ wall": "1.00", "of b's": "100.0 %" });
});

test("where nothing is compared, stored or dumped there are no columns for it", () => {
  const { limit: _limit, predecessor: _predecessor, ...others } = part;
  const [row] = read(formatPart({ ...others, plainBytes: 900, candidates: [candidate("x", [1])] }));
  expect(Object.keys(row ?? {})).toEqual(["", "what", "wall s", "min–max", "CPU s", "memory MB"]);
});

test("columns are as wide as what is in them", () => {
  const table = markdown([
    ["", "what", "s"],
    ["a", "x", "10.00"],
  ]);
  expect(table).toBe("|     | what |     s |\n| --- | ---- | ----: |\n| a   | x    | 10.00 |\n");
});
