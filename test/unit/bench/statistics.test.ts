import { expect, test } from "vitest";
import { spreadOf } from "../../bench/statistics.ts";

test("the median of an odd number is the one in the middle, whatever their order", () => {
  expect(spreadOf([30, 1, 2])).toEqual({ median: 2, least: 1, most: 30 });
});

test("the median of an even number lies between the two in the middle", () => {
  expect(spreadOf([10, 4, 2, 1])).toEqual({ median: 3, least: 1, most: 10 });
});

test("one measurement is all three", () => {
  expect(spreadOf([7])).toEqual({ median: 7, least: 7, most: 7 });
});

test("there is no median of nothing", () => {
  expect(() => spreadOf([])).toThrow("there are no measurements");
});
