import { PassThrough, type Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { frameSql, omitFromBeginning, type Omission } from "../../src/sql-frame.ts";
import { inPieces, through } from "./encryption/streams.ts";

/** Everything that comes out of a stream until it ends or breaks, and whether it ended. */
async function watch(
  transform: Transform,
  feed: (input: PassThrough) => void,
): Promise<{ text: string; ended: boolean }> {
  const seen = { text: "", ended: false };
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      seen.text += chunk.toString();
      done();
    },
    final: (done) => {
      seen.ended = true;
      done();
    },
  });
  const input = new PassThrough();
  const passing = pipeline(input, transform, sink).catch(() => {});
  feed(input);
  await passing;
  return seen;
}

describe("frameSql", () => {
  test.for<[before: string, after: string, dump: string, framed: string]>([
    ["BEGIN;\n", "COMMIT;\n", "SELECT 1;\n", "BEGIN;\nSELECT 1;\nCOMMIT;\n"],
    ["BEGIN;\n", "COMMIT;\n", "", "BEGIN;\nCOMMIT;\n"],
    ["", "FLUSH PRIVILEGES;\n", "SELECT 1;\n", "SELECT 1;\nFLUSH PRIVILEGES;\n"],
    ['SET ROLE "größe";\n', "", "SELECT 1;\n", 'SET ROLE "größe";\nSELECT 1;\n'],
    ["", "", "SELECT 1;\n", "SELECT 1;\n"],
    ["", "", "", ""],
  ])("%j and %j around %j", async ([before, after, dump, framed]) => {
    for (const size of [1, 5, 1000]) {
      const output = await through(frameSql(before, after), ...inPieces(Buffer.from(dump), size));
      expect(output.toString()).toBe(framed);
    }
  });

  test("bytes of every kind pass as they are", async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31) % 256));
    const output = await through(frameSql("a", "z"), ...inPieces(bytes, 65_536));
    expect(output.equals(Buffer.concat([Buffer.from("a"), bytes, Buffer.from("z")]))).toBe(true);
  });

  test.for<[manner: string, feed: (input: PassThrough) => void]>([
    ["fails", (input) => void input.destroy(new Error("the digest is another"))],
    ["is cut off without an error", (input) => void input.destroy()],
  ])("there is no COMMIT when what comes before it %s", async ([, feed]) => {
    const seen = await watch(frameSql("BEGIN;\n", "COMMIT;\n"), (input) => {
      input.write("SELECT 1;\n");
      setImmediate(() => setImmediate(() => feed(input)));
    });
    expect(seen.ended).toBe(false);
    expect(seen.text).not.toContain("COMMIT");
  });

  test("there is no COMMIT when a stage in between fails at the very end", async () => {
    const failing = new PassThrough({ flush: (done) => done(new Error("its end is missing")) });
    const seen = await watch(failing, (input) => void input.end("SELECT 1;\n"));
    expect(seen.ended).toBe(false);
    const framed = frameSql("BEGIN;\n", "COMMIT;\n");
    const written: Buffer[] = [];
    framed.on("data", (chunk: Buffer) => void written.push(chunk));
    const again = new PassThrough({ flush: (done) => done(new Error("its end is missing")) });
    again.end("SELECT 1;\n");
    await expect(pipeline(again, framed)).rejects.toThrow("its end is missing");
    expect(Buffer.concat(written).toString()).not.toContain("COMMIT");
  });

  test("there is one when it ends well", async () => {
    const seen = await watch(frameSql("BEGIN;\n", "COMMIT;\n"), (input) => void input.end("SELECT 1;\n"));
    expect(seen).toEqual({ text: "BEGIN;\nSELECT 1;\nCOMMIT;\n", ended: true });
  });
});

describe("omitFromBeginning", () => {
  const line = "SET transaction_timeout = 0;\n";
  const pattern = /^SET transaction_timeout = 0;\n/m;
  const sizes = [1, 3, 1000, 65_536];
  const within = 4096;
  const omission: Omission = { pattern, within };

  /** What is left of a text, in whatever pieces it comes. */
  async function left(text: string, wanted: Omission = omission): Promise<string> {
    const bytes = Buffer.from(text, "latin1");
    const results = new Set<string>();
    for (const size of sizes)
      results.add((await through(omitFromBeginning(wanted), ...inPieces(bytes, size))).toString("latin1"));
    expect(results.size).toBe(1);
    return [...results].join("");
  }

  const rest = "SELECT 1;\n".repeat(500);

  test.for<[title: string, text: string, result: string]>([
    ["the line", `-- dump\n${line}${rest}`, `-- dump\n${rest}`],
    ["the first line", `${line}${rest}`, rest],
    ["all of a dump", line, ""],
    ["of a short dump", `-- dump\n${line}SELECT 1;`, "-- dump\nSELECT 1;"],
    ["nothing of a dump that does not have it", rest, rest],
    ["nothing of nothing", "", ""],
    ["nothing of a line that only has it in it", `-- ${line}${rest}`, `-- ${line}${rest}`],
    ["once, and not what is data behind it", `${line}${line}${rest}`, `${line}${rest}`],
    [
      "bytes of every kind around it as they are",
      `-- größe \xff\x80\0\n${line}\xe9\xa0`,
      "-- größe \xff\x80\0\n\xe9\xa0",
    ],
  ])("takes out %s", async ([, text, result]) => {
    expect(await left(text)).toBe(result);
  });

  test("what follows on a line may stay", async () => {
    const password: Omission = { pattern: /(?<=^ALTER ROLE me WITH [^\n]*) PASSWORD '[^'\n]*'/m, within };
    const roles = "ALTER ROLE you WITH LOGIN PASSWORD 'b';\nALTER ROLE me WITH LOGIN PASSWORD 'a' VALID;\n";
    expect(await left(roles, password)).toBe(roles.replace(" PASSWORD 'a'", ""));
  });

  test.for<[title: string, end: number, taken: boolean]>([
    ["ends with the bytes that are looked at", within, true],
    ["ends one byte further", within + 1, false],
    ["stands far below", 3 * within, false],
  ])("takes out a line if it %s: %i, %s", async ([, end, taken]) => {
    const before = `${"-".repeat(end - line.length - 1)}\n`;
    const expected = Buffer.from(before + (taken ? "" : line) + rest);
    for (const size of [1, 1000, within, 65_536]) {
      const input = inPieces(Buffer.from(before + line + rest), size);
      const output = await through(omitFromBeginning(omission), ...input);
      expect(output.equals(expected), `pieces of ${size}`).toBe(true);
    }
  });

  test("letters of several bytes are not broken where the beginning ends", async () => {
    for (const shift of [0, 1, 2, 3]) {
      const bytes = Buffer.from(`${"-".repeat(within - 40 + shift)}${"\u{1F4BE}".repeat(50)}\n`);
      const output = await through(omitFromBeginning(omission), ...inPieces(bytes, 65_536));
      expect(output.equals(bytes)).toBe(true);
    }
  });

  test("a dump that breaks off does not end", async () => {
    const seen = await watch(omitFromBeginning(omission), (input) => {
      input.write("-- dump\n");
      input.destroy(new Error("gone"));
    });
    expect(seen).toEqual({ text: "", ended: false });
  });
});
