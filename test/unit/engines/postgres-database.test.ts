import { describe, expect, test } from "vitest";
import { createLike, dropDatabase, type LikeRow, likeQuery } from "../../../src/engines/postgres-database.ts";

/** What a server says of a database of libc's locales. */
function row(changes: Partial<LikeRow> = {}, columns: LikeRow["columns"] = {}): LikeRow {
  return {
    owner: "app_owner",
    encoding: "UTF8",
    tablespace: "pg_default",
    statements: [],
    ...changes,
    columns: { datcollate: "C.UTF-8", datctype: "de_DE.UTF-8", datconnlimit: -1, ...columns },
  };
}

const beginning = 'CREATE DATABASE "copy" TEMPLATE template0 OWNER "app_owner" ENCODING \'UTF8\'';
const locales = "LC_COLLATE 'C.UTF-8' LC_CTYPE 'de_DE.UTF-8'";

describe("a database like another one", () => {
  test.for<[title: string, row: LikeRow, sql: string]>([
    ["of PostgreSQL 14, which knows of no providers", row(), `${locales} CONNECTION LIMIT -1;`],
    [
      "of libc's locales",
      row({}, { datlocprovider: "c", daticulocale: null }),
      `${locales} CONNECTION LIMIT -1;`,
    ],
    [
      "of ICU's, in PostgreSQL 15 and 16",
      row({}, { datlocprovider: "i", daticulocale: "de-u-co-phonebk" }),
      `${locales} LOCALE_PROVIDER icu ICU_LOCALE 'de-u-co-phonebk' CONNECTION LIMIT -1;`,
    ],
    [
      "of ICU's, in PostgreSQL 17",
      row({}, { datlocprovider: "i", datlocale: "und" }),
      `${locales} LOCALE_PROVIDER icu ICU_LOCALE 'und' CONNECTION LIMIT -1;`,
    ],
    [
      "of PostgreSQL's own",
      row({}, { datlocprovider: "b", datlocale: "C.UTF-8" }),
      `${locales} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' CONNECTION LIMIT -1;`,
    ],
    [
      "in a tablespace, and with a limit",
      row({ tablespace: "fast disks" }, { datconnlimit: 10 }),
      `${locales} TABLESPACE "fast disks" CONNECTION LIMIT 10;`,
    ],
  ])("%s", ([, like, sql]) => {
    expect(createLike("copy", like)).toBe(`${beginning} ${sql}`);
  });

  test("has names and texts quoted, so that none of them is SQL", () => {
    const odd = row(
      { owner: 'a"; DROP', encoding: "U'TF", tablespace: 't"t' },
      { datcollate: "c'c", datlocprovider: "i", datlocale: "x'y" },
    );
    expect(createLike('co"py; --', odd)).toBe(
      `CREATE DATABASE "co""py; --" TEMPLATE template0 OWNER "a""; DROP" ENCODING 'U''TF' LC_COLLATE 'c''c' LC_CTYPE 'de_DE.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'x''y' TABLESPACE "t""t" CONNECTION LIMIT -1;`,
    );
  });

  test("gets its settings and privileges afterwards, in their order", () => {
    const statements = ["ALTER DATABASE copy SET a TO 'b';", "GRANT CONNECT ON DATABASE copy TO x;"];
    expect(createLike("copy", row({ statements })).split("\n").slice(1)).toEqual(statements);
  });

  test("is asked for by names that are quoted for where they stand", () => {
    const sql = likeQuery("li've", `co"p'y`);
    expect(sql).toContain("d.datname = 'li''ve'");
    // An identifier in a literal.
    expect(sql).toContain(`'"co""p''y"'`);
    expect(sql).not.toContain("'li've'");
  });
});

test("a database is dropped by its quoted name, with its sessions", () => {
  const sql = dropDatabase(`a"b'c`);
  expect(sql.match(/DROP DATABASE IF EXISTS "a""b'c"/g)).toHaveLength(2);
  expect(sql).toContain("datname = 'a\"b''c'");
});
