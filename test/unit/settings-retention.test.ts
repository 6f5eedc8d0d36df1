import { describe, expect, test } from "vitest";
import { type Config, parseConfig } from "../../src/config.ts";
import { BackupError } from "../../src/errors.ts";

type Variables = Record<string, string | undefined>;

function parse(variables: Variables): Config {
  return parseConfig({ BACKUP_ENGINE: "postgres", BACKUP_DATABASES: "app", ...variables }, () => "");
}

function problems(variables: Variables): string[] {
  try {
    parse(variables);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return error.message.split("\n  - ").slice(1);
  }
  return [];
}

const counts = ["KEEP_LAST", "KEEP_HOURLY", "KEEP_DAILY", "KEEP_WEEKLY", "KEEP_MONTHLY", "KEEP_YEARLY"];
const unset = Object.fromEntries([...counts, "KEEP_WITHIN"].map((name) => [name, ""]));

describe("which backups are kept", () => {
  test("is not said: then none is ever removed", () => {
    expect(parse({}).retention).toBeUndefined();
    expect(parse(unset).retention).toBeUndefined();
  });

  test("is said by each setting, and by no other", () => {
    expect(
      parse({
        KEEP_LAST: "1",
        KEEP_HOURLY: "2",
        KEEP_DAILY: "3",
        KEEP_WEEKLY: "4",
        KEEP_MONTHLY: "5",
        KEEP_YEARLY: "6",
      }).retention,
    ).toEqual({ last: 1, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: 6, within: undefined });
  });

  test("may be 0 for some, and that is not the same as not being said", () => {
    expect(parse({ KEEP_DAILY: "7", KEEP_WEEKLY: "0" }).retention).toMatchObject({
      daily: 7,
      weekly: 0,
      monthly: undefined,
    });
  });

  test.for<[text: string, within: object]>([
    ["30d", { years: 0, months: 0, weeks: 0, days: 30, hours: 0, minutes: 0 }],
    ["1y6m", { years: 1, months: 6, weeks: 0, days: 0, hours: 0, minutes: 0 }],
    ["26h", { years: 0, months: 0, weeks: 0, days: 0, hours: 26, minutes: 0 }],
  ])("may be those within %s", ([text, within]) => {
    expect(parse({ KEEP_WITHIN: text }).retention).toMatchObject({ last: undefined, within });
  });

  test("goes with 0 where a time keeps some", () => {
    expect(parse({ KEEP_LAST: "0", KEEP_WITHIN: "1d" }).retention).toMatchObject({ last: 0 });
  });
});

describe("is refused", () => {
  test.for(
    counts.flatMap((name) =>
      ["-1", "1.5", "seven", "1000001", "7d", "1e3", "0x7", "+7"].map((value) => [name, value] as const),
    ),
  )("%s=%s", ([name, value]) => {
    const listed = problems({ [name]: value });
    expect(listed).toHaveLength(1);
    expect(listed[0]).toMatch(new RegExp(`^${name} is .*; write a whole number`));
    expect(listed[0]).toContain(value);
  });

  test.for(["30", "d", "-1d", "1.5d", "0d", "1d1y", "forever", "99999y", "30 days"])(
    "KEEP_WITHIN=%s",
    (value) => {
      expect(problems({ KEEP_WITHIN: value })).toEqual([
        `KEEP_WITHIN is ${JSON.stringify(value)}; write a duration such as 30d, 12w, 6m, 1y or 26h`,
      ]);
    },
  );

  const allZero =
    "KEEP_* are all 0, which would keep the newest backup alone; write KEEP_LAST=1 if that is meant, or unset them to keep all";

  test.for<Variables>([
    { KEEP_LAST: "0" },
    { KEEP_DAILY: "0", KEEP_YEARLY: "0", KEEP_WITHIN: "" },
    Object.fromEntries(counts.map((name) => [name, "0"])),
  ])("nothing but 0: %j", (variables) => {
    expect(problems(variables)).toEqual([allZero]);
  });

  test.for<[name: string, meant: string]>([
    ["KEEP_DAYLY", "KEEP_DAILY"],
    ["KEEP_LATS", "KEEP_LAST"],
    ["KEEP_WEEKLYS", "KEEP_WEEKLY"],
    ["KEEP_MONTHY", "KEEP_MONTHLY"],
    ["KEEP_WITHN", "KEEP_WITHIN"],
    ["KEEP_DAYS", "KEEP_DAILY"],
    ["KEEP_MONTH", "KEEP_MONTHLY"],
  ])("the misspelt %s", ([name, meant]) => {
    expect(problems({ [name]: "7", KEEP_LAST: "1" })).toEqual([
      `${name} is no setting; did you mean ${meant}?`,
    ]);
  });

  test("for what is stored already as well, where prune goes by it", () => {
    expect(() => parseConfig({ BACKUP_ENGINE: "postgres", KEEP_LAST: "0" }, () => "", "stored")).toThrow(
      allZero,
    );
  });
});
