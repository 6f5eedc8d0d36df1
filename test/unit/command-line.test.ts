import { describe, expect, test } from "vitest";
import { type CommandLine, parseCommandLine } from "../../src/command-line.ts";
import { BackupError } from "../../src/errors.ts";

function backup(...dumpArguments: string[]): CommandLine {
  return { command: "backup", json: false, dumpArguments };
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
    [["check"], { command: "check", json: false, dumpArguments: [] }],
    [["check", "--json", "--", "-Fc"], { command: "check", json: true, dumpArguments: ["-Fc"] }],
    // Behind -- it is the dump program's.
    [["check", "--", "--json"], { command: "check", json: false, dumpArguments: ["--json"] }],
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
      "the commands are backup, check; databases are named in BACKUP_DATABASES",
    ],
    [
      ["backup", "-Fc"],
      "backup has no option -Fc",
      "options for the dump program go after --, as in `rcdump backup -- -Fc`",
    ],
    [
      ["check", "--json", "app", "--", "-Fc"],
      "check has no option app",
      "options for the dump program go after --, as in `rcdump check -- app`",
    ],
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
