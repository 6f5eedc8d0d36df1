import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { expandFileName, hasPlaceholder, patternProblems, readFileName } from "../../src/file-name.ts";

const at = new Date("2027-01-03T23:08:09.007Z");

function expand(pattern: string, options: Partial<Parameters<typeof expandFileName>[1]> = {}): string {
  return expandFileName(pattern, {
    database: "app",
    startedAt: at,
    timeZone: "UTC",
    suffix: ".sql.gz",
    ...options,
  });
}

describe("dates", () => {
  const letters = "aAbBCdDeFgGhHIjklmMpPrRsSTuUVwWyYz".split("");
  const zones = ["UTC", "Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Pacific/Kiritimati"];
  const days = [
    "2027-01-03T23:08:09Z",
    "2026-12-31T12:00:00Z",
    "2024-02-29T00:00:00Z",
    "2026-07-05T01:02:03Z",
  ];

  test.for(zones)("are what date(1) makes of them in %s", async (timeZone) => {
    for (const day of days) {
      // One letter a line for date, one segment a letter here; both then lose what is no part of a file name.
      const { stdout } = await execa(
        "date",
        ["-d", day, `+${letters.map((letter) => `%${letter}`).join("|")}`],
        {
          env: { TZ: timeZone, LC_ALL: "C" },
        },
      );
      const expected = stdout.split("|").map((value) => value.replaceAll(/[^A-Za-z0-9_\-/.]/g, "-"));
      const values = letters.map((letter) =>
        expand(`%${letter}`, { startedAt: new Date(day), timeZone, suffix: "" }),
      );
      expect(Object.fromEntries(letters.map((letter, index) => [letter, values[index]]))).toEqual(
        Object.fromEntries(letters.map((letter, index) => [letter, expected[index]])),
      );
    }
  });

  test.for([
    "UTC",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Europe/Berlin",
    "Australia/Sydney",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Asia/Kathmandu",
  ])("%%Z, %%c and %%X are what date(1) makes of them in %s", async (timeZone) => {
    const pattern = "%Z/%c/%X";
    for (const startedAt of [new Date("2026-01-02T00:00:00Z"), new Date("2026-07-12T18:30:05Z")]) {
      const env = { TZ: timeZone, LC_ALL: "C" };
      const { stdout } = await execa("date", ["-d", startedAt.toISOString(), `+${pattern}`], { env });
      expect(expand(pattern, { suffix: "", timeZone, startedAt })).toBe(stdout.replaceAll(/[ :+]/g, "-"));
    }
  });

  const numbers = "CdgGHIjmMSUVWyY".split("");

  test.for(["-", "_", "0"])("with the flag %s are what date(1) makes of them", async (mark) => {
    const { stdout } = await execa(
      "date",
      ["-d", at.toISOString(), `+${numbers.map((letter) => `%${mark}${letter}`).join("|")}`],
      {
        env: { TZ: "UTC", LC_ALL: "C" },
      },
    );
    const values = numbers.map((letter) => expand(`%${mark}${letter}`, { suffix: "" }));
    expect(values).toEqual(stdout.replaceAll(" ", "-").split("|"));
  });

  test.for<[pattern: string, name: string]>([
    ["%-d.%-m.%Y", "3.1.2027.sql.gz"],
    ["%_H", "23.sql.gz"],
    ["%:z", "-00-00.sql.gz"],
    ["%Z", "UTC.sql.gz"],
    ["100%%Y", "100-Y.sql.gz"],
    ["%G-W%V", "2026-W53.sql.gz"],
    ["%%V", "-V.sql.gz"],
  ])("%s is %s", ([pattern, name]) => {
    expect(patternProblems(pattern)).toEqual([]);
    expect(expand(pattern)).toBe(name);
  });

  test("whatever is let through is expanded: no directive comes out as it went in", () => {
    const written = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ`.split("");
    const accepted = written
      .flatMap((letter) => ["", "-", "_", "0", ":"].map((mark) => `%${mark}${letter}`))
      .filter((directive) => patternProblems(directive).length === 0);
    expect(accepted.length).toBeGreaterThan(40);
    const unexpanded = accepted.filter((directive) =>
      ["", directive.at(-1)].includes(expand(directive, { suffix: "" }).replace(/^-+/, "")),
    );
    expect(unexpanded).toEqual([]);
  });
});

describe("what is refused", () => {
  test.for<[pattern: string, problems: string[]]>([
    ["${DB}-%Y", []],
    ["a/b..c/..d/e..", []],
    ["/a", ["begins with /; write a path within the remote, and put a folder in UPLOAD_PREFIX"]],
    ["..", ["has a .. segment; write the folder itself"]],
    ["a/../b", ["has a .. segment; write the folder itself"]],
    ["a//b", ["has an empty or . segment; write a single / between segments"]],
    ["./b", ["has an empty or . segment; write a single / between segments"]],
    ["a/", ["names a folder; add a file name, for instance ${DB}-%F"]],
    ["50%", ["ends in a lone %; write %% for a percent sign"]],
    [
      "%Q%-",
      [
        "has the unknown date directive %Q; write %% for a percent sign, or a directive of strftime such as %Y-%m-%d",
        "ends in a lone %; write %% for a percent sign",
      ],
    ],
  ])("%s: %j", ([pattern, problems]) => {
    expect(patternProblems(pattern)).toEqual(problems);
  });
});

describe("the database", () => {
  test.for<[pattern: string, database: string, name: string]>([
    ["$DB", "app", "app.sql.gz"],
    ["${DB}_$DB", "app", "app_app.sql.gz"],
    ["$DB", "%Y %%", "-Y---.sql.gz"],
    ["$DB", "$DB${DB}", "-DB--DB-.sql.gz"],
    ["$DB", "$&$1$$", "---1--.sql.gz"],
    ["x/$DB", "a/b/../c", "x/a-b-..-c.sql.gz"],
    ["$DB", "a b\tc\nd", "a-b-c-d.sql.gz"],
    ["$DB", "Größe", "Gr--e.sql.gz"],
    ["$DB", "\u{1F4BE}", "-.sql.gz"],
    ["$DB", "A-z_0.9", "A-z_0.9.sql.gz"],
  ])("%s with %j is %s", ([pattern, database, name]) => {
    expect(expand(pattern, { database })).toBe(name);
  });

  test.for<[pattern: string, has: boolean]>([
    ["$DB", true],
    ["${DB}", true],
    ["x-$DBy", true],
    ["$db", false],
    ["${DATABASE}", false],
    ["DB", false],
  ])("%s has a place for it: %s", ([pattern, has]) => {
    expect(hasPlaceholder(pattern)).toBe(has);
    // Asking must not depend on what was asked before.
    expect(hasPlaceholder(pattern)).toBe(has);
  });
});

describe("the suffix", () => {
  test.for<[pattern: string, suffix: string, name: string]>([
    ["x", ".sql.gz", "x.sql.gz"],
    ["x.sql.gz", ".sql.gz", "x.sql.gz"],
    ["x.sql", ".sql.gz.age", "x.sql.gz.age"],
    ["x.sql.gz.age", ".sql.gz", "x.sql.gz"],
    ["x.dump", ".sql.zst", "x.sql.zst"],
    ["x.tar.gz", ".tar.gz", "x.tar.gz"],
    ["x.gz", ".sql.gz", "x.gz.sql.gz"],
    ["x.sql.d/y", ".sql", "x.sql.d/y.sql"],
  ])("%s and %s are %s", ([pattern, suffix, name]) => {
    expect(expand(pattern, { suffix })).toBe(name);
  });
});

describe("what a name tells of a dump", () => {
  const formats = { ".sql": "sql", ".dump": "custom", ".tar": "tar" };
  const compressions = { "": "none", ".gz": "gzip", ".zst": "zstd" };
  const endings = Object.entries(formats).flatMap(([first, format]) =>
    Object.entries(compressions).flatMap(([second, compression]) =>
      ["", ".age"].map(
        (third) => [first + second + third, { format, compression, encrypted: third !== "" }] as const,
      ),
    ),
  );

  test.for(endings)("a name that ends in %s", ([ending, told]) => {
    expect(readFileName(`a.b/app-2026.sql.d/x${ending}`)).toEqual(told);
    expect(readFileName(expand("$DB", { suffix: ending }))).toEqual(told);
  });

  test.for([
    "",
    "app",
    "app.gz",
    "app.sql.bz2",
    "app.sql.age.gz",
    "app.sql.gz.gz",
    "app.SQL",
    "app.sql.gz.manifest.json",
    "app.sql.0123abcd-x.partial",
    "app.sql/",
    "app_sql",
  ])("nothing is told by %j", (name) => {
    expect(readFileName(name)).toBeUndefined();
  });
});
