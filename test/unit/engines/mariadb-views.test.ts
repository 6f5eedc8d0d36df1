import { expect, test } from "vitest";
import { redirectView, redirectViews } from "../../../src/engines/mariadb-views.ts";

/** As MariaDB 10.11 writes them. `@` stands for the name of the database. */
test.for<[what: string, text: string]>([
  ["the definer is not there", "select @.`t`.`i` AS `i` from `t`"],
  [
    "a table elsewhere",
    "select @.`t`.`i` AS `i` from @.`t` where @.`t`.`i` in (select `x`.`u`.`i` from `x`.`u`)",
  ],
  [
    "joins",
    "select `a`.`i` AS `i` from ((@.`t` `a` left join `x`.`u` on(`x`.`u`.`i` = `a`.`i`)) join (@.`v` straight_join @.`w`))",
  ],
  ["a function", "select @.`f`(@.`g`()) AS `a`,`f`() AS `b` from `t`"],
  ["a sequence", "select nextval(@.`s`) AS `a`"],
  ["a subquery", "select exists(select 1 from @.`t` where extract(year from @.`t`.`d`) > 1 limit 1) AS `a`"],
  ["a table that is called as it is", "select @.`def`.`id` AS `def` from @.`def`"],
  [
    "a column of a table that is called as it is",
    "select `def`.`id` AS `id`,extract(year from `def`.`d`) AS `y` from `def`",
  ],
  [
    "the same in a function",
    "select trim(both concat('(',`def`.`a`) from `def`.`b`) AS `y` from (`x`.`u` `def` join @.`t`)",
  ],
  [
    "texts",
    "select 'a\\'`def`.`x`.`y` from `def`.`t`' AS `q\"x``def`,\"from `def`.`t`\" AS `b` from @.`t` union select @.`t`.`i` from @.`t`",
  ],
  ["a WITH", "with `c` as (select @.`t`.`i` from @.`t`)select `c`.`i` AS `i` from `c`"],
])("%s", ([, text]) => {
  const line = (name: string): string => `/*!50001 VIEW \`v\` AS ${text.replaceAll("@", () => name)} */;`;
  expect(redirectView(line("`def`"), "def", "co`py$&")).toBe(line("`co``py$&`"));
});

test("definitions in any character set: only views are others", () => {
  const sql = (name: string): Buffer =>
    Buffer.concat([
      Buffer.from("SELECT * FROM `größe`.`t`;\n/*!50001 VIEW `v` AS select '"),
      Buffer.from([0xe9]),
      Buffer.from(`' AS \`a\` from \`${name}\`.\`t\` */;\n`),
      Buffer.from(
        `/*!50001 CREATE ALGORITHM=UNDEFINED DEFINER=\`r\` VIEW \`w\` AS select 1 AS \`a\` from \`${name}\`.\`t\` */;`,
      ),
    ]);
  expect(redirectViews(sql("größe"), "größe", "länge")).toEqual(sql("länge"));
});
