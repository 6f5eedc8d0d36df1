import { describe, expect, test } from "vitest";
import { type CommandLine, parseCommandLine } from "../../src/command-line.ts";
import { BackupError } from "../../src/errors.ts";

function backup(...programArguments: string[]): CommandLine {
  return { command: "backup", options: {}, programArguments };
}

describe("what is understood", () => {
  test.for<[words: string[], line: CommandLine]>([
    [[], backup()],
    [["--"], backup()],
    [["-Fc", "--exclude-table=x"], backup("-Fc", "--exclude-table=x")],
    [["--", "-Fc"], backup("-Fc")],
    [["--", "--", "x"], backup("--", "x")],
    [["--verbose", "backup"], backup("--verbose", "backup")],
    [["backup"], backup()],
    [["backup", "--", "-Fc"], backup("-Fc")],
    [["backup", "--", "--", "check"], backup("--", "check")],
    [["check"], { command: "check", options: {}, programArguments: [] }],
    [
      ["check", "--json", "--", "-Fc"],
      { command: "check", options: { json: true }, programArguments: ["-Fc"] },
    ],
    // Behind -- it is the dump program's.
    [["check", "--", "--json"], { command: "check", options: {}, programArguments: ["--json"] }],
    [
      ["list", "--database", "app", "--limit=3", "--all"],
      { command: "list", options: { database: "app", limit: "3", all: true }, programArguments: [] },
    ],
    // A database's name may begin with a hyphen, if it is joined on.
    [["list", "--database=--x"], { command: "list", options: { database: "--x" }, programArguments: [] }],
    [
      ["restore", "--no-verify", "--to", "new", "--", "--user=root", "--yes"],
      {
        command: "restore",
        options: { "no-verify": true, to: "new" },
        programArguments: ["--user=root", "--yes"],
      },
    ],
    [["restore", "--yes", "--help"], { command: "help", about: "restore" }],
    [["backup", "--", "--help"], backup("--help")],
    [["help"], { command: "help" }],
    [["--help"], { command: "help" }],
    [["version"], { command: "version" }],
    [["--version"], { command: "version" }],
  ])("%j", ([words, line]) => {
    expect(parseCommandLine(words)).toEqual(line);
  });
});

describe("what is refused", () => {
  test.for<[words: string[], message: string, hint: string]>([
    [["bakcup"], "there is no command bakcup", "did you mean backup?"],
    [["chek", "--json"], "there is no command chek", "did you mean check?"],
    [
      ["app"],
      "there is no command app",
      "the commands are backup, check, list, verify, restore, prune, status; databases are named in BACKUP_DATABASES",
    ],
    [
      ["backup", "-Fc"],
      "backup has no option -F",
      "`rcdump backup --help` lists them; options for the database's own programs go after --, as in `rcdump backup -- -F`",
    ],
    [
      ["check", "--jsn"],
      "check has no option --jsn",
      "did you mean --json? options for the database's own programs go after --, as in `rcdump check -- --jsn`",
    ],
    [
      ["check", "--host=db"],
      "check has no option --host",
      "`rcdump check --help` lists them; options for the database's own programs go after --, as in `rcdump check -- --host=…`",
    ],
    [
      ["check", "--json", "app", "--", "-Fc"],
      "check does not know what to do with app",
      "options for the dump program go after --",
    ],
    [["restore", "app"], "restore does not know what to do with app", "a database is named by --database"],
    [["list", "--limit"], "--limit has no value", "write it behind, as in --limit=VALUE"],
    [["list", "--limit="], "--limit has no value", "write it behind, as in --limit=VALUE"],
    // The next option is not taken for the name of a database.
    [["restore", "--to", "--create"], "--to has no value", "write it behind, as in --to=VALUE"],
    [["list", "--all=yes"], "--all takes no value", "write --all alone, or leave it out"],
    [["list", "--limit=1", "--limit=2"], "--limit is given twice", "give it once"],
  ])("%j", ([words, message, hint]) => {
    let error: unknown;
    try {
      parseCommandLine(words);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(BackupError);
    expect(error).toMatchObject({ operation: "configuration", message, hint });
  });
});
