import pino from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Progress } from "../../src/progress.ts";

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
  const meter = { plain: () => amounts.plain, stored: () => amounts.stored };
  return {
    progress,
    written,
    logged,
    amounts,
    track: (name: string) => progress.track(name, "dumping", meter, log),
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
