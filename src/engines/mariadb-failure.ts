import { BackupError } from "../errors.ts";
import type { Command, SubprocessError } from "../program.ts";
import { redact } from "../redaction.ts";
import { Unreachable } from "./engine.ts";
import { missingProgramHint } from "./missing-program.ts";

/** What is wrong with: the account, the way to the server, or the server itself. */
type Fault = "account" | "settings" | "server";

/** What fits is a number of https://mariadb.com/kb/en/mariadb-error-code-reference/ or a text. */
type Row = readonly [fits: readonly (number | RegExp)[], hint: string, fault?: Fault];

const connectionGone =
  "the server or the connection to it went away: look at the server's log; if it tells of a timeout raise net_write_timeout and wait_timeout, or set BACKUP_SPOOL_DIR so that no store holds the dump up";

/** What the server or its programs say, whatever was asked of them, and what can be done about it. The first that fits counts. */
const troubles: readonly Row[] = [
  [
    [/defaults[- ](file|handling|extra)/i],
    "correct the option file, or the --defaults-file, --defaults-extra-file or MYSQL_HOME that says where it is, and let the user that this runs as read it",
  ],
  [
    [/\b(SSL|TLS|certificate)\b/i],
    "this client wants TLS: pass --ssl-ca=/path/to/ca.pem, --skip-ssl-verify-server-cert for a certificate that nobody vouches for, or --skip-ssl for a server that has none",
    "settings",
  ],
  [
    [1044, 1045, 1130, 1698, 2059],
    "correct --user and MYSQL_PWD (or MYSQL_PWD_FILE, or the option file)",
    "account",
  ],
  [
    [1040, 1203, 1226],
    "the server has no connection free: raise its max_connections or the account's MAX_USER_CONNECTIONS, lower BACKUP_CONCURRENCY, or wait for one with BACKUP_WAIT=60",
    "server",
  ],
  [
    [2002, 2003, 2005],
    "see that it is up and that MYSQL_HOST and MYSQL_TCP_PORT are right, or give it time with BACKUP_WAIT=60",
    "server",
  ],
  [[1053, 1152, 1159, 1160, 1161, 1927, 2006, 2013, 4031], connectionGone, "server"],
  [
    [1969, 3024],
    "raise max_statement_time (in MySQL max_execution_time) for this account, or leave --max-statement-time out",
  ],
  [[1317], "somebody killed the query: look at the server's log"],
  [
    [1205, 1213],
    "another session holds a lock on a table: find it in information_schema.processlist, or raise lock_wait_timeout on the server",
  ],
  [[1021, 1114, /Errcode: 28\b|\berror 28\b|No space left/i], "the server's disk is full: make room there"],
  [
    [
      126,
      127,
      130,
      134,
      144,
      145,
      1030,
      1033,
      1034,
      1035,
      1194,
      1195,
      1712,
      1877,
      1932,
      1815,
      /marked as crashed/,
    ],
    "the table's files are damaged: keep the earlier backups, repair it (REPAIR TABLE; innodb_force_recovery), and meanwhile leave it out with -- --ignore-table=DATABASE.TABLE",
  ],
  [
    [1356],
    "drop the view, or make what it needs anew; -- --ignore-table=DATABASE.VIEW leaves it out meanwhile",
  ],
  [[1449], "create that account, or make the view, routine or trigger anew with a definer that there is"],
  [[1290, 1792, 1836], "the server is a replica, or read-only: this needs the primary"],
  [[/unknown (option|variable)|requires an argument/], "correct the arguments behind --"],
];

/** The same of a dump only. */
const dumpTroubles: readonly Row[] = [
  [
    [
      1142,
      1143,
      1227,
      1370,
      /denied for user .* to database|Access denied; you need|insufficient privileges/i,
    ],
    "grant SELECT, SHOW VIEW, TRIGGER and EVENT on the database to this account; `rcdump check` lists what is missing",
  ],
  [[1049], "correct BACKUP_DATABASES; with * in it `rcdump check` lists what there is"],
  [[2020], "a row is larger: leave --max-allowed-packet out, or raise it to 1G"],
  [[2013], `${connectionGone}; or leave --max-allowed-packet out, if a row is larger than you say there`],
  [[1051, 1146, 1412], "somebody dropped or altered a table while the dump was made: run it again"],
];

/** The same of a restore only. */
const loadTroubles: readonly Row[] = [
  [
    [1044, 1142, 1227, 1370, 1419],
    "give this account all privileges on the database; views, routines and triggers with other definers need SET USER (in MySQL SET_USER_ID)",
  ],
  [
    [1050, 1062],
    "the database has this already: restore into an empty one (--to NAME --create), or replace it (--swap)",
  ],
  [[1053, 1927, 2002, 2006, 2013], "the server or the connection to it went away: look at the server's log"],
  [[1153, 2020], "raise max_allowed_packet on the server: a row is larger"],
];

/** The same of the definitions that an exchange takes along only. */
const definitionTroubles: readonly Row[] = [
  [
    [1142, 1143, 1227, 1370, /insufficient privileges/i],
    "grant SELECT, SHOW VIEW, TRIGGER and EVENT on the database to this account, and for other accounts' routines SELECT on mysql.proc (from MariaDB 11.3 on SHOW CREATE ROUTINE on the database)",
  ],
];

/** The same of a database that is made only. */
const creationTroubles: readonly Row[] = [
  [
    [1044, 1142, 1227],
    "grant this account CREATE on it, or restore into an empty database that was made for it",
  ],
];

/** `ERROR 1045 (28000): …`, `Got error: 1045: …`, `Error 2013: …`, and `… (1146)`. */
const numberInText = /\berror:? (\d{3,4})\b|\((\d{3,4})\)/gi;

function find(failure: SubprocessError, own: readonly Row[] = []): Row | undefined {
  const numbers = new Set(
    [...failure.stderr.matchAll(numberInText)].map(([, first, second]) => Number(first ?? second)),
  );
  const applies = (fit: number | RegExp): boolean =>
    typeof fit === "number" ? numbers.has(fit) : fit.test(failure.stderr);
  return [...own, ...troubles].find(([fits]) => fits.some(applies));
}

function hintFor(failure: SubprocessError, own: readonly Row[] = []): string | undefined {
  return missingProgramHint(failure, "mariadb") ?? find(failure, own)?.[1];
}

/** What the client says of a statement that failed; of a connection that failed it names no line. */
export const ofStatement = /ERROR \d+ \(\w+\) at line \d+/;

/** The error for a query of our own that failed, or the connection for it. */
export function explainQuery(failure: SubprocessError): BackupError {
  const words = serverWords(failure);
  const options = { cause: failure, hint: hintFor(failure) };
  const fault = find(failure)?.[2];
  if (fault === "settings") return new BackupError("connect", `cannot connect: ${words}`, options);
  if (fault === "server") return new Unreachable(`cannot reach the server: ${words}`, options);
  if (fault === "account") return new BackupError("connect", `cannot log in: ${words}`, options);
  return new BackupError("connect", `a query failed: ${words}`, options);
}

/** Option files that mariadb-dump cannot read. */
export function explainDefaults(failure: SubprocessError): BackupError {
  const operation = failure.exitCode === undefined ? "dump" : "configuration";
  return new BackupError(operation, `mariadb-dump cannot read its settings: ${serverWords(failure)}`, {
    cause: failure,
    hint: hintFor(failure),
  });
}

/** Makes a dump's failure readable. @param what a database, or all of them */
export function explainDump(what: string): Command["explain"] {
  return (failure) =>
    new BackupError("dump", `dump of ${what} failed: ${serverWords(failure)}`, {
      cause: failure,
      hint: hintFor(failure, dumpTroubles),
    });
}

/** Makes the failure of a restore readable. @param what a database, or the server */
export function explainLoad(what: string): Command["explain"] {
  return (failure) => restoreError(`restore into ${what} failed`, failure, hintFor(failure, loadTroubles));
}

/** Makes it readable that what a database has in it cannot be read, which an exchange must. */
export function explainDefinitions(database: string): Command["explain"] {
  return (failure) =>
    restoreError(`cannot read the definitions of ${database}`, failure, hintFor(failure, definitionTroubles));
}

/** Makes it readable that this account may not make what a database has in it, which an exchange must. */
export function explainRemaking(database: string): Command["explain"] {
  return (failure) =>
    restoreError(
      `this account may not make the views, triggers, routines and events of ${database} again, and they would be lost`,
      failure,
      hintFor(failure, loadTroubles),
    );
}

/** Makes it readable that a database could not be made. */
export function explainCreation(database: string): Command["explain"] {
  return (failure) =>
    restoreError(`cannot create database ${database}`, failure, hintFor(failure, creationTroubles));
}

/** The error for what failed on the way back. */
export function restoreError(
  what: string,
  failure: SubprocessError,
  hint: string | undefined = hintFor(failure),
): BackupError {
  return new BackupError("restore", `${what}: ${serverWords(failure)}`, { hint, cause: failure });
}

/** What the program said of the error, on one line, without its name. */
export function serverWords(failure: SubprocessError): string {
  const lines = failure.stderr.split("\n").map((line) =>
    line
      .replace(/^(mariadb|mariadb-dump|mysqldump): /, "")
      .replace(/^(Got error|Error): /, "")
      .trim(),
  );
  const telling = lines.filter((line) => line !== "" && !/deprecated|^-- /i.test(line));
  return telling.length === 0 ? failure.message : redact(telling.slice(-2).join("; "));
}
