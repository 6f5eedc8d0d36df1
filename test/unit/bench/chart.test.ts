import { expect, test } from "vitest";
import { drawPart, niceStep } from "../../bench/chart.ts";
import { part } from "./part.ts";

test("bars are as long as the medians are, and lines show the spread", () => {
  const svg = drawPart(part);
  const widths = [...svg.matchAll(/<rect class="(\w+)".*? width="([\d.]+)"/g)].map(([, kind, width]) => ({
    kind,
    width: Number(width),
  }));
  expect(widths.map(({ kind }) => kind)).toEqual(["limit", "bar", "ours"]);
  const [limit, predecessor, ours] = widths.map(({ width }) => width);
  expect(predecessor! / limit!).toBeCloseTo(8, 1);
  expect(ours! / limit!).toBeCloseTo(1.25, 1);
  const [, from, to] = /class="spread" d="M([\d.]+) \d+H([\d.]+)/.exec(svg) ?? [];
  expect((Number(to) - Number(from)) / limit!).toBeCloseTo(0.2, 1);
});

test("no bar, line or number leaves the picture", () => {
  const svg = drawPart(part);
  const width = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
  const places = [...svg.matchAll(/[MH]([\d.]+)|<text(?: class="\w+")? x="([\d.]+)"/g)].map(([, a, b]) =>
    Number(a ?? b),
  );
  expect(Math.max(...places)).toBeLessThan(width - 40);
});

test("titles are text, not markup", () => {
  expect(drawPart(part)).toContain("PostgreSQL &amp; more: seconds for 2.00 GB");
});

test.each([
  [0.7, 1],
  [1, 1],
  [1.1, 2],
  [13, 20],
  [0.03, 0.05],
])("a grid for steps of about %d has steps of %d", (wish, step) => {
  expect(niceStep(wish)).toBeCloseTo(step, 10);
});
