import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { joinTransactions } from "../../src/single-transaction.ts";

/** What passes if it comes in pieces of this size, or at random. */
async function pass(sql: string, pieces: number | (() => number)): Promise<string> {
  const bytes = Buffer.from(sql);
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Math.max(1, typeof pieces === "number" ? pieces : pieces());
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  const passed: unknown[] = await Readable.from(chunks).compose(joinTransactions()).toArray();
  return Buffer.concat(passed as Buffer[]).toString();
}

/** As pg_dump 15 writes large objects; PostgreSQL 17 has several such parts, with owners. */
const largeObjects = (name = "BLOBS", owner = "-"): string => `--
-- Data for Name: ${name}; Type: BLOBS; Schema: -; Owner: ${owner}
--

BEGIN;

SELECT pg_catalog.lo_open('16393', 131072);
SELECT pg_catalog.lowrite(0, '\\x424547494e3b');
SELECT pg_catalog.lo_close(0);

COMMIT;

`;

const joined = (sql: string): string => sql.replace("\nBEGIN;\n", "\n").replace("\nCOMMIT;\n", "\n");

/** The rows of a table. */
const rowsOf = (sql: string, name = "t"): string => `--
-- Data for Name: ${name}; Type: TABLE DATA; Schema: public; Owner: postgres
--

${sql}

`;

const table = rowsOf("COPY public.t (a) FROM stdin;\nBEGIN;\nCOMMIT;\n\\.\n");
const empty = rowsOf("COPY public.e (a) FROM stdin;\n\\.\n", "e");

/** Its text looks like rows that do not end. */
const helpful = `--
-- Name: f(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.f() RETURNS integer
    LANGUAGE sql
    AS $$
/*
COPY t FROM stdin;
*/ SELECT 1 $$;

`;

const unchanged: [what: string, sql: string][] = [
  ["nothing", ""],
  ["no large objects", `-- x\n${table}CREATE INDEX i ON t (a);\n-- end\n`],
  // Its body commits; it is no part of large objects.
  ["a procedure that commits", "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$\nBEGIN\nCOMMIT;\nEND;\n$$;\n"],
  ["rows that look like all of it", rowsOf(`COPY t FROM stdin;\n${largeObjects()}\\.\n`)],
  [
    "such rows of a table with a newline in its name, after other statements",
    rowsOf(
      `SET SESSION AUTHORIZATION DEFAULT;\n\nALTER TABLE t DISABLE TRIGGER ALL;\n\nCOPY public."a\n b" (a) FROM stdin;\n${largeObjects()}\\.\n`,
    ),
  ],
  [
    "such rows of a table with an odd name",
    rowsOf(`COPY t FROM stdin;\n${largeObjects()}\\.\n`, "x; Type: BLOBS; y"),
  ],
  ["rows behind a statement of any length", rowsOf(`${"x".repeat(10_000)}\nCOPY t FROM stdin;\n\\.\n`)],
  ["a header alone", "-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -\n--\n\nSELECT 1;\nCOMMIT;\n"],
  ["the words in a comment", "COMMENT ON TABLE t IS 'x; Type: BLOBS; y\nBEGIN;\nCOMMIT;\n';\n"],
  ["a text that ends as COPY does", "COMMENT ON TABLE t IS 'x FROM stdin;\n';\nBEGIN;\nCOMMIT;\n"],
];

const cut = [1, 2, 7, 13, 64, 4095, 4096, 4097, 1_000_000];

describe("passes unchanged", () => {
  test.for(unchanged)("%s", async ([, sql]) => {
    for (const pieces of cut) expect(await pass(sql, pieces), `in pieces of ${pieces}`).toBe(sql);
  });
});

describe("large objects lose their own transaction", () => {
  const dumps: [what: string, parts: [sql: string, isObjects: boolean][]][] = [
    ["alone", [[largeObjects(), true]]],
    [
      "behind tables, full and empty",
      [
        [table + empty, false],
        [largeObjects(), true],
        ["CREATE INDEX;\nCOMMIT;\n", false],
      ],
    ],
    [
      "behind a function that speaks of COPY",
      [
        [helpful, false],
        [largeObjects(), true],
      ],
    ],
    [
      "behind tables with INSERT, full and empty, and functions that speak of COPY",
      [
        [rowsOf("INSERT INTO public.t VALUES ('\nCOPY t FROM stdin;\n');"), false],
        [rowsOf("", "e"), false],
        [helpful, false],
        [largeObjects(), true],
      ],
    ],
    [
      "in several parts",
      [
        [largeObjects("16393..16400", "clerk"), true],
        [table, false],
        [largeObjects("16401"), true],
      ],
    ],
    [
      "with what --verbose says",
      [
        [
          largeObjects().replace("--\n", "--\n-- TOC entry 3320 (class 0 OID 0)\n-- Dependencies: 3321\n"),
          true,
        ],
      ],
    ],
    [
      "far down",
      [
        [`${"x".repeat(100_000)}\n`, false],
        [largeObjects(), true],
      ],
    ],
  ];

  test.for(dumps)("%s", async ([, parts]) => {
    const sql = parts.map(([part]) => part).join("");
    const expected = parts.map(([part, isObjects]) => (isObjects ? joined(part) : part)).join("");
    expect(expected).not.toBe(sql);
    for (const pieces of cut) expect(await pass(sql, pieces), `in pieces of ${pieces}`).toBe(expected);
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) % 50;
    for (let round = 0; round < 20; round++) expect(await pass(sql, random)).toBe(expected);
  });
});
