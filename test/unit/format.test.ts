import { expect, test } from "vitest";
import { formatBytes, formatSeconds } from "../../src/format.ts";

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
