import { describe, expect, test } from "vitest";
import { type Option, type OptionSyntax, readOptions, refuse } from "../../../src/engines/options.ts";
import { MariaDB } from "../../../src/engines/mariadb.ts";
import { Postgres } from "../../../src/engines/postgres.ts";

const syntax: OptionSyntax = {
  shortWithValue: { f: "file", h: "host" },
  short: { W: "password" },
  longWithValue: ["file", "host", "where"],
  long: ["password", "verbose"],
};

function read(...words: string[]): [name: string, value: string | undefined][] {
  return readOptions(words, syntax).map(({ name, value }) => [name, value]);
}

describe("a command line is read as getopt_long reads it", () => {
  test.for<[words: string[], options: [name: string, value: string | undefined][]]>([
    [["--file=x"], [["file", "x"]]],
    [["--file", "x"], [["file", "x"]]],
    [["--file", "--host"], [["file", "--host"]]],
    [["--file="], [["file", ""]]],
    [["--file=a=b"], [["file", "a=b"]]],
    [["--fi=x"], [["file", "x"]]],
    [["--fi", "x"], [["file", "x"]]],
    [["--pass"], [["password", undefined]]],
    [["-fx"], [["file", "x"]]],
    [["-f", "x"], [["file", "x"]]],
    [["-f=x"], [["file", "=x"]]],
    [
      ["-vfx"],
      [
        ["v", undefined],
        ["file", "x"],
      ],
    ],
    [
      ["-vWf", "x"],
      [
        ["v", undefined],
        ["password", undefined],
        ["file", "x"],
      ],
    ],
    [["-fW"], [["file", "W"]]],
    [
      ["--unknown", "x"],
      [
        ["unknown", undefined],
        ["", "x"],
      ],
    ],
    [
      ["x", "-"],
      [
        ["", "x"],
        ["", "-"],
      ],
    ],
    [["--under_score=1"], [["under-score", "1"]]],
    [
      ["--file=x", "--file=y"],
      [
        ["file", "x"],
        ["file", "y"],
      ],
    ],
  ])("%j: %j", ([words, options]) => {
    expect(read(...words)).toEqual(options);
  });

  test.for([["--file"], ["-f"], ["-vf"], ["--fi"]])("%s at the end lacks its value", (words) => {
    expect(readOptions(words, syntax).at(-1)).toMatchObject({ name: "file", incomplete: true });
  });

  test("the words of all options are those it was written with", () => {
    const words = ["-v", "-f", "x", "--host", "h", "--where=a b", "name"];
    expect(readOptions(words, syntax).flatMap((option: Option) => option.words)).toEqual(words);
  });
});

test("everything that is refused is listed", () => {
  const options = readOptions(["--file=x", "name", "--host"], syntax);
  expect(() => refuse(options, { "": "is no good", file: "is no use" }, "tool")).toThrow(
    "arguments that tool cannot be given here\n  - --file is no use\n  - a word that is no option is no good\n  - --host has no value; write it behind a =",
  );
  expect(() => refuse(readOptions(["-v"], syntax), { file: "is no use" }, "tool")).not.toThrow();
});

describe("what people pass to pg_dump is taken", () => {
  test.for([
    ["-v"],
    ["-Oxc", "--if-exists"],
    ["-s", "-n", "public", "-T", "a b"],
    ["--inserts", "--rows-per-insert", "5"],
    ["-Z0"],
    ["--compress=none"],
    ["-Fc", "-Z", "9"],
    ["--format=plain", "--no-comments"],
    ["--exclude-table-data=*.log", "--lock-wait-timeout", "5s"],
    ["--role=reader", "-U", "me", "-h", "db", "-p", "5433"],
  ])("%s %s %s %s", (words) => {
    expect(() => new Postgres({}, words)).not.toThrow();
  });

  test.for<[words: string[], format: string]>([
    [[], "sql"],
    [["-Fp"], "sql"],
    [["-Fc"], "custom"],
    [["-F", "c"], "custom"],
    [["--format=custom"], "custom"],
    [["--format", "tar"], "tar"],
    [["-vFt"], "tar"],
    [["-Fc", "-Fp"], "sql"],
  ])("%j: the format is %s", ([words, format]) => {
    expect(new Postgres({}, words).format).toBe(format);
  });
});

describe("what people pass to mariadb-dump is taken", () => {
  test.for([
    ["--user=root", "--ssl"],
    ["-uroot", "--skip-ssl", "--quick"],
    ["--ssl-ca=/ca.pem", "--ssl-verify-server-cert"],
    ["--where", "id > 5", "--ignore-table", "a.b"],
    ["--databases", "--add-drop-database"],
    ["--compact", "--hex-blob", "--no-data"],
    ["--default-character-set", "utf8mb4", "--max-allowed-packet=1G"],
    ["--defaults-extra-file=/my.cnf", "-C"],
    ["-psecret"],
    ["--password="],
  ])("%s %s", (words) => {
    expect(() => new MariaDB({}, words)).not.toThrow();
  });
});
