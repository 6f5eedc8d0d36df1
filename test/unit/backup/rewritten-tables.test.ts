import { describe, expect, test, vi } from "vitest";
import { BackupError } from "../../../src/errors.ts";
import type { Logger } from "../../../src/log.ts";
import { beginAgainIfRewritten } from "../../../src/backup/rewritten-tables.ts";

/** Makes a dump as which the tables were rewritten that each beginning of it tells. */
function make(...beginnings: readonly (readonly string[])[]) {
  const lines: string[] = [];
  const note =
    (level: string) =>
    (_fields: unknown, message: string): void =>
      void lines.push(`${level} ${message}`);
  const log = { info: note("info"), warn: note("warn") } as unknown as Logger;
  const dump = vi.fn(async (onRewritten: (tables: readonly string[]) => void) => {
    const tables = beginnings[dump.mock.calls.length - 1] ?? [];
    if (tables.length > 0) onRewritten(tables);
    return dump.mock.calls.length;
  });
  return { lines, dump, made: beginAgainIfRewritten(log, "shop", dump) };
}

describe("a dump", () => {
  test("is made once if nothing was rewritten", async () => {
    const { lines, made } = make();
    expect(await made).toBe(1);
    expect(lines).toEqual([]);
  });

  test("begins again for as long as tables are rewritten", async () => {
    const { lines, made } = make(["a"], ["a", "b"]);
    expect(await made).toBe(3);
    expect(lines).toEqual([
      "info shop: a was rewritten as the dump began, which begins again",
      "info shop: a, b were rewritten as the dump began, which begins again",
    ]);
  });

  test("is taken with a warning at the third time", async () => {
    const many = ["a", "b", "c", "d", "e", "f", "g"];
    const { lines, made } = make(many, many, many);
    expect(await made).toBe(3);
    expect(lines.slice(2)).toEqual([
      "warn shop: rows may be missing, for a, b, c, d, e and 2 more were rewritten each of the 3 times that the dump began",
    ]);
  });

  test("does not begin again if it fails for another reason", async () => {
    const failure = new BackupError("dump", "pg_dump failed");
    const dump = vi.fn(() => Promise.reject(failure));
    await expect(beginAgainIfRewritten({} as Logger, "shop", dump)).rejects.toBe(failure);
    expect(dump).toHaveBeenCalledTimes(1);
  });
});
