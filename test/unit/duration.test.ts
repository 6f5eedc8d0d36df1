import { describe, expect, test } from "vitest";
import { type Duration, formatDuration, parseDuration } from "../../src/duration.ts";

const none: Duration = { years: 0, months: 0, weeks: 0, days: 0, hours: 0, minutes: 0 };

describe("a duration", () => {
  test.for<[text: string, duration: Partial<Duration>]>([
    ["2y", { years: 2 }],
    ["6m", { months: 6 }],
    ["12w", { weeks: 12 }],
    ["30d", { days: 30 }],
    ["26h", { hours: 26 }],
    ["90min", { minutes: 90 }],
    ["1y6m", { years: 1, months: 6 }],
    ["2d12h", { days: 2, hours: 12 }],
    // m is months, min is minutes, side by side and alone.
    ["1m1min", { months: 1, minutes: 1 }],
    ["1y2m3w4d5h6min", { years: 1, months: 2, weeks: 3, days: 4, hours: 5, minutes: 6 }],
    ["9999y", { years: 9999 }],
    ["10000y", { years: 10_000 }],
    ["87660000h", { hours: 87_660_000 }],
  ])("%s is read, and written the same", ([text, duration]) => {
    expect(parseDuration(text)).toEqual({ ...none, ...duration });
    expect(formatDuration({ ...none, ...duration })).toBe(text);
  });

  test.for<[text: string, short: string]>([
    ["030d", "30d"],
    ["1y0m", "1y"],
    ["0y0m0w0d0h1min", "1min"],
  ])("%s is written as %s", ([text, short]) => {
    const duration = parseDuration(text);
    expect(duration && formatDuration(duration)).toBe(short);
  });

  test.for(
    [
      ["", " ", "0", "0d", "0y0m0w0d0h0min"],
      ["7", "d", "-7d", "+7d", "1.5d", "1,5d", "1e3d", "0x7d", "٣d", "Infinityd", "NaNd"],
      ["7 d", " 7d", "7d ", "7d\n", "7d,12h", "7d 12h", "P7D", "PT1H"],
      ["7s", "7days", "7M", "7D", "7minutes", "7mi", "7ms", "7dd"],
      ["6m1y", "12h2d", "1min1m", "1min1h", "1w1m"],
      ["1d1d", "1y1y", "1m1m"],
      ["10001y", "10000y1min", "87660001h", "99999999999999999999999h", `${"9".repeat(400)}min`],
    ].flat(),
  )("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test("of any length can be taken from today's date, and is a Date", () => {
    const now = Temporal.ZonedDateTime.from("2026-11-21T12:00[Europe/Berlin]");
    for (const text of ["10000y", "120000m", "521785w", "3652500d", "87660000h", "5259600000min"]) {
      const duration = parseDuration(text);
      expect(duration, text).toBeDefined();
      const date = new Date(now.subtract(duration ?? none).epochMilliseconds);
      expect(date.getUTCFullYear(), text).toBe(-7974);
    }
  });
});
