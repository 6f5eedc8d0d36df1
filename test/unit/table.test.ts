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

test("what a terminal would act on is not let through", () => {
  expect(formatTable([["a\u001b[31mb\n", "c\u0007"]])).toBe("a\ufffd[31mb\ufffd  c\ufffd\n");
});
