import { BackupError } from "../errors.ts";
import type { DumpFormat } from "./engine.ts";
import type { Option, OptionSyntax, Refusals } from "./options.ts";

/** The options of pg_dump and pg_dumpall that matter here, and all that take a value. */
export const syntax: OptionSyntax = {
  shortWithValue: {
    d: "dbname",
    e: "extension",
    E: "encoding",
    f: "file",
    F: "format",
    h: "host",
    j: "jobs",
    l: "database",
    n: "schema",
    N: "exclude-schema",
    p: "port",
    S: "superuser",
    t: "table",
    T: "exclude-table",
    U: "username",
    Z: "compress",
  },
  short: { W: "password", "?": "help", V: "version", s: "schema-only" },
  long: ["password", "help", "version"],
  longWithValue: [
    "dbname",
    "extension",
    "encoding",
    "file",
    "format",
    "host",
    "jobs",
    "database",
    "schema",
    "exclude-schema",
    "port",
    "superuser",
    "table",
    "exclude-table",
    "username",
    "compress",
    "role",
    "lock-wait-timeout",
    "snapshot",
    "section",
    "exclude-table-data",
    "extra-float-digits",
    "include-foreign-data",
    "rows-per-insert",
    "restrict-key",
    "exclude-database",
    "filter",
    "table-and-children",
    "exclude-table-and-children",
    "exclude-table-data-and-children",
    "exclude-extension",
    "sync-method",
  ],
};

/** Options that say how to reach the server; psql has them under the same names. */
export const connectionOptions = new Set(["host", "port", "username", "role"]);

/** Options that would make the dump another one, or none. */
export const refusals: Refusals = {
  dbname: "names a database; name it in BACKUP_DATABASES, and the server in PGHOST or a PGSERVICE",
  database: "names a database; set PGDATABASE instead",
  file: "would send the dump elsewhere; the name is BACKUP_FILE_NAME",
  password: "asks for a password at a terminal; set PGPASSWORD_FILE or PGPASSFILE",
  help: "dumps nothing; leave it out",
  version: "dumps nothing; leave it out",
};

/** pg_dump's own option decides what the file is called and whether it is compressed again. */
export function readFormat(options: readonly Option[]): DumpFormat {
  const word = options.findLast(({ name }) => name === "format")?.value ?? "p";
  const format = { p: "sql", c: "custom", t: "tar", d: "directory" }[word[0]?.toLowerCase() ?? ""] as
    | DumpFormat
    | "directory"
    | undefined;
  if (format === "directory")
    throw new BackupError("configuration", "--format=directory cannot be streamed", {
      hint: "write --format=custom, which pg_restore reads as well, or leave it out",
    });
  if (format === undefined)
    throw new BackupError("configuration", `--format=${word} is no format of pg_dump`, {
      hint: "write plain, custom or tar",
    });
  if (
    format === "sql" &&
    options.some(({ name, value }) => name === "compress" && !/^(0|none)$/.test(value ?? ""))
  )
    throw new BackupError("configuration", "--compress would compress the dump before rcdump does", {
      hint: "set BACKUP_COMPRESSION and BACKUP_COMPRESSION_LEVEL instead",
    });
  return format;
}
