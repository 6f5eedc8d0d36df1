import { describe, expect, test } from "vitest";
import {
  databaseIn,
  redirectAlteration,
  redirectAlterations,
} from "../../../src/engines/mariadb-alteration.ts";

test.for<[line: string, database: string]>([
  ["USE `app`;", "app"],
  ["USE `größe \u{1F4BE}`;", "größe \u{1F4BE}"],
  ["USE `a``b`;", "a`b"],
  ["USE ```;`;", "`;"],
  ["USE app;", "app"],
  ["CREATE DATABASE /*!32312 IF NOT EXISTS*/ `app` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;", "app"],
  ["/*!40000 DROP DATABASE IF EXISTS `app`*/;", "app"],
  ["/*!40000 DROP DATABASE IF EXISTS app*/;", "app"],
  ["-- Current Database: `app`", "app"],
  ["USE `app`;\r", "app"],
])("%s names %s", ([line, database]) => {
  expect(databaseIn(line)).toBe(database);
});

describe("the database that an alteration names", () => {
  const rest = "CHARACTER SET latin1 COLLATE latin1_swedish_ci ;";

  test.for<[line: string, database: string, redirected: string]>([
    [`ALTER DATABASE \`app\` ${rest}`, "copy", `ALTER DATABASE \`copy\` ${rest}`],
    [`ALTER DATABASE \`app\` ${rest};`, "copy", `ALTER DATABASE \`copy\` ${rest};`],
    [`ALTER DATABASE \`a\`\`b\` ${rest}`, "copy", `ALTER DATABASE \`copy\` ${rest}`],
    [`ALTER DATABASE \`app\` ${rest}`, "c`d", `ALTER DATABASE \`c\`\`d\` ${rest}`],
    [`ALTER DATABASE \`app\` ${rest}`, "$& $1", `ALTER DATABASE \`$& $1\` ${rest}`],
  ])("%s becomes %s", ([line, database, redirected]) => {
    expect(redirectAlteration(line, database)).toBe(redirected);
  });

  test.for([
    "",
    "SELECT 1;",
    "USE `app`;",
    `ALTER DATABASE app ${rest}`,
    ` ALTER DATABASE \`app\` ${rest}`,
    `ALTER DATABASE \`app\` ${rest} -- by hand`,
    "ALTER DATABASE `app` READ ONLY = 1;",
    `ALTER DATABASE \`\` ${rest}`,
  ])("stays as it is in %s", (line) => {
    expect(redirectAlteration(line, "copy")).toBe(line);
  });

  test("becomes another in every line of a text, which stays as it is otherwise", () => {
    const text = (name: string): string =>
      `DELIMITER ;;\nALTER DATABASE \`${name}\` ${rest};\nCREATE TRIGGER x;\n\n  'ALTER DATABASE \`app\` ${rest}'\nALTER DATABASE \`${name}\` ${rest};\n`;
    const redirected = (sql: string | Buffer, database: string): string =>
      redirectAlterations(Buffer.from(sql), database).toString();
    expect(redirected(text("app"), "copy")).toBe(text("copy"));
    expect(redirected(text("größe"), "größe \u{1F4BE}")).toBe(text("größe \u{1F4BE}"));
    expect(redirected("", "copy")).toBe("");
    // Whatever character set it is in.
    expect(redirectAlterations(Buffer.from("caf\xe9", "latin1"), "copy").toString("latin1")).toBe("caf\xe9");
  });
});
