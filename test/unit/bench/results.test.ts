import { expect, test } from "vitest";
import type { Machine } from "../../bench/machine.ts";
import { merge, type PartResult } from "../../bench/results.ts";
import { part } from "./part.ts";

const machine: Machine = { processor: "x", cores: 2, memory: 1, kernel: "6", system: "Debian", programs: {} };
const order = ["first", "second", "third"];

function measured(name: string, commit: string): PartResult {
  return { ...part, name, commit };
}

test("what is measured again takes the place of what was there, in the order of the parts", () => {
  const earlier = { machine, parts: [measured("first", "old"), measured("second", "old")] };
  const now = { machine, parts: [measured("third", "new"), measured("second", "new")] };
  const { parts } = merge(earlier, now, order);
  expect(parts.map(({ name, commit }) => [name, commit])).toEqual([
    ["first", "old"],
    ["second", "new"],
    ["third", "new"],
  ]);
});

test("figures of another machine, or of other versions, do not stand beside those of this one", () => {
  const earlier = {
    machine: { ...machine, programs: { rclone: "1.60" } },
    parts: [measured("first", "old")],
  };
  const now = { machine, parts: [measured("second", "new")] };
  expect(merge(earlier, now, order).parts.map(({ name }) => name)).toEqual(["second"]);
});
