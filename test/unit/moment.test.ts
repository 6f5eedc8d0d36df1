import { describe, expect, test } from "vitest";
import { parseMoment } from "../../src/moment.ts";

const now = new Date("2026-11-21T12:34:56.789Z");

function moment(text: string, timeZone = "Europe/Berlin", at = now): string | undefined {
  return parseMoment(text, { now: at, timeZone })?.toISOString();
}

describe("with an offset: the zone makes no difference", () => {
  test.for<[text: string, expected: string]>([
    ["2026-11-21T02:00:00Z", "2026-11-21T02:00:00.000Z"],
    ["2026-11-21T02:00Z", "2026-11-21T02:00:00.000Z"],
    ["2026-11-21 02:00:00Z", "2026-11-21T02:00:00.000Z"],
    ["2026-11-21T02:00:00.5Z", "2026-11-21T02:00:00.500Z"],
    ["2026-11-21T02:00:00.123456789Z", "2026-11-21T02:00:00.123Z"],
    ["2026-11-21T02:00:00+01:00", "2026-11-21T01:00:00.000Z"],
    ["2026-11-21T02:00+0530", "2026-11-20T20:30:00.000Z"],
    ["2026-11-21T02:00-05", "2026-11-21T07:00:00.000Z"],
    ["2026-11-21T23:59:59.999-03:30", "2026-11-22T03:29:59.999Z"],
    ["2026-11-21T02:00-00:00", "2026-11-21T02:00:00.000Z"],
    ["1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"],
    // As default file names have it.
    ["2026-11-21T02-00-00Z", "2026-11-21T02:00:00.000Z"],
    ["2026-11-21T02-00Z", "2026-11-21T02:00:00.000Z"],
    ["2026-11-21T02-03-04.5Z", "2026-11-21T02:03:04.500Z"],
  ])("%s is %s", ([text, expected]) => {
    for (const zone of ["UTC", "Europe/Berlin", "Pacific/Kiritimati"])
      expect(moment(text, zone)).toBe(expected);
  });
});

describe("without an offset: in the zone", () => {
  test.for<[text: string, zone: string, expected: string]>([
    ["2026-11-21T02:00", "UTC", "2026-11-21T02:00:00.000Z"],
    ["2026-11-21T02:00", "Europe/Berlin", "2026-11-21T01:00:00.000Z"],
    ["2026-07-21T02:00", "Europe/Berlin", "2026-07-21T00:00:00.000Z"],
    ["2026-11-21 02:00:00", "America/New_York", "2026-11-21T07:00:00.000Z"],
    ["2026-11-21T02:00:00.25", "Asia/Kolkata", "2026-11-20T20:30:00.250Z"],
    ["2026-11-21T02-03-04", "Europe/Berlin", "2026-11-21T01:03:04.000Z"],
    // Hyphens all the way: 05 is seconds, not an offset.
    ["2026-11-21T02-00-05", "UTC", "2026-11-21T02:00:05.000Z"],
    // Skipped: moved on by as much. Repeated: the first.
    ["2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
    ["2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"],
    ["2026-03-08 02:30", "America/New_York", "2026-03-08T07:30:00.000Z"],
    ["2026-11-01 01:30", "America/New_York", "2026-11-01T05:30:00.000Z"],
    ["2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45:00.000Z"],
    ["2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00.000Z"],
  ])("%s in %s is %s", ([text, zone, expected]) => {
    expect(moment(text, zone)).toBe(expected);
  });
});

describe("a date is its first instant", () => {
  test.for<[text: string, zone: string, expected: string]>([
    ["2026-11-21", "UTC", "2026-11-21T00:00:00.000Z"],
    ["2026-11-21", "Europe/Berlin", "2026-11-20T23:00:00.000Z"],
    ["2026-11-21", "America/New_York", "2026-11-21T05:00:00.000Z"],
    ["2024-02-29", "UTC", "2024-02-29T00:00:00.000Z"],
    // The clocks go forward at midnight: the day begins at one.
    ["2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00.000Z"],
    // Samoa had no such day: the next one's first.
    ["2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00.000Z"],
  ])("%s in %s is %s", ([text, zone, expected]) => {
    expect(moment(text, zone)).toBe(expected);
  });
});

describe("a duration is that long before now", () => {
  test.for<[text: string, expected: string]>([
    ["2h", "2026-11-21T10:34:56.789Z"],
    ["90min", "2026-11-21T11:04:56.789Z"],
    ["7d", "2026-11-14T12:34:56.789Z"],
    // Across the end of daylight saving: the same time of day by the calendar, exact hours.
    ["30d", "2026-10-22T11:34:56.789Z"],
    ["720h", "2026-10-22T12:34:56.789Z"],
    ["4w2d", "2026-10-22T11:34:56.789Z"],
    ["1y6m", "2025-05-21T11:34:56.789Z"],
  ])("%s is %s", ([text, expected]) => {
    expect(moment(text)).toBe(expected);
  });

  test.for<[at: string, text: string, expected: string]>([
    ["2026-03-31T12:00:00Z", "1m", "2026-02-28T12:00:00.000Z"],
    ["2024-02-29T12:00:00Z", "1y", "2023-02-28T12:00:00.000Z"],
    ["2026-11-21T12:00:00Z", "10000y", "-007974-11-21T12:00:00.000Z"],
  ])("%s less %s is %s", ([at, text, expected]) => {
    expect(moment(text, "UTC", new Date(at))).toBe(expected);
  });
});

test.for(
  [
    ["", " ", "now", "yesterday", "latest", "0d", "-7d", "7", "2026", "2026-11", "1795226400"],
    // Dates and times that there are not.
    ["2026-02-30", "2025-02-29", "2026-13-01", "2026-00-01", "2026-11-00", "2026-04-31T12:00Z"],
    [
      "2026-11-21T24:00",
      "2026-11-21T25:00Z",
      "2026-11-21T12:60",
      "2026-11-21T12:00:60Z",
      "2026-11-21T24-00Z",
    ],
    ["2026-11-21T02:00+25:00", "2026-11-21T02:00+01:60"],
    // Not as dates are written.
    ["2026-1-2", "26-11-21", "21.11.2026", "11/21/2026", "20261121", "20261121T020000Z", "+002026-11-21"],
    [
      " 2026-11-21",
      "2026-11-21 ",
      "2026-11-21\n",
      "2026-11-21Z",
      "2026-11-21+01:00",
      "2026-11-21T",
      "2026-11-21T02",
    ],
    ["2026-11-21t02:00z", "2026-11-21T02:00z", "2026-11-21T02:00 Z", "2026-11-21  02:00", "2026-11-21T2:00"],
    ["2026-11-21T02:00:00.", "2026-11-21T02:00.5Z", "2026-11-21T02:00:00.1234567890Z"],
    ["2026-11-21T02:00-00Z", "2026-11-21T02-00:00Z", "2026-11-21T02:00:00Z[Europe/Berlin]"],
    // The sign of an offset is lost in a file name.
    ["2026-11-21T02-00-00-0100", "2026-11-21T02-00-00+01:00"],
  ].flat(),
)("%j is none", (text) => {
  expect(moment(text)).toBeUndefined();
});
