import { expect, test } from "vitest";
import { readDatabases, readRights } from "../../../src/engines/mariadb-queries.ts";

const usage = "GRANT USAGE ON *.* TO `low`@`%` IDENTIFIED BY PASSWORD '*B6'";
const all = "SELECT, SHOW VIEW, EVENT, TRIGGER";

function missing(grants: readonly string[], database?: string): string[] {
  return readRights(grants, database).map(({ right }) => /^no (.+) on /.exec(right)?.[1] ?? right);
}

test.each([
  ["on everything", [`GRANT ${all} ON *.* TO \`low\`@\`%\``]],
  ["on the database", [usage, `GRANT ${all} ON \`shop\`.* TO \`low\`@\`%\``]],
  ["all privileges", [usage, "GRANT ALL PRIVILEGES ON `shop`.* TO `low`@`%` WITH GRANT OPTION"]],
  [
    "in two grants",
    [`GRANT EVENT, TRIGGER ON *.* TO \`low\`@\`%\``, "GRANT SELECT, SHOW VIEW ON `shop`.* TO `low`@`%`"],
  ],
  ["by a pattern", [usage, `GRANT ${all} ON \`sh_p\`.* TO \`low\`@\`%\``]],
  [
    "by MariaDB's role",
    [
      "GRANT `backup` TO `low`@`%`",
      usage,
      "GRANT USAGE ON *.* TO `backup`",
      `GRANT ${all} ON \`shop\`.* TO \`backup\``,
    ],
  ],
  [
    "by MySQL's role, of which it does not say what it brings",
    ["GRANT USAGE ON *.* TO `low`@`%`", "GRANT `backup`@`%` TO `low`@`%`"],
  ],
])("an account with all rights %s lacks none", (_how, grants) => {
  expect(missing(grants, "shop")).toEqual([]);
});

test("each right that is missing is named, with what comes of it", () => {
  expect(readRights([usage, "GRANT SELECT, SHOW VIEW ON `shop`.* TO `low`@`%`"], "shop")).toEqual([
    { right: "no TRIGGER on database shop: triggers are left out", fatal: false },
    { right: "no EVENT on database shop: a dump fails at the events", fatal: true },
  ]);
});

test.each(["shopping", "a_shop", "SHOP", "shxp"])("rights on shop are none on %s", (database) => {
  expect(missing([`GRANT ${all} ON \`shop\`.* TO \`low\`@\`%\``], database)).toHaveLength(4);
});

test("an escaped _ in a grant, as the client prints it, stands for itself", () => {
  const grants = [`GRANT ${all} ON \`my\\\\_shop\`.* TO \`low\`@\`%\``];
  expect(missing(grants, "my_shop")).toEqual([]);
  expect(missing(grants, "my-shop")).toHaveLength(4);
});

test("rights on one database are none on the whole server", () => {
  expect(missing([`GRANT ${all} ON \`shop\`.* TO \`low\`@\`%\``])).toHaveLength(4);
  expect(missing([`GRANT ${all} ON *.* TO \`low\`@\`%\``])).toEqual([]);
});

test("names of databases come whole, whatever is in them", () => {
  const name = "tab\tline\n'é`";
  const hex = Buffer.from(name).toString("hex").toUpperCase();
  const rows = [`${hex}\t2048\tutf8mb4\tutf8mb4_bin`, "61\tNULL\tlatin1\tlatin1_swedish_ci"];
  expect(readDatabases(rows)).toEqual([
    { name, bytes: 2048, characterSet: { name: "utf8mb4", collation: "utf8mb4_bin" } },
    { name: "a", bytes: 0, characterSet: { name: "latin1", collation: "latin1_swedish_ci" } },
  ]);
});
