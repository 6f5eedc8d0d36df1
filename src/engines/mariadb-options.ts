import { BackupError } from "../errors.ts";
import { type Option, type OptionSyntax, readOptions, type Refusals } from "./options.ts";

/** The options of mariadb-dump that matter here, and all that take a value. */
export const syntax: OptionSyntax = {
  shortWithValue: { h: "host", P: "port", u: "user", S: "socket", r: "result-file", T: "tab", w: "where" },
  short: {
    A: "all-databases",
    B: "databases",
    C: "compress",
    "?": "help",
    V: "version",
    x: "lock-all-tables",
    X: "xml",
  },
  long: [
    "all-databases",
    "databases",
    "lock-all-tables",
    "compress",
    "password",
    "help",
    "version",
    "print-defaults",
    "xml",
    "no-defaults",
    "ssl",
  ],
  longWithValue: [
    "host",
    "port",
    "user",
    "socket",
    "protocol",
    "result-file",
    "tab",
    "where",
    "ignore-table",
    "ignore-table-data",
    "default-character-set",
    "ssl-ca",
    "ssl-capath",
    "ssl-cert",
    "ssl-cipher",
    "ssl-key",
    "ssl-crl",
    "ssl-crlpath",
    "tls-version",
    "ssl-fp",
    "ssl-fplist",
    "default-auth",
    "plugin-dir",
    "max-allowed-packet",
    "net-buffer-length",
    "ignore-database",
    "defaults-file",
    "defaults-extra-file",
    "defaults-group-suffix",
    "compatible",
    "log-error",
    "as-of",
    "dir",
    "init-command",
    "parallel",
    "character-sets-dir",
    "fields-terminated-by",
    "fields-enclosed-by",
    "fields-optionally-enclosed-by",
    "fields-escaped-by",
    "lines-terminated-by",
    "max-statement-time",
    "system",
  ],
};

/** Options that say which option files are read; the programs take them only as the first of all. */
export const fileOptions = new Set([
  "defaults-file",
  "defaults-extra-file",
  "defaults-group-suffix",
  "no-defaults",
]);

/** Options that say how to reach the server; the mariadb client has them under the same names. */
export const connectionOption =
  /^(host|port|user|socket|protocol|compress|default-auth|plugin-dir|tls-version|(skip-)?ssl(-.+)?|disable-ssl.*)$/;

/** Options that would make the dump another one, or none. */
export const refusals: Refusals = {
  "": "cannot be passed on; databases are named in BACKUP_DATABASES",
  "all-databases": "dumps every database; set BACKUP_ALL=true instead",
  "result-file": "would send the dump elsewhere; the name is BACKUP_FILE_NAME",
  tab: "writes files on the server; leave it out",
  dir: "writes files beside the stream; leave it out",
  "print-defaults": "prints secrets and dumps nothing; leave it out",
  xml: "writes no SQL, which nothing could restore; leave it out",
  help: "dumps nothing; leave it out",
  version: "dumps nothing; leave it out",
};

/** Takes the password out of a command line: there anyone could read it. */
export function takePassword(words: readonly string[]): { options: Option[]; password: string | undefined } {
  const options: Option[] = [];
  let password: string | undefined;
  // -p takes no word of its own for the value, only what is joined to it.
  for (const option of readOptions(
    words.map((word) => word.replace(/^-p(?=.)/s, "--password=")),
    syntax,
  )) {
    if (option.name !== "password" && option.name !== "p") options.push(option);
    else if (option.value === undefined)
      throw new BackupError("configuration", "--password without a value asks for it at a terminal", {
        hint: "set MYSQL_PWD_FILE instead",
      });
    else password = option.value;
  }
  return { options, password };
}

/**
 * The most that the protocol allows. The programs' own limits are 24 MiB and 16 MiB, at which they fail; a row is one packet,
 * and as large as the server has let it become.
 */
export const largestPacket = "--max-allowed-packet=1G";
