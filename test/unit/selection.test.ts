import { describe, expect, test } from "vitest";
import { BackupError } from "../../src/errors.ts";
import { isLiteral, selectDatabases } from "../../src/selection.ts";

const existing = ["app", "app2", "app_test", "crm", "a.b", "aXb", "line\nbreak", "😀"];
const scratch = "rcdump_verify_1c8903c00000";

test("what rcdump makes for a while is backed up only if it is named", () => {
  const all = [...existing, scratch, "rcdump_verify_mine"];
  expect(selectDatabases(["*"], all)).toEqual([...existing, "rcdump_verify_mine"]);
  expect(selectDatabases(["rcdump*"], all)).toEqual(["rcdump_verify_mine"]);
  expect(selectDatabases([scratch], all)).toEqual([scratch]);
});

describe("names, globs and exclusions", () => {
  test.for<[names: string[], selected: string[]]>([
    [["app"], ["app"]],
    [
      ["crm", "app"],
      ["crm", "app"],
    ],
    [["*"], existing],
    [["app*"], ["app", "app2", "app_test"]],
    [["app?"], ["app2"]],
    [["?"], ["😀"]],
    [["line*"], ["line\nbreak"]],
    // A dot is a dot.
    [["a.b"], ["a.b"]],
    [["a.*"], ["a.b"]],
    [
      ["*", "!a*"],
      ["crm", "line\nbreak", "😀"],
    ],
    // Whole names: what begins like an excluded one stays.
    [
      ["*", "!app"],
      ["app2", "app_test", "crm", "a.b", "aXb", "line\nbreak", "😀"],
    ],
    [
      ["app*", "app", "*2"],
      ["app", "app2", "app_test"],
    ],
    // Where the exclusion stands makes no difference.
    [
      ["!app_test", "app*"],
      ["app", "app2"],
    ],
    [["app", "crm", "!app"], ["crm"]],
    // Letters count.
    [["APP*", "crm"], ["crm"]],
    // A literal name is taken whether it is known or not: the dump says what is wrong with it.
    [["nowhere"], ["nowhere"]],
  ])("%j: %j", ([names, selected]) => {
    expect(selectDatabases(names, existing)).toEqual(selected);
  });

  test.for(["(", "[a", "a+", "^$", "{1}", "a|b", "\\"])("%s has no meaning of its own", (name) => {
    expect(selectDatabases([`${name}*`], [name, "app"])).toEqual([name]);
    expect(selectDatabases(["*", `!${name}`], [name, "app"])).toEqual(["app"]);
  });
});

describe("nothing left", () => {
  function refusal(names: string[], known: string[]): BackupError {
    try {
      selectDatabases(names, known);
    } catch (error) {
      if (error instanceof BackupError) return error;
    }
    throw new Error("it was not refused");
  }

  test("names what there is", () => {
    const { operation, message, hint } = refusal(["shop_*", "!app"], ["app", "crm"]);
    expect({ operation, message, hint }).toEqual({
      operation: "configuration",
      message: "no database matches BACKUP_DATABASES=shop_*,!app",
      hint: "the server has app, crm",
    });
  });

  test("says so if this account sees none", () => {
    expect(refusal(["*"], []).hint).toBe("this account sees no database: grant it rights on them");
  });
});

test.for<[name: string, literal: boolean]>([
  ["app", true],
  ["a.b", true],
  ["app*", false],
  ["app?", false],
  ["!app", false],
])("%s stands for itself: %s", ([name, literal]) => {
  expect(isLiteral(name)).toBe(literal);
});
