import { expect, test } from "vitest";
import { isSameObject } from "../../src/remote.ts";

const object = { path: "a", bytes: 1, modified: "2026-01-01T12:00:00.5Z" };

test.for([
  [object, true],
  [{ ...object, modified: "2026-01-01T13:00:00.5+01:00" }, true],
  [{ ...object, modified: "2026-01-01T12:00:01Z" }, false],
  [{ ...object, modified: "" }, false],
  [{ ...object, bytes: 2 }, false],
  [undefined, false],
] as const)("an object is the same while its size and its time are, in whatever zone: %j", ([now, same]) => {
  expect(isSameObject(object, now)).toBe(same);
});

test("times that are none are compared as they are", () => {
  expect(isSameObject({ ...object, modified: "-" }, { ...object, modified: "-" })).toBe(true);
  expect(isSameObject({ ...object, modified: "-" }, { ...object, modified: "+" })).toBe(false);
});
