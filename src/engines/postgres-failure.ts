import { BackupError } from "../errors.ts";
import type { Command, SubprocessError } from "../program.ts";
import { redact } from "../redaction.ts";
import { type Target, targetName, Unreachable } from "./engine.ts";
import { missingProgramHint } from "./missing-program.ts";

/** What psql exits with when the connection cannot be made or is lost (its man page: "Exit Status"). */
export const badConnection = 2;

/** A database that is not there or lets this account in not at all, on a server that answers. */
export class NoSuchDatabase extends BackupError {}

/** What is wrong with: the account, one database, how the server is reached, or the server itself. */
type Fault = "account" | "database" | "settings" | "server";

type Row = readonly [pattern: RegExp, hint: string, fault?: Fault];

/** What the server or its programs say, whatever was asked of them, and what can be done about it. The first that fits counts. */
const troubles: readonly Row[] = [
  [
    /authentication failed|no password supplied|role ".*" (does not exist|is not permitted to log in)/,
    "correct PGUSER and PGPASSWORD (or PGPASSWORD_FILE, PGPASSFILE, PGSERVICE); --username wins over PGUSER",
    "account",
  ],
  [
    /local user with ID \d+ does not exist/,
    "set PGUSER: without it the account is that of the user this runs as, who has no name here",
    "account",
  ],
  [
    /too many clients|connection slots are reserved|too many connections for/,
    "the server has no connection free: raise its max_connections or the CONNECTION LIMIT of the role or database, lower BACKUP_CONCURRENCY, or wait for one with BACKUP_WAIT=60",
    "server",
  ],
  [
    /the database system is|not accepting connections/,
    "it is starting or stopping: see its log, or give it time with BACKUP_WAIT=60",
    "server",
  ],
  [
    /database ".*" does not exist|permission denied for database|no pg_hba\.conf entry/s,
    "correct BACKUP_DATABASES, or grant CONNECT on the database; `rcdump check` lists what there is",
    "database",
  ],
  [
    /service file|definition of service|invalid (port|sslmode|connection option)|certificate|private key|SSL(?! SYSCALL| connection has been closed)/i,
    "correct PGHOST, PGPORT, PGSERVICE or PGSSLMODE and its companions",
    "settings",
  ],
  [
    /conflict with recovery/,
    "the standby had changes to apply that the dump stood in the way of: set hot_standby_feedback=on there, or raise max_standby_streaming_delay, or back up the primary",
  ],
  [
    /temp_file_limit/,
    "it has to sort more than it may: raise temp_file_limit or work_mem for this account (ALTER ROLE)",
  ],
  [/No space left on device|could not extend file|disk quota/i, "the server's disk is full: make room there"],
  [
    /invalid page in block|could not read block|page verification failed|missing chunk number|compressed \w+ data is corrupt|invalid memory alloc request/,
    "the server's files are damaged: keep the earlier backups, look at its disk, and meanwhile leave the table out with -- --exclude-table-data=TABLE",
  ],
  [
    /out of shared memory/,
    "raise max_locks_per_transaction on the server: each table and large object takes a lock",
  ],
  [
    /was: LOCK TABLE|lock timeout|could not obtain lock|deadlock detected/,
    "another session holds a lock on a table: find it with pg_locks and pg_blocking_pids(), or allow more than --lock-wait-timeout",
  ],
  [
    /statement timeout|transaction timeout/,
    "raise that timeout for this account: ALTER ROLE ... SET statement_timeout = 0",
  ],
  [/due to user request/, "somebody cancelled it with pg_cancel_backend: look at the server's log"],
  [/read-only transaction|during recovery/, "the server is a standby, or read-only: this needs the primary"],
  [
    /server closed the connection|connection to server was lost|terminating connection|could not receive data|SSL SYSCALL error|SSL connection has been closed/,
    "the server, or the connection to it, went away: look at the server's log",
  ],
  [/unrecognized option|invalid option|option requires an argument/, "correct the arguments behind --"],
];

/** The same of a dump only. */
const dumpTroubles: readonly Row[] = [
  [
    /permission denied for (?!database)|query would be affected by row-level security/,
    "grant pg_read_all_data to this account, or leave the object out with --exclude-table; `rcdump check` lists what is missing",
  ],
  [
    /database ".*" does not exist/s,
    "correct BACKUP_DATABASES; with * in it `rcdump check` lists what there is",
  ],
  [
    /(relation|column|type|function|schema) ".*" .*does not exist|could not open relation|cache lookup failed/,
    "somebody dropped or altered it while the dump began: run it again",
  ],
];

/** The same of a restore only. */
const loadTroubles: readonly Row[] = [
  [
    /role ".*" does not exist/,
    "make it by CREATE ROLE, or restore the backup of roles first, if there is one (BACKUP_GLOBALS=true makes them)",
  ],
  [
    /already exists|duplicate key/,
    "the database has this already: restore into an empty one (--to NAME --create), or replace it (--swap)",
  ],
  [
    /CREATE DATABASE cannot run inside a transaction block/,
    "the dump was made with --create and makes its own database: restore it with psql by hand",
  ],
  [
    /invalid command \\(un)?restrict|unrecognized configuration parameter/,
    "the dump was made by newer programs: use the rcdump image of their version, and a server that is not older",
  ],
  [
    /permission denied|must be (owner|superuser|member)/,
    "restore as a superuser, or as the owner of the objects",
  ],
  [/is not available|could not open extension control file/, "install the extension on the server"],
];

/** The same of a database that is made only. */
const creationTroubles: readonly Row[] = [
  [
    /permission denied|must be (owner|member)/,
    "grant this account CREATEDB, or restore into an empty database that was made for it",
  ],
];

function find(failure: SubprocessError, own: readonly Row[] = []): Row | undefined {
  return [...own, ...troubles].find(([pattern]) => pattern.test(failure.stderr));
}

function hintFor(failure: SubprocessError, own: readonly Row[]): string | undefined {
  return missingProgramHint(failure, "postgres") ?? find(failure, own)?.[1];
}

/** The error for a query of our own that failed, or the connection for it. */
export function explainQuery(failure: SubprocessError, database: string): BackupError {
  const words = serverWords(failure);
  const cause = failure;
  const hint = hintFor(failure, []);
  if (failure.exitCode !== badConnection)
    return new BackupError("connect", `a query of database ${database} failed: ${words}`, { hint, cause });
  const fault = find(failure)?.[2];
  if (fault === "account") return new BackupError("connect", `cannot log in: ${words}`, { hint, cause });
  if (fault === "database")
    return new NoSuchDatabase("connect", `cannot connect to database ${database}: ${words}`, { hint, cause });
  if (fault === "settings") return new BackupError("connect", `cannot connect: ${words}`, { hint, cause });
  return new Unreachable(`cannot reach the server: ${words}`, {
    cause,
    hint:
      hint ?? "see that it is up and that PGHOST and PGPORT are right, or give it time with BACKUP_WAIT=60",
  });
}

/** Makes a dump's failure readable. */
export function explainDump(target: Target): Command["explain"] {
  return (failure) =>
    new BackupError("dump", `dump of ${targetName(target)} failed: ${serverWords(failure)}`, {
      cause: failure,
      hint: hintFor(failure, dumpTroubles),
    });
}

/** Makes the failure of a restore readable. @param what a database, or the server */
export function explainLoad(what: string): Command["explain"] {
  return (failure) => restoreError(`restore into ${what} failed`, failure, hintFor(failure, loadTroubles));
}

/** Makes it readable that a database could not be made. */
export function explainCreation(database: string): Command["explain"] {
  return (failure) =>
    restoreError(`cannot create database ${database}`, failure, hintFor(failure, creationTroubles));
}

/** The error for what failed on the way back. */
export function restoreError(what: string, failure: SubprocessError, hint: string | undefined): BackupError {
  return new BackupError("restore", `${what}: ${serverWords(failure)}`, { hint, cause: failure });
}

/** What follows an error and says nothing more of its cause. */
const repetition = /^(hint:|This probably means the server|before or while processing)/i;

/** The query that failed, which may have many lines: to the next that begins with the program's name. */
const queryWas = /^(pg_dump(all)?: )?((error|detail): )?(Query|Command) was(?:.*\n(?!pg_dump(all)?: ))*.*/gim;

/** What the program said of the error, on one line, without its name and what only repeats it. */
export function serverWords(failure: SubprocessError): string {
  const lines = failure.stderr
    .replaceAll(queryWas, "")
    .split("\n")
    .map((line) => line.replace(/^(psql|pg_dump|pg_dumpall)(:<stdin>:\d+)?: (error: )?/, "").trim());
  const telling = lines.filter((line) => line !== "" && !repetition.test(line));
  return telling.length === 0 ? failure.message : redact(telling.slice(-2).join("; "));
}
