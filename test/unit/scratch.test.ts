import { expect, test } from "vitest";
import { isScratch, scratchName } from "../../src/scratch.ts";

const now = new Date("2026-11-21T17:00:42Z");

test("their names tell what they are for, and when they were made; no two are the same", () => {
  expect(scratchName("verify", now)).toMatch(/^rcdump_verify_1c8903c[0-9a-f]{5}$/);
  expect(scratchName("restore", now)).toMatch(/^rcdump_restore_1c8903c[0-9a-f]{5}$/);
  expect(new Set(Array.from({ length: 50 }, () => scratchName("verify", now))).size).toBeGreaterThan(48);
});

test("they are told from all others", () => {
  expect(isScratch(scratchName("verify", now))).toBe(true);
  expect(isScratch(scratchName("restore", now))).toBe(true);
  const others = [
    "rcdump_verify_",
    "rcdump_verify_1c8903c0000",
    "rcdump_verify_1c8903c00000_",
    "my_rcdump_verify_1c8903c00000",
    "rcdump_verify_1C8903C00000",
    "rcdump_backup_1c8903c00000",
  ];
  expect(others.filter(isScratch)).toEqual([]);
});
