import { expect, test } from "vitest";
import { formatAge, formatBytes, formatSeconds, formatTime } from "../../src/format.ts";

test.for<[bytes: number, text: string]>([
  [0, "0 B"],
  [1, "1 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1449, "1.4 kB"],
  [99_949, "99.9 kB"],
  [99_951, "100 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [38_000_000, "38.0 MB"],
  [5_000_000_000, "5.0 GB"],
  [2e15, "2.0 PB"],
  [5e18, "5000 PB"],
])("%d bytes are %s", ([bytes, text]) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.for<[seconds: number, text: string]>([
  [0, "0.0 s"],
  [0.44, "0.4 s"],
  [9.94, "9.9 s"],
  [9.96, "10 s"],
  [59.4, "59 s"],
  [59.6, "1:00"],
  [60, "1:00"],
  [185, "3:05"],
  [3599.6, "1:00:00"],
  [3750, "1:02:30"],
  [360_000, "100:00:00"],
])("%d seconds are %s", ([seconds, text]) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.for<[time: string, timeZone: string, text: string]>([
  ["2026-11-21T01:00:05.999Z", "UTC", "2026-11-21 01:00:05"],
  ["2026-11-21T00:00:00.000Z", "UTC", "2026-11-21 00:00:00"],
  ["2026-11-21T23:30:05.000Z", "Europe/Berlin", "2026-11-22 00:30:05"],
  ["2026-07-01T00:00:00.000Z", "Europe/Berlin", "2026-07-01 02:00:00"],
  ["2026-11-21T01:00:00.000Z", "America/St_Johns", "2026-11-20 21:30:00"],
  ["2026-12-31T12:00:00.000Z", "Pacific/Kiritimati", "2027-01-01 02:00:00"],
  // The hour that there is twice.
  ["2026-10-25T00:30:00.000Z", "Europe/Berlin", "2026-10-25 02:30:00"],
  ["2026-10-25T01:30:00.000Z", "Europe/Berlin", "2026-10-25 02:30:00"],
  ["1969-12-31T23:59:59.999Z", "UTC", "1969-12-31 23:59:59"],
])("%s in %s is %s", ([time, timeZone, text]) => {
  expect(formatTime(new Date(time), timeZone)).toBe(text);
});

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
const days = 24 * hours;

test.for<[milliseconds: number, text: string]>([
  [0, "0 s"],
  [999, "0 s"],
  [40 * seconds, "40 s"],
  [2 * minutes - 1, "119 s"],
  [2 * minutes, "2 min"],
  [2 * hours - 1, "119 min"],
  [2 * hours, "2 h"],
  [26 * hours, "26 h"],
  [2 * days - 1, "47 h"],
  [2 * days, "2 d"],
  [365 * days, "365 d"],
  [-40 * seconds, "in 40 s"],
  [-3 * days, "in 3 d"],
])("%d milliseconds ago is %s", ([milliseconds, text]) => {
  expect(formatAge(milliseconds)).toBe(text);
});
