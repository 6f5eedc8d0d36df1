import { describe, expect, test } from "vitest";
import { type Naming, planDumps } from "../../src/plan.ts";
import type { Target } from "../../src/engines/engine.ts";
import { BackupError } from "../../src/errors.ts";

const at = new Date("2026-03-29T00:30:00Z");

function paths(targets: readonly (string | Target)[], naming: Partial<Naming> = {}): string[] {
  const wanted = targets.map((target): Target =>
    typeof target === "string" ? { scope: "database", database: target } : target,
  );
  const standard = {
    fileName: undefined,
    timeZone: "UTC",
    format: "sql",
    compression: "gzip",
    encrypted: false,
  };
  return planDumps(wanted, { ...(standard as Naming), ...naming }, at).map(({ path }) => path);
}

function refusal(work: () => unknown): BackupError {
  try {
    work();
  } catch (error) {
    if (error instanceof BackupError) return error;
  }
  throw new Error("it was not refused");
}

describe("default names", () => {
  test("are the predecessor's, in UTC whatever the time zone", () => {
    const targets: (string | Target)[] = ["app", { scope: "globals" }];
    expect(paths(targets, { timeZone: "Europe/Berlin" })).toEqual([
      "app-2026-03-29T00-30-00Z.sql.gz",
      "pg_globals-2026-03-29T00-30-00Z.sql.gz",
    ]);
    expect(paths([{ scope: "server" }], { timeZone: "Asia/Tokyo" })).toEqual([
      "all_2026-03-29T00-30-00Z.sql.gz",
    ]);
  });
});

describe("a pattern", () => {
  test("is expanded in the time zone", () => {
    expect(paths(["app"], { fileName: "%F/%H-${DB}", timeZone: "Asia/Kolkata" })).toEqual([
      "2026-03-29/06-app.sql.gz",
    ]);
  });

  test("stands for the server and for the roles as well", () => {
    expect(paths([{ scope: "server" }], { fileName: "x-$DB" })).toEqual(["x-all.sql.gz"]);
    expect(paths([{ scope: "globals" }], { fileName: "x-$DB" })).toEqual(["x-pg_globals.sql.gz"]);
  });
});

describe("the ending says what it is", () => {
  test.for<[naming: Partial<Naming>, ending: string]>([
    [{}, ".sql.gz"],
    [{ compression: "zstd" }, ".sql.zst"],
    [{ compression: "none" }, ".sql"],
    [{ encrypted: true }, ".sql.gz.age"],
    [{ compression: "none", encrypted: true }, ".sql.age"],
    [{ format: "custom" }, ".dump"],
    [{ format: "custom", compression: "zstd", encrypted: true }, ".dump.age"],
    [{ format: "tar" }, ".tar.gz"],
  ])("%j: %s", ([naming, ending]) => {
    expect(paths(["app"], { fileName: "x", ...naming })).toEqual([`x${ending}`]);
  });

  test("the dump of a server or of roles is SQL, whatever the format", () => {
    for (const scope of ["server", "globals"] as const)
      expect(paths([{ scope }], { fileName: "x", format: "custom" })).toEqual(["x.sql.gz"]);
  });
});

describe("collisions", () => {
  test.for<[title: string, targets: (string | Target)[], fileName: string, problem: string]>([
    ["two names become one", ["a b", "a-b"], "${DB}", "a b and a-b would both be written to a-b.sql.gz"],
    ["the pattern has no place for the name", ["a", "b"], "x", "a and b would both be written to x.sql.gz"],
    [
      "one has a dump's ending",
      ["shop", "shop.sql"],
      "${DB}",
      "shop and shop.sql would both be written to shop.sql.gz",
    ],
    [
      "a database is called as the roles are",
      ["pg_globals", { scope: "globals" }],
      "${DB}",
      "pg_globals and roles and tablespaces would both be written to pg_globals.sql.gz",
    ],
  ])("are refused: %s", ([, targets, fileName, problem]) => {
    const { operation, message } = refusal(() => paths(targets, { fileName }));
    expect(operation).toBe("configuration");
    expect(message).toBe(
      `the names of the dumps will not do\n  - ${problem}; put \${DB} into BACKUP_FILE_NAME, or back them up in separate runs with names of their own`,
    );
  });

  test("every one is reported", () => {
    const { message } = refusal(() => paths(["a b", "a-b", "c d", "c-d"], { fileName: "${DB}" }));
    expect(message.match(/would both be written to/g)).toHaveLength(2);
  });

  test("names that differ in case only do not collide: stores tell them apart", () => {
    expect(paths(["App", "app"], { fileName: "${DB}" })).toEqual(["App.sql.gz", "app.sql.gz"]);
  });
});

describe("a name of dots", () => {
  test.for(["..", "."])("%s is no folder", (database) => {
    expect(refusal(() => paths([database], { fileName: "${DB}/x" })).message).toBe(
      `the names of the dumps will not do\n  - ${database} would get the path ${database}/x.sql.gz; change BACKUP_FILE_NAME so that it has no empty, . or .. segment`,
    );
  });

  test("is a file's name like any other", () => {
    expect(paths([".."], { fileName: "${DB}-x" })).toEqual(["..-x.sql.gz"]);
  });
});
