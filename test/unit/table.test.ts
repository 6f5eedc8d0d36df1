import { expect, test } from "vitest";
import { formatTable } from "../../src/table.ts";

test("columns are as wide as their widest cell, and no line ends in blanks", () => {
  expect(
    formatTable([
      ["A", "SIZE", "C"],
      ["long", "1", "x y"],
      ["", "", ""],
    ]),
  ).toBe("A     SIZE  C\nlong  1     x y\n\n");
});
