import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { Departure } from "../../src/engines/restorer.ts";
import { stayInDatabase } from "../../src/stay-in-database.ts";
import { collect, inPieces } from "./encryption/streams.ts";

const nameIn = (line: string): string => /`(.*)`/.exec(line)?.[1] ?? "";

/** As MariaDB's dumps have them. */
const departures: readonly Departure[] = [
  { beginning: "USE `", destination: nameIn },
  { beginning: "CREATE DATABASE ", destination: nameIn },
  {
    beginning: "ALTER DATABASE `",
    destination: nameIn,
    redirect: (line, database) => line.replace(/`.*`/, `\`${database}\``),
  },
];

/** As psql's are. */
const connect: readonly Departure[] = [
  { beginning: "\\connect ", destination: (line) => line.slice("\\connect ".length).trim() },
];

/** A long line, whose bytes are in any character set. */
const view: readonly Departure[] = [
  {
    beginning: "VIEW ",
    destination: () => undefined,
    redirect: (line, database) => line.replaceAll("`app`", `\`${database}\``),
    longest: 10_000,
  },
];

const allSizes = [1, 2, 3, 7, 64, 1_000_000];

/** What passes of a dump that comes in pieces, and the error, if it was stopped. */
async function pass(
  pieces: Iterable<Buffer>,
  database = "copy",
  leading: readonly Departure[] = departures,
): Promise<{ text: string; message: string | undefined; operation: unknown; hint: unknown }> {
  const { output, error } = await collect(stayInDatabase(database, leading), pieces);
  const { message, operation, hint } = (error ?? {}) as Record<string, string | undefined>;
  return { text: output.toString("latin1"), message, operation, hint };
}

/** Fails unless the dump passes as `expected`, in whatever pieces it comes. */
async function passes(dump: string, expected = dump, leading = departures, database = "copy"): Promise<void> {
  const text = Buffer.from(expected).toString("latin1");
  for (const size of allSizes)
    expect(await pass(inPieces(Buffer.from(dump), size), database, leading), `pieces of ${size}`).toEqual({
      text,
      message: undefined,
    });
}

/** Fails unless the dump is stopped before the line, in whatever pieces it comes. */
async function stops(dump: string, line: string, destination: string, leading = departures): Promise<void> {
  const before = Buffer.from(dump.slice(0, dump.indexOf(line))).toString("latin1");
  for (const size of allSizes) {
    const { text, ...error } = await pass(inPieces(Buffer.from(dump), size), "copy", leading);
    expect(error, `pieces of ${size}`).toEqual({
      operation: "restore",
      message: `the dump leads out of copy, into database ${destination}`,
      hint: `restore it into ${destination} itself (--to), or by hand`,
    });
    expect(before.startsWith(text), `what passed in pieces of ${size}: ${text}`).toBe(true);
  }
}

const rows = "INSERT INTO `t` VALUES (1,'größe \u{1F4BE}');\n".repeat(30);

describe("passes unchanged", () => {
  test.for<[title: string, dump: string]>([
    ["nothing", ""],
    ["a newline", "\n"],
    ["one without any line", "no line"],
    ["one without such lines", `-- dump\n${rows}-- end`],
    ["such words in the middle of a line", `-- x USE \`app\`;\n${rows} USE \`app\`;\n;CREATE DATABASE x\n`],
    ["such words in data, where a newline is written as \\n", `INSERT INTO t VALUES ('\\nUSE \`app\`;');\n`],
    ["such words in other letters", "\nuse `app`;\nCreate Database `app`;\n"],
    ["the beginning of such a line, and then another", "\nUSE 'app';\nCREATE DATABASES\nALTER DATABASE x\n"],
    ["the beginning of such a line at its end", `${rows}\nUSE `],
    ["a newline at its end", `${rows}\n\n\n`],
    ["lines of Windows", rows.replaceAll("\n", "\r\n")],
    ["one that stays where it is", `${rows}USE \`copy\`;\n${rows}CREATE DATABASE \`copy\`;\nUSE \`copy\``],
  ])("%s", async ([, dump]) => {
    await passes(dump);
  });

  test("the first line, which is the dump program's", async () => {
    await passes("USE `app`;\nSELECT 1;\n");
  });

  test("bytes of every kind", async () => {
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, at) => (at * 7) % 256));
    for (const size of allSizes)
      expect((await pass(inPieces(bytes, size))).text).toBe(bytes.toString("latin1"));
  });

  test("everything, where there are no such lines to be", async () => {
    await passes("\nUSE `app`;\n\\connect app\n", undefined, []);
  });
});

describe("is stopped before", () => {
  test.for<[line: string, destination: string]>([
    ["USE `app`;", "app"],
    ["CREATE DATABASE /*!32312 IF NOT EXISTS*/ `app` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;", "app"],
    ["USE `größe \u{1F4BE}`;", "größe \u{1F4BE}"],
    ["USE `copy2`;", "copy2"],
    ["USE `Copy`;", "Copy"],
    ["USE `a``b`;", "a``b"],
    ["USE ``;", ""],
  ])("%s", async ([line, destination]) => {
    await stops(`-- dump\n${rows}${line}\n${rows}`, line, destination);
    await stops(`\n${line}`, line, destination);
    await stops(`-- dump\nUSE \`copy\`;\n${rows}${line}\r\n`, line, destination);
  });

  test("the first of several", async () => {
    await stops("-- dump\nUSE `one`;\nCREATE DATABASE `two`;\n", "USE `one`", "one");
    await stops("-- dump\nCREATE DATABASE `two`;\nUSE `one`;\n", "CREATE DATABASE `two`", "two");
  });

  test("a line that is longer than any should be", async () => {
    const line = `USE \`app\`; -- ${"x".repeat(5000)}`;
    await stops(`-- dump\n${line}\n`, line, "app");
  });

  test("\\connect", async () => {
    await stops(`-- dump\nSELECT 1;\n\\connect app\n${rows}`, "\\connect app", "app", connect);
    await passes(`-- dump\n\\connect copy\n${rows}\\\\connect app\n`, undefined, connect);
  });

  test("and nothing behind it passes, however much there is", async () => {
    const dump = Buffer.from(`-- dump\nUSE \`app\`;\n${rows}DROP TABLE t;\n`);
    for (const size of allSizes) expect((await pass(inPieces(dump, size))).text).not.toMatch(/DROP|INSERT/);
  });
});

describe("a line that can be redirected", () => {
  test("leads to the database that is restored into", async () => {
    const line = (name: string): string => `ALTER DATABASE \`${name}\` CHARACTER SET latin1 ;`;
    await passes(
      `-- dump\n${rows}${line("app")}\n${line("größe")}\n${rows}${line("copy")}`,
      `-- dump\n${rows}${line("copy")}\n${line("copy")}\n${rows}${line("copy")}`,
    );
  });

  test("is stopped before if it cannot be", async () => {
    const stubborn: Departure[] = [{ beginning: "ALTER ", destination: nameIn, redirect: (line) => line }];
    await stops("-- dump\nALTER `app`;\n", "ALTER `app`;", "app", stubborn);
  });

  test("may be long, and in any character set", async () => {
    const dump = (name: string): Buffer =>
      Buffer.from(`-- dump\nVIEW 'caf\u{E9}', ${"x".repeat(5000)} FROM ${name}\n;`, "latin1");
    for (const size of allSizes)
      expect((await pass(inPieces(dump("`app`"), size), "größe", view)).text).toBe(
        dump("PLACE").toString("latin1").replace("PLACE", Buffer.from("`größe`").toString("latin1")),
      );
  });

  test("may be many lines one after the other, and become longer or shorter", async () => {
    const lines = (name: string): string => `\nALTER DATABASE \`${name}\``.repeat(500);
    await passes(lines("a"), lines("copy"));
    await passes(lines("a_much_longer_name"), lines("copy"));
  });
});

describe("a line that means something only before another one", () => {
  const limited: Departure[] = [
    { beginning: "USE ", destination: nameIn, before: "DELIMITER " },
    { beginning: "-- Current Database: `", destination: nameIn },
  ];
  const body = "CREATE PROCEDURE p() BEGIN\nUSE `app`;\nEND ;;\n";

  test("leads out before it", async () => {
    await stops(`-- dump\nUSE \`app\`;\nDELIMITER ;;\n${body}`, "USE `app`", "app", limited);
    await stops(`-- dump\n${rows}USE \`app\`;\n${body}`, "USE `app`", "app", limited);
  });

  test("is a text behind it, however far", async () => {
    await passes(`-- dump\nDELIMITER ;;\n${body}DELIMITER ;\n${rows}${body}`, undefined, limited);
    await passes(`-- dump\nUSE \`copy\`;\n${rows}DELIMITER ;;\nUSE \`app\`;\n`, undefined, limited);
  });

  test("is no text behind such words in the middle of a line", async () => {
    await stops(`-- dump\n-- DELIMITER ;;\nUSE \`app\`;\n`, "USE `app`", "app", limited);
  });

  test("does not let others through that are meant everywhere", async () => {
    const dump = `-- dump\nDELIMITER ;;\n${body}-- Current Database: \`app\`\n`;
    await stops(dump, "-- Current Database", "app", limited);
  });
});

test("a line that only begins like one that leads out passes", async () => {
  const undecided: Departure[] = [{ beginning: "ALTER ", destination: () => undefined }];
  await passes("-- dump\nALTER EVENT `app`;\n", undefined, undecided);
});

test("random dumps in random pieces come out as they do in one", async () => {
  const words = [
    "\n",
    "USE `",
    "CREATE DATABASE ",
    "ALTER DATABASE `",
    "copy",
    "app",
    "`",
    ";",
    " ",
    "\nUSE `copy`",
    "\nALTER DATABASE `app`",
    "ü",
    "x".repeat(70),
  ];
  const random = randomNumbers(20_261_121);
  let stopped = 0;
  for (let round = 0; round < 400; round++) {
    const dump = Buffer.from(
      Array.from({ length: 1 + random(40) }, () => words[random(words.length)]).join(""),
    );
    const cuts = Array.from({ length: random(12) }, () => random(dump.length)).toSorted((a, b) => a - b);
    const pieces = [0, ...cuts].map((start, at) => dump.subarray(start, cuts[at] ?? dump.length));
    const whole = await pass([dump]);
    const cut = await pass(pieces);
    expect(cut.message, dump.toString()).toBe(whole.message);
    if (whole.message === undefined) expect(cut.text).toBe(whole.text);
    else stopped++;
  }
  // Both ways out are seen often enough to mean something.
  expect(stopped).toBeGreaterThan(40);
  expect(stopped).toBeLessThan(360);
});

test("what passes does not wait for the end", async () => {
  const stream = stayInDatabase("copy", departures);
  const half = "SELECT 1;\n".repeat(100);
  const seen: string[] = [];
  stream.on("data", (chunk: Buffer) => void seen.push(String(chunk)));
  await new Promise<void>((resolve) => stream.write(half, () => resolve()));
  // All but what may be the beginning of such a line.
  expect(seen.join("").length).toBeGreaterThan(half.length - 32);
  expect(half.startsWith(seen.join(""))).toBe(true);
});

test("the end of a dump that breaks off is not taken for its end", async () => {
  const source = new Readable({ read: () => {} });
  source.push("SELECT 1;\n");
  const passed = source.compose(stayInDatabase("copy", departures));
  source.destroy(new Error("the store is gone"));
  await expect(passed.toArray()).rejects.toThrow("the store is gone");
});

/** The same whole numbers below a limit in every run. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
