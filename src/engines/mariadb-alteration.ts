import { identifier } from "./mariadb-client.ts";

/**
 * What mariadb-dump writes around a routine, trigger or event that was made when the database had another default
 * character set (switch_db_collation in mysqldump.cc). It names the database, and means the one that it is restored into.
 */
const alteration = /^ALTER DATABASE `(?:[^`]|``)+` (CHARACTER SET \w+ COLLATE \w+ ;;?)$/;

/** The database that a line of --databases names, which with --skip-quote-names it does without quotes. */
export function databaseIn(line: string): string {
  const quoted = /`((?:[^`]|``)+)`/.exec(line)?.[1];
  return quoted?.replaceAll("``", "`") ?? /(\S+?)(?:\*\/)?;?$/.exec(line.trim())?.[1] ?? line;
}

/** Such a line with the name of another database; any other line as it is. */
export function redirectAlteration(line: string, database: string): string {
  return line.replace(alteration, (_, rest: string) => `ALTER DATABASE ${identifier(database)} ${rest}`);
}

/** Changes each line of a text whose bytes are in any character set; it is seen as Latin-1. */
export function changeLines(text: Buffer, change: (line: string) => string): Buffer {
  return Buffer.from(text.toString("latin1").split("\n").map(change).join("\n"), "latin1");
}

/** Each {@link redirectAlteration} of a text, whose bytes are in any character set. */
export function redirectAlterations(sql: Buffer, database: string): Buffer {
  const name = Buffer.from(database).toString("latin1");
  return changeLines(sql, (line) => redirectAlteration(line, name));
}
