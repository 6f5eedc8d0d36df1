import pino from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Meter } from "../../src/pipeline.ts";
import { type Activity, Progress } from "../../src/progress.ts";

const erase = "\r\u001b[2K";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** A screen, a log and a meter, all of which tell what happened to them. */
function setUp(screen: { isTTY: boolean; columns?: number }) {
  const written: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const amounts = { plain: 0, stored: 0 };
  const progress = new Progress({ ...screen, write: (text) => written.push(text) });
  const log = pino(
    { base: null },
    { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const meter = (total?: number): Meter => ({
    plain: () => amounts.plain,
    stored: () => amounts.stored,
    total,
  });
  return {
    progress,
    written,
    logged,
    amounts,
    track: (name: string, activity: Activity = "dumping", total?: number) =>
      progress.track(name, activity, meter(total), log),
  };
}

test("on a terminal there is one line, painted anew", () => {
  const { written, logged, amounts, track } = setUp({ isTTY: true });
  const stop = track("app");
  expect(written).toEqual([]);
  Object.assign(amounts, { plain: 2_000_000, stored: 500_000 });
  vi.advanceTimersByTime(200);
  amounts.plain = 4_000_000;
  vi.advanceTimersByTime(200);
  stop();
  expect(written).toEqual([
    "app  2.0 MB dumped, 500 kB stored, 10.0 MB/s, 0.2 s",
    erase,
    "app  4.0 MB dumped, 500 kB stored, 10.0 MB/s, 0.4 s",
    erase,
  ]);
  expect(logged).toEqual([]);
});

test("the line is cleared once before something else is written, and only if there is one", () => {
  const { progress, written, track } = setUp({ isTTY: true });
  progress.clear();
  track("app");
  progress.clear();
  expect(written).toEqual([]);
  vi.advanceTimersByTime(200);
  written.length = 0;
  progress.clear();
  progress.clear();
  expect(written).toEqual([erase]);
});

test.for([
  [30, 29],
  [undefined, 79],
  [0, 79],
] as const)("the line of a terminal of %s columns does not wrap", ([columns, length]) => {
  const { written, track } = setUp({ isTTY: true, ...(columns !== undefined && { columns }) });
  track("a".repeat(200));
  vi.advanceTimersByTime(200);
  expect(written[0]).toHaveLength(length);
});

test("dumps that go on together share the line until each has ended", () => {
  const { written, track } = setUp({ isTTY: true, columns: 200 });
  const stop = [track("app"), track("crm")];
  vi.advanceTimersByTime(200);
  stop[0]?.();
  vi.advanceTimersByTime(200);
  stop[1]?.();
  vi.advanceTimersByTime(2000);
  expect(written.filter((text) => text !== erase).map((text) => text.match(/app|crm/g))).toEqual([
    ["app", "crm"],
    ["crm"],
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

test("elsewhere a line is logged every ten seconds", () => {
  const { written, logged, amounts, track } = setUp({ isTTY: false });
  const stop = track("app");
  vi.advanceTimersByTime(9_999);
  expect(logged).toEqual([]);
  Object.assign(amounts, { plain: 300, stored: 100 });
  vi.advanceTimersByTime(1);
  stop();
  vi.advanceTimersByTime(30_000);
  expect(logged).toEqual([
    expect.objectContaining({
      msg: "dumping",
      database: "app",
      plainBytes: 300,
      storedBytes: 100,
      seconds: 10,
    }),
  ]);
  expect(written).toEqual([]);
});

const cells: [activity: Activity, amount: number, total: number | undefined, line: string][] = [
  ["reading", 0, 1000, "[--------------------] 0 %, 0 B read, 0 B/s, 0.2 s  x"],
  ["reading", 24, 1000, "[--------------------] 2 %, 24 B read, 120 B/s, 0.2 s  x"],
  ["reading", 500, 1000, "[##########----------] 50 %, 500 B read, 2.5 kB/s, 0.2 s  x"],
  ["reading", 999, 1000, "[####################] 99 %, 999 B read, 5.0 kB/s, 0.2 s  x"],
  ["reading", 1000, 1000, "[####################] 100 %, 1.0 kB read, 5.0 kB/s, 0.2 s  x"],
  // An object that is longer than its manifest says.
  ["reading", 3000, 1000, "[####################] 100 %, 3.0 kB read, 15.0 kB/s, 0.2 s  x"],
  ["restoring", 250, 1000, "[#####---------------] 25 %, 250 B restored, 1.3 kB/s, 0.2 s  x"],
  // Without a manifest, and an empty object.
  ["restoring", 250, undefined, "250 B restored, 1.3 kB/s, 0.2 s  x"],
  ["reading", 0, 0, "0 B read, 0 B/s, 0.2 s  x"],
];

test.for(cells)("%s %d of %s bytes", ([activity, amount, total, line]) => {
  const { written, amounts, track } = setUp({ isTTY: true, columns: 200 });
  Object.assign(
    amounts,
    activity === "reading" ? { plain: 7, stored: amount } : { plain: amount, stored: 7 },
  );
  const stop = track("x", activity, total);
  vi.advanceTimersByTime(200);
  stop();
  expect(written).toEqual([line, erase]);
});

test.for<Activity>(["reading", "restoring"])("elsewhere it is logged as %s", (activity) => {
  const { logged, track } = setUp({ isTTY: false });
  const stop = track("x", activity, 1000);
  vi.advanceTimersByTime(10_000);
  stop();
  expect(logged).toEqual([expect.objectContaining({ msg: activity, database: "x" })]);
});
