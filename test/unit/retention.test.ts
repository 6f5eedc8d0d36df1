import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Duration, parseDuration } from "../../src/duration.ts";
import { applyRetention, type Dated, type RetentionPolicy, type Verdict } from "../../src/retention.ts";

function duration(text: string): Duration {
  const parsed = parseDuration(text);
  if (parsed) return parsed;
  throw new Error(`${text} is no duration`);
}

/** A policy as the names of the golden cases have it, such as `daily-7_within-30d`; `nothing` for none. */
function policyOf(text: string): RetentionPolicy {
  if (text === "nothing") return {};
  const rules = text.split("_").map((rule) => {
    const [name = "", value = ""] = rule.split("-");
    return [name, name === "within" ? duration(value) : Number(value)];
  });
  return Object.fromEntries(rules);
}

/** A backup with its date for a name, and a letter after that to tell it from others of the same second. */
function dated(path: string): Dated {
  return { path, startedAt: new Date(path.split(" ")[0] ?? "") };
}

function render(verdicts: readonly Verdict<Dated>[]): string[] {
  return verdicts.map(
    ({ backup, keep, reasons }) =>
      `${keep ? "keep  " : "remove"}  ${backup.path.padEnd(22)}  ${reasons.join(", ")}`,
  );
}

/**
 * What each policy makes of retention/history.txt. The golden files do not come from this program: the rules, written once more
 * in another language, made them, and they were read by eye. Nothing here writes them, no switch either: they are changed by
 * hand, by the difference that the failing test shows.
 */
describe("golden", () => {
  const folder = `${import.meta.dirname}/retention`;
  const history = readFileSync(`${folder}/history.txt`, "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map(dated);

  interface Case {
    readonly policy: string;
    readonly timeZone?: string;
    readonly now?: string;
    readonly protectedPaths?: readonly string[];
  }
  const cases: Record<string, Case> = Object.fromEntries(
    [
      ["nothing", "last-0_hourly-0_daily-0_weekly-0_monthly-0_yearly-0"],
      ["last-1", "last-2", "last-10", "last-12", "last-1000"],
      ["hourly-1", "hourly-4", "hourly-30", "hourly-1000"],
      ["daily-1", "daily-3", "daily-10", "daily-30", "daily-1000"],
      ["weekly-1", "weekly-2", "weekly-10", "weekly-1000"],
      ["monthly-1", "monthly-6", "monthly-1000"],
      ["yearly-1", "yearly-3", "yearly-10"],
      [
        "within-1min",
        "within-3h",
        "within-1d",
        "within-1w",
        "within-1m",
        "within-1y",
        "within-2y1m1w",
        "within-60y",
      ],
      ["daily-7_weekly-4_monthly-12_yearly-5", "hourly-24_daily-7_weekly-4_monthly-6", "last-3_daily-3"],
      [
        "last-1_within-2d",
        "weekly-3_yearly-2",
        "last-2_hourly-2_daily-2_weekly-2_monthly-2_yearly-2_within-1d",
      ],
    ]
      .flat()
      .map((policy): [string, Case] => [policy, { policy }]),
  );
  Object.assign(cases, {
    "zone_berlin_hourly-1000": { policy: "hourly-1000", timeZone: "Europe/Berlin" },
    "zone_berlin_daily-1000": { policy: "daily-1000", timeZone: "Europe/Berlin" },
    "zone_berlin_weekly-1000_yearly-1000": { policy: "weekly-1000_yearly-1000", timeZone: "Europe/Berlin" },
    "zone_new-york_hourly-30_daily-30": { policy: "hourly-30_daily-30", timeZone: "America/New_York" },
    "zone_kiritimati_daily-5_monthly-5": { policy: "daily-5_monthly-5", timeZone: "Pacific/Kiritimati" },
    "zone_lord-howe_hourly-9_daily-9": { policy: "hourly-9_daily-9", timeZone: "Australia/Lord_Howe" },
    "just-made": { policy: "last-1", protectedPaths: ["2027-01-10T10:00:00Z", "2027-01-09T03:00:00Z b"] },
    "now_of-2026-10-25": { policy: "last-2_daily-2", now: "2026-10-25T00:00:00Z" },
    "now_before-all": { policy: "last-1", now: "1969-12-31T12:00:00Z" },
    "now_years-after": { policy: "within-1d", now: "2150-01-01T00:00:00Z" },
  } satisfies Record<string, Case>);

  test.for(Object.entries(cases))("%s", ([name, { policy, timeZone = "UTC", ...others }]) => {
    const { now = "2027-01-10T12:00:00Z", protectedPaths = [] } = others;
    const verdicts = applyRetention(history, policyOf(policy), {
      now: new Date(now),
      timeZone,
      protectedPaths: new Set(protectedPaths),
    });
    const actual = `${render(verdicts).join("\n")}\n`;
    expect(actual).toBe(readFileSync(`${folder}/${name}.golden`, "utf8"));
  });

  test("every golden file has a case", () => {
    const files = readdirSync(folder).filter((file) => file !== "history.txt");
    expect(files.toSorted()).toEqual(
      Object.keys(cases)
        .map((name) => `${name}.golden`)
        .toSorted(),
    );
  });
});

/** The backups that are kept, with the reasons. */
function kept(
  paths: readonly string[],
  policy: string,
  { timeZone = "UTC", now = "2100-01-01T00:00:00Z" } = {},
): Record<string, string> {
  const verdicts = applyRetention(paths.map(dated), policyOf(policy), { now: new Date(now), timeZone });
  return Object.fromEntries(
    verdicts.filter(({ keep }) => keep).map(({ backup, reasons }) => [backup.path, reasons.join(", ")]),
  );
}

describe("hours and days when clocks change", () => {
  test("Berlin: the hour that comes twice is two", () => {
    // 02:00, 02:30 in summer time, 02:00, 02:30, 03:00 in winter time.
    const night = ["00:00", "00:30", "01:00", "01:30", "02:00"].map((time) => `2026-10-25T${time}:00Z`);
    expect(kept(night, "hourly-9", { timeZone: "Europe/Berlin" })).toEqual({
      "2026-10-25T02:00:00Z": "newest, hourly 1",
      "2026-10-25T01:30:00Z": "hourly 2",
      "2026-10-25T00:30:00Z": "hourly 3",
    });
  });

  test("Berlin: the hour that is skipped does not count", () => {
    // 01:00, 01:30, 03:00, 03:30.
    const night = ["00:00", "00:30", "01:00", "01:30"].map((time) => `2026-03-29T${time}:00Z`);
    expect(kept(night, "hourly-2", { timeZone: "Europe/Berlin" })).toEqual({
      "2026-03-29T01:30:00Z": "newest, hourly 1",
      "2026-03-29T00:30:00Z": "hourly 2",
    });
  });

  test.for<[zone: string, first: string, last: string]>([
    ["Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"],
    ["Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"],
    ["America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z"],
    ["America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59Z"],
    ["Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-05T13:29:59Z"],
    ["Australia/Lord_Howe", "2026-10-03T13:30:00Z", "2026-10-04T12:59:59Z"],
  ])("%s: a day lasts from %s to %s", ([timeZone, first, last]) => {
    const before = new Date(Date.parse(first) - 1000).toISOString();
    const after = new Date(Date.parse(last) + 1000).toISOString();
    expect(kept([before, first, last, after], "daily-9", { timeZone })).toEqual({
      [after]: "newest, daily 1",
      [last]: "daily 2",
      [before]: "daily 3",
    });
  });

  test("New York: the hour that comes twice is two", () => {
    // 01:15, 01:45 in summer time, 01:15, 01:45 in winter time.
    const night = ["05:15", "05:45", "06:15", "06:45"].map((time) => `2026-11-01T${time}:00Z`);
    expect(kept(night, "hourly-9", { timeZone: "America/New_York" })).toEqual({
      "2026-11-01T06:45:00Z": "newest, hourly 1",
      "2026-11-01T05:45:00Z": "hourly 2",
    });
  });

  test("Lord Howe: the half hour that comes twice, and the one that is skipped", () => {
    const timeZone = "Australia/Lord_Howe";
    // 01:15, 01:45 in summer time, 01:30, 01:45, 02:00 in winter time.
    const autumn = ["14:15", "14:45", "15:00", "15:15", "15:30"].map((time) => `2026-04-04T${time}:00Z`);
    expect(kept(autumn, "hourly-9", { timeZone })).toEqual({
      "2026-04-04T15:30:00Z": "newest, hourly 1",
      "2026-04-04T15:15:00Z": "hourly 2",
      "2026-04-04T14:45:00Z": "hourly 3",
    });
    // 01:45, 02:30, 02:59, 03:00.
    const spring = ["15:15", "15:30", "15:59", "16:00"].map((time) => `2026-10-03T${time}:00Z`);
    expect(kept(spring, "hourly-9", { timeZone })).toEqual({
      "2026-10-03T16:00:00Z": "newest, hourly 1",
      "2026-10-03T15:59:00Z": "hourly 2",
      "2026-10-03T15:15:00Z": "hourly 3",
    });
  });

  test("St. John's of 2010: a day in two pieces is one", () => {
    // The 5th; the 7th at 00:00:30, half a minute before the clocks go back to 23:01; the 6th at 23:30; the 7th at 00:30.
    const paths = [
      "2010-11-05T12:00:00Z",
      "2010-11-07T02:30:30Z",
      "2010-11-07T03:00:00Z",
      "2010-11-07T04:00:00Z",
    ];
    expect(kept(paths, "daily-9", { timeZone: "America/St_Johns" })).toEqual({
      "2010-11-07T04:00:00Z": "newest, daily 1",
      "2010-11-07T03:00:00Z": "daily 2",
      "2010-11-05T12:00:00Z": "daily 3",
    });
  });
});

describe("the turn of the year", () => {
  test("ISO weeks: 2020-W53 lasts to Sunday, the 3rd of January", () => {
    // Sunday of W52, Monday and Thursday of W53, Friday and Sunday, Monday of 2021-W01.
    const paths = ["2020-12-27", "2020-12-28", "2020-12-31", "2021-01-01", "2021-01-03", "2021-01-04"];
    expect(kept(paths, "weekly-9_yearly-9")).toEqual({
      "2021-01-04": "newest, weekly 1, yearly 1",
      "2021-01-03": "weekly 2",
      "2020-12-31": "yearly 2",
      "2020-12-27": "weekly 3",
    });
  });

  test("ISO weeks: 2026 has 53, of which the first begins in 2025", () => {
    const paths = [
      "2025-12-28",
      "2025-12-29",
      "2026-01-04",
      "2026-01-05",
      "2026-12-27",
      "2026-12-28",
      "2027-01-03",
    ];
    expect(kept(paths, "weekly-9")).toEqual({
      "2027-01-03": "newest, weekly 1",
      "2026-12-27": "weekly 2",
      "2026-01-05": "weekly 3",
      "2026-01-04": "weekly 4",
      "2025-12-28": "weekly 5",
    });
  });

  test("the first week of 2025 and of 2026 are not one", () => {
    expect(kept(["2024-12-30", "2025-12-29"], "weekly-9")).toEqual({
      "2025-12-29": "newest, weekly 1",
      "2024-12-30": "weekly 2",
    });
  });

  test("is where the zone has it", () => {
    const paths = ["2026-12-31T22:30:00Z", "2026-12-31T23:30:00Z"];
    expect(kept(paths, "yearly-9", { timeZone: "Europe/Berlin" })).toEqual({
      "2026-12-31T23:30:00Z": "newest, yearly 1",
      "2026-12-31T22:30:00Z": "yearly 2",
    });
    expect(Object.keys(kept(paths, "yearly-9"))).toEqual(["2026-12-31T23:30:00Z"]);
  });
});

describe("within", () => {
  test.for<[newest: string, within: string, zone: string, oldest: string]>([
    ["2024-02-29T12:00:00Z", "1y", "UTC", "2023-02-28T12:00:00Z"],
    ["2025-02-28T12:00:00Z", "1y", "UTC", "2024-02-28T12:00:00Z"],
    ["2028-02-29T12:00:00Z", "4y", "UTC", "2024-02-29T12:00:00Z"],
    ["2026-03-31T12:00:00Z", "1m", "UTC", "2026-02-28T12:00:00Z"],
    ["2026-02-28T12:00:00Z", "1m", "UTC", "2026-01-28T12:00:00Z"],
    ["2026-05-31T12:00:00Z", "1m", "UTC", "2026-04-30T12:00:00Z"],
    ["2027-01-31T00:00:00Z", "1y2m", "UTC", "2025-11-30T00:00:00Z"],
    ["2026-11-21T02:00:00Z", "2w", "UTC", "2026-11-07T02:00:00Z"],
    ["2026-11-21T02:00:00Z", "90min", "UTC", "2026-11-21T00:30:00Z"],
    // A day of the calendar has 25 hours when clocks go back, 23 when they go forward; 24 hours are 24 hours.
    ["2026-10-25T11:00:00Z", "1d", "Europe/Berlin", "2026-10-24T10:00:00Z"],
    ["2026-10-25T11:00:00Z", "24h", "Europe/Berlin", "2026-10-24T11:00:00Z"],
    ["2026-03-29T10:00:00Z", "1d", "Europe/Berlin", "2026-03-28T11:00:00Z"],
    ["2026-03-29T10:00:00Z", "24h", "Europe/Berlin", "2026-03-28T10:00:00Z"],
    ["2026-11-01T17:00:00Z", "1d12h", "America/New_York", "2026-10-31T04:00:00Z"],
    ["2026-04-05T01:30:00Z", "1d", "Australia/Lord_Howe", "2026-04-04T01:00:00Z"],
  ])("of %s, %s in %s reaches back to %s", ([newest, within, timeZone, oldest]) => {
    const tooOld = new Date(Date.parse(oldest) - 1).toISOString();
    expect(kept([tooOld, oldest, newest], `within-${within}`, { timeZone })).toEqual({
      [newest]: `newest, within ${within}`,
      [oldest]: `within ${within}`,
    });
  });

  test("is reckoned from the newest, not from now", () => {
    const paths = ["2026-01-01", "2026-01-02", "2026-01-03"];
    expect(Object.keys(kept(paths, "within-1d", { now: "2050-01-01" }))).toEqual([
      "2026-01-03",
      "2026-01-02",
    ]);
  });
});

describe("dates in the future", () => {
  const now = "2026-11-21T12:00:00Z";

  test("stay, and do not count", () => {
    const paths = ["2026-11-19", "2026-11-20", "2026-11-21", "2099-01-01", "2098-01-01"];
    for (const rule of ["last-1", "hourly-1", "daily-1", "weekly-1", "monthly-1", "yearly-1", "within-1h"])
      expect(kept(paths, rule, { now })).toEqual({
        "2099-01-01": "dated in the future",
        "2098-01-01": "dated in the future",
        "2026-11-21": `newest, ${rule.replace("-", " ")}`,
      });
  });

  test("begin more than an hour after now", () => {
    expect(kept(["2026-11-21T13:00:00.000Z"], "nothing", { now })).toEqual({
      "2026-11-21T13:00:00.000Z": "newest",
    });
    expect(kept(["2026-11-21T13:00:00.001Z"], "nothing", { now })).toEqual({
      "2026-11-21T13:00:00.001Z": "dated in the future",
    });
  });

  test("all stay if there are no others", () => {
    const paths = ["2030-01-01", "2030-01-02", "2030-01-03"];
    expect(Object.keys(kept(paths, "last-1", { now }))).toEqual(paths.toReversed());
  });
});

describe("edges", () => {
  test("nothing to judge", () => {
    expect(kept([], "last-3_within-1d")).toEqual({});
  });

  test.for(["nothing", "last-0", "daily-0_yearly-0"])("%s keeps the newest", (policy) => {
    expect(kept(["2026-11-19", "2026-11-20"], policy)).toEqual({ "2026-11-20": "newest" });
  });

  test("periods without a backup do not count", () => {
    expect(kept(["2019-05-05", "2023-05-05", "2023-05-06", "2026-11-21"], "daily-3_yearly-3")).toEqual({
      "2026-11-21": "newest, daily 1, yearly 1",
      "2023-05-06": "daily 2, yearly 2",
      "2023-05-05": "daily 3",
      "2019-05-05": "yearly 3",
    });
  });

  test("several of the same second: descending by path", () => {
    const paths = ["2026-11-21 b", "2026-11-21 c", "2026-11-21 B", "2026-11-21 a"];
    const verdicts = applyRetention(
      paths.map(dated),
      { last: 2, daily: 1 },
      { now: new Date("2027-01-01"), timeZone: "UTC" },
    );
    expect(render(verdicts).map((line) => line.replaceAll(/ +/g, " "))).toEqual([
      "keep 2026-11-21 c newest, last 1, daily 1",
      "keep 2026-11-21 b last 2",
      "remove 2026-11-21 a no rule keeps it",
      "remove 2026-11-21 B no rule keeps it",
    ]);
  });

  test("what was just made stays, whatever its date is", () => {
    const paths = ["2026-11-19", "2026-11-20", "2026-11-21", "2099-01-01"];
    const verdicts = applyRetention(
      paths.map(dated),
      { last: 1 },
      {
        now: new Date("2026-11-21T12:00:00Z"),
        timeZone: "UTC",
        protectedPaths: new Set(["2026-11-19", "2026-11-21", "2099-01-01", "elsewhere"]),
      },
    );
    expect(verdicts.map(({ keep, reasons }) => [keep, ...reasons])).toEqual([
      [true, "dated in the future", "just made"],
      [true, "newest", "last 1", "just made"],
      [false, "no rule keeps it"],
      [true, "just made"],
    ]);
  });

  test("an invalid date is an error, not a reason to remove anything", () => {
    expect(() => kept(["2026-11-20", "no date", "2026-11-21"], "last-1")).toThrow(RangeError);
  });

  test("the backups given are not reordered, and come back as they are", () => {
    const given = Object.freeze(["2026-11-20", "2026-11-21"].map((path) => ({ ...dated(path), bytes: 7 })));
    const verdicts = applyRetention(given, {}, { now: new Date("2027-01-01"), timeZone: "UTC" });
    expect(verdicts.map(({ backup }) => backup)).toStrictEqual(given.toReversed());
    expect(verdicts[0]?.backup).toBe(given[1]);
  });
});

/** What Intl, not Temporal, makes of an instant: the names of its periods. */
function periodsByIntl(timeZone: string): (date: Date) => Record<string, string> {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    timeZoneName: "longOffset",
  });
  return (date) => {
    const part = Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
    const [year, month, day] = [part["year"], part["month"], part["day"]].map(Number);
    const daily = `${year}-${month}-${day}`;
    // A week is of the year that its Thursday is of; so the Thursday names it.
    const thursday = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day));
    thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7));
    return {
      hourly: `${daily} ${part["hour"]} ${part["timeZoneName"]}`,
      daily,
      weekly: thursday.toISOString(),
      monthly: `${year}-${month}`,
      yearly: `${year}`,
    };
  };
}

/** What the counting rules keep, by another way: oldest first, a period's later backup takes the place of its earlier one. */
function keptByIntl(backups: readonly Dated[], policy: RetentionPolicy, timeZone: string): Set<string> {
  const oldestFirst = backups.toSorted(
    (a, b) => a.startedAt.getTime() - b.startedAt.getTime() || (a.path < b.path ? -1 : 1),
  );
  const periodsOf = periodsByIntl(timeZone);
  const dates = oldestFirst.map(({ path, startedAt }) => ({ path, periods: periodsOf(startedAt) }));
  const result = new Set(oldestFirst.slice(-Math.max(1, policy.last ?? 0)).map(({ path }) => path));
  for (const rule of ["hourly", "daily", "weekly", "monthly", "yearly"] as const) {
    const newest = new Map<string | undefined, { path: string; index: number }>();
    for (const [index, { path, periods }] of dates.entries()) newest.set(periods[rule], { path, index });
    const latest = [...newest.values()].toSorted((a, b) => b.index - a.index).slice(0, policy[rule] ?? 0);
    for (const { path } of latest) result.add(path);
  }
  return result;
}

test.for(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])(
  "three years of hourly backups in %s",
  (timeZone) => {
    const now = new Date("2027-01-02T10:05:00Z");
    const backups = Array.from({ length: 26_280 }, (_, hours) =>
      dated(new Date(now.getTime() - hours * 3_600_000).toISOString()),
    );
    const policy = { last: 5, hourly: 2_000, daily: 400, weekly: 120, monthly: 30, yearly: 9 };
    const verdicts = applyRetention(backups, policy, { now, timeZone });
    const paths = verdicts.filter(({ keep }) => keep).map(({ backup }) => backup.path);
    expect(new Set(paths)).toEqual(keptByIntl(backups, policy, timeZone));
    // By hand: 2024 to 2027 are four years, three of them end within the span, and now is the newest of the fourth.
    expect(
      verdicts.filter(({ reasons }) => reasons.some((reason) => reason.startsWith("yearly"))),
    ).toHaveLength(4);
    expect(
      verdicts.filter(({ reasons }) => reasons.some((reason) => reason.startsWith("daily"))),
    ).toHaveLength(400);
  },
);

/** Random numbers that are the same each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

describe("of 400 random histories and policies", () => {
  const rules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
  const lengths = ["90min", "36h", "1d", "10d", "3w", "1m", "1m1d", "1y", "3y6m"];
  const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"];

  const samples = Array.from({ length: 400 }, (_, seed) => {
    const below = random(seed);
    const now = new Date(Date.UTC(2020 + below(10), below(12), 1 + below(28), below(24), below(60)));
    // From minutes to months between backups, a few of the same second, a few in the future.
    const scale = [60, 600, 3_600, 40_000, 86_400, 1_000_000, 9_000_000][below(7)] ?? 0;
    let seconds = now.getTime() / 1000 + (below(4) === 0 ? below(20 * scale) : 0);
    const backups = Array.from({ length: below(60) }, (_, index) => {
      seconds -= below(5) === 0 ? 0 : below(2 * scale);
      return { path: `backup-${(index * 7) % 60}`, startedAt: new Date(seconds * 1000) };
    });
    const policy: RetentionPolicy = {
      ...Object.fromEntries(rules.map((rule) => [rule, below(2) === 0 ? below(25) : undefined])),
      within: below(2) === 0 ? duration(lengths[below(lengths.length)] ?? "") : undefined,
    };
    const timeZone = zones[below(zones.length)] ?? "UTC";
    const shuffled = backups
      .map((backup) => ({ backup, place: below(1e9) }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ backup }) => backup);
    return { seed, below, now, backups, shuffled, policy, timeZone };
  });

  function removedPaths(verdicts: readonly Verdict<Dated>[]): string[] {
    return verdicts.filter(({ keep }) => !keep).map(({ backup }) => backup.path);
  }

  test("some remove much, some little: the samples are worth something", () => {
    const shares = samples
      .filter(({ backups }) => backups.length > 5)
      .map(({ backups, policy, ...options }) => {
        return removedPaths(applyRetention(backups, policy, options)).length / backups.length;
      });
    expect(shares.filter((share) => share > 0.5).length).toBeGreaterThan(50);
    expect(shares.filter((share) => share > 0 && share < 0.5).length).toBeGreaterThan(50);
  });

  test.for<[law: string, check: (sample: (typeof samples)[number]) => void]>([
    [
      "the newest stays, and so does every date in the future",
      ({ backups, policy, now, timeZone }) => {
        const verdicts = applyRetention(backups, policy, { now, timeZone });
        const past = verdicts.filter(({ backup }) => backup.startedAt.getTime() <= now.getTime() + 3_600_000);
        const instants = past.map(({ backup }) => backup.startedAt.getTime());
        if (past.length > 0) expect(instants[0]).toBe(Math.max(...instants));
        if (past.length > 0) expect(past[0]).toMatchObject({ keep: true });
        expect(verdicts.filter((verdict) => !past.includes(verdict)).every(({ keep }) => keep)).toBe(true);
      },
    ],
    [
      "each backup gets one verdict, with a reason, newest first",
      ({ shuffled, policy, now, timeZone }) => {
        const verdicts = applyRetention(shuffled, policy, { now, timeZone });
        const judged = verdicts.map(({ backup }) => backup);
        expect(judged).toHaveLength(shuffled.length);
        expect(new Set(judged)).toEqual(new Set(shuffled));
        const instants = judged.map(({ startedAt }) => startedAt.getTime());
        expect(instants).toEqual(instants.toSorted((a, b) => b - a));
        for (const { keep, reasons } of verdicts) {
          expect(reasons.length).toBeGreaterThan(0);
          expect(reasons.includes("no rule keeps it")).toBe(!keep);
        }
      },
    ],
    [
      "their order makes no difference",
      ({ backups, shuffled, policy, now, timeZone }) => {
        expect(applyRetention(shuffled, policy, { now, timeZone })).toEqual(
          applyRetention(backups, policy, { now, timeZone }),
        );
      },
    ],
    [
      "one more rule, or a larger number, removes no more",
      ({ backups, policy, below, now, timeZone }) => {
        const before = new Set(removedPaths(applyRetention(backups, policy, { now, timeZone })));
        for (const rule of rules) {
          const more = { ...policy, [rule]: (policy[rule] ?? 0) + 1 + below(5) };
          const after = removedPaths(applyRetention(backups, more, { now, timeZone }));
          expect(after.filter((path) => !before.has(path))).toEqual([]);
        }
        const more = { ...policy, within: policy.within ?? duration("20d") };
        const after = removedPaths(applyRetention(backups, more, { now, timeZone }));
        expect(after.filter((path) => !before.has(path))).toEqual([]);
      },
    ],
    [
      "of those that a listing shows it removes no more for those that it does not show",
      ({ backups, policy, below, now, timeZone }) => {
        const all = new Set(removedPaths(applyRetention(backups, policy, { now, timeZone })));
        const shown = backups.filter(() => below(3) > 0);
        const removed = removedPaths(applyRetention(shown, policy, { now, timeZone }));
        expect(removed.filter((path) => !all.has(path))).toEqual([]);
      },
    ],
    [
      "applied again to what is left it removes nothing",
      ({ backups, policy, now, timeZone }) => {
        const verdicts = applyRetention(backups, policy, { now, timeZone });
        const left = verdicts.filter(({ keep }) => keep);
        const again = applyRetention(
          left.map(({ backup }) => backup),
          policy,
          { now, timeZone },
        );
        expect(removedPaths(again)).toEqual([]);
        // And for the same reasons.
        expect(again).toEqual(left);
      },
    ],
    [
      "the counting rules keep what they keep by another way",
      ({ backups, policy, now, timeZone }) => {
        const past = backups.filter(({ startedAt }) => startedAt.getTime() <= now.getTime() + 3_600_000);
        const counting = { ...policy, within: undefined };
        const verdicts = applyRetention(past, counting, { now, timeZone });
        const paths = verdicts.filter(({ keep }) => keep).map(({ backup }) => backup.path);
        expect(new Set(paths)).toEqual(past.length === 0 ? new Set() : keptByIntl(past, counting, timeZone));
      },
    ],
  ])("%s", ([, check]) => {
    for (const sample of samples)
      try {
        check(sample);
      } catch (error) {
        throw new Error(`seed ${sample.seed}`, { cause: error });
      }
  });
});
