import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { incompleteDump, incompleteObject, requireComplete } from "../../src/completeness.ts";
import type { Marks, Target } from "../../src/engines/engine.ts";
import { MariaDB } from "../../src/engines/mariadb.ts";
import { Postgres } from "../../src/engines/postgres.ts";
import { through } from "../../src/tap.ts";

const app: Target = { scope: "database", database: "app" };
const env = { PATH: process.env["PATH"], HOME: "/nonexistent" };

async function postgresMarks(target: Target, args: string[] = []): Promise<Marks> {
  return (await new Postgres(env, args).dump(target)).marks;
}

async function mariadbMarks(args: string[] = []): Promise<Marks> {
  return (await new MariaDB(env, ["--no-defaults", ...args]).dump(app)).marks;
}

/** What passes, if the dump arrives in pieces of this size; throws if it is held to be incomplete. */
async function pass(marks: Marks, dump: string, pieces = dump.length): Promise<string> {
  const bytes = Buffer.from(dump, "latin1");
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(pieces, 1)) chunks.push(bytes.subarray(at, at + pieces));
  const passed = Readable.from(chunks).compose(
    through(requireComplete(marks, incompleteDump("the_program"))),
  );
  return Buffer.concat((await passed.toArray()) as Buffer[]).toString("latin1");
}

/** Fails unless the dump is refused, however it arrives. */
async function refuses(marks: Marks, dump: string, words: string): Promise<void> {
  for (const pieces of [1, 7, 1024, dump.length])
    await expect(pass(marks, dump, pieces), `in pieces of ${pieces}`).rejects.toMatchObject({
      operation: "dump",
      message: `the_program ended well but its dump is not complete: ${words}`,
    });
}

const noBeginning = "it does not begin as a dump does";
const noEnd = "its end is missing";
const rows = "INSERT INTO t VALUES (1);\n".repeat(100);
const pgEnd = "\n--\n-- PostgreSQL database dump complete\n--\n\n";
const clusterEnd = "\n--\n-- PostgreSQL database cluster dump complete\n--\n\n";

const complete: [name: string, marks: () => Promise<Marks>, dump: string][] = [
  ["pg_dump's SQL", () => postgresMarks(app), `--\n-- PostgreSQL database dump\n--\n${rows}${pgEnd}`],
  [
    "pg_dump's SQL with \\unrestrict",
    () => postgresMarks(app),
    `--\n-- PostgreSQL database dump\n--\n\n\\restrict aB3\n${rows}${pgEnd}\\unrestrict aB3${"x".repeat(60)}\n\n`,
  ],
  [
    "pg_dumpall's SQL",
    () => postgresMarks({ scope: "server" }),
    `--\n-- PostgreSQL database cluster dump\n--\n${rows}${pgEnd}${rows}${clusterEnd}`,
  ],
  [
    "mariadb-dump's SQL",
    () => mariadbMarks(),
    `/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n${rows}-- Dump completed on 2026-01-02  3:04:05\n`,
  ],
  [
    "mariadb-dump's SQL without a date",
    () => mariadbMarks(["--skip-dump-date"]),
    `-- MariaDB dump 10.19\n${rows}-- Dump completed\n`,
  ],
  [
    "pg_dump's tar format",
    () => postgresMarks(app, ["-Ft"]),
    `toc.dat${"\0".repeat(505)}PGDMP${"\0".repeat(1536)}`,
  ],
];

describe.for(complete)("%s", ([, marksOf, dump]) => {
  test.for([1, 2, 1023, 1024, 1025, 1_000_000])("passes unchanged in pieces of %i", async (pieces) => {
    expect(await pass(await marksOf(), dump, pieces)).toBe(dump);
  });

  test.for([1023, 1024, 1025])("passes if it is %i bytes longer at the front", async (bytes) => {
    const longer = dump.slice(0, 20) + "x".repeat(bytes) + dump.slice(20);
    expect(await pass(await marksOf(), longer, 1024)).toBe(longer);
  });

  test("is refused if it is empty", async () => {
    await expect(pass(await marksOf(), "")).rejects.toThrow(noBeginning);
  });

  test("is refused if something stands before it", async () => {
    await refuses(await marksOf(), `Warning: something\n${dump}`, noBeginning);
  });

  test("is refused if something stands after it", async () => {
    await refuses(await marksOf(), `${dump}Killed by the proxy\n`, noEnd);
  });

  test("is refused if it is cut anywhere before its closing mark is whole", async () => {
    const marks = await marksOf();
    // What comes after these words, a date or the comment's last line, may be cut: everything before is there.
    const words = /dump complete|Dump completed/.exec(dump.slice(-200))?.[0] ?? "";
    const end = words === "" ? dump.length - 512 : dump.lastIndexOf(words) + words.length;
    const accepted: number[] = [];
    for (let length = end - 300; length < end; length++)
      await pass(marks, dump.slice(0, length)).then(
        () => accepted.push(length),
        () => {},
      );
    expect(accepted).toEqual([]);
  });
});

test("a cluster's dump does not end with that of one of its databases", async () => {
  const marks = await postgresMarks({ scope: "server" });
  await refuses(marks, `--\n-- PostgreSQL database cluster dump\n--\n${rows}${pgEnd}`, noEnd);
});

test("one byte less than the closing comment is too little", async () => {
  const sql = `--\n${rows}${pgEnd}`.trimEnd();
  expect(await pass(await postgresMarks(app), sql)).toBe(sql);
  await refuses(await postgresMarks(app), sql.slice(0, -1), noEnd);
  const maria = `-- MariaDB dump\n${rows}-- Dump completed`;
  expect(await pass(await mariadbMarks(), maria)).toBe(maria);
  await refuses(await mariadbMarks(), maria.slice(0, -1), noEnd);
});

test("a closing comment in the middle of the data is not the end", async () => {
  await refuses(await postgresMarks(app), `--\n${rows}${pgEnd}${rows}`, noEnd);
  await refuses(await mariadbMarks(), `-- MariaDB\n-- Dump completed\n${rows}`, noEnd);
});

test("a custom-format dump is known by its beginning alone", async () => {
  const marks = await postgresMarks(app, ["--format=custom"]);
  expect(await pass(marks, "PGDMP\x01\x0e\xff\0", 1)).toBe("PGDMP\x01\x0e\xff\0");
  await refuses(marks, "PGDM", noBeginning);
  await refuses(marks, `--\n${rows}${pgEnd}`, noBeginning);
});

test("a dump that is to have no comments is not asked for the closing one, but is never empty", async () => {
  const marks = await mariadbMarks(["--skip-comments"]);
  expect(await pass(marks, "/*!40101 SET NAMES utf8 */;\n")).toBe("/*!40101 SET NAMES utf8 */;\n");
  await expect(pass(marks, "")).rejects.toThrow(noBeginning);
});

test.for([
  ["Killed\n", noBeginning],
  [`--\n${rows}`, noEnd],
] as const)("of what is stored it is said that it is damaged: %j", async ([dump, words]) => {
  const passed = Readable.from([Buffer.from(dump)]).compose(
    through(requireComplete(await postgresMarks(app), incompleteObject)),
  );
  await expect(passed.toArray()).rejects.toMatchObject({
    operation: "integrity",
    message: `what is stored is no complete dump: ${words}`,
  });
});
