import type { Environment } from "../environment.ts";
import { BackupError } from "../errors.ts";
import type { Command } from "../program.ts";
import { redact } from "../redaction.ts";
import { run } from "../subprocess.ts";
import type { Option } from "./options.ts";
import { badConnection, explainQuery, NoSuchDatabase } from "./postgres-failure.ts";
import { connectionOptions } from "./postgres-options.ts";

/** What takes connections and says nothing would be waited for without end. */
const patience = { PGCONNECT_TIMEOUT: "15" };

/** pg_dump does the same: an account's statement_timeout is not meant for backups. */
const noTimeout = "SET statement_timeout = 0;\n";

/** A database or an account may be read-only by default, such as one that is to be restored. pg_dumpall does the same. */
export const mayWrite = "SET default_transaction_read_only = off;\n";

/** psql, connected as the user's environment and arguments say. */
export class PostgresClient {
  readonly #environment: Environment;
  readonly #options: readonly Option[];

  constructor(environment: Environment, options: readonly Option[]) {
    this.#environment = environment;
    this.#options = options;
  }

  /** The databases that a session can be begun in which is about none of them, best first. */
  get maintenanceDatabases(): string[] {
    return [...new Set([this.#environment["PGDATABASE"] || "postgres", "postgres", "template1"])];
  }

  /** What pg_dump, pg_dumpall and pg_restore need to connect as the user says. */
  get connectionArguments(): string[] {
    return this.#connectionArguments(() => true);
  }

  /**
   * What the server is called in names and manifests: the host and port that were reached. Of several hosts whichever answers is the same
   * server to the user; then it is all of them, and the first port, so that it is called the same from run to run.
   */
  serverName(host: string, port: number): { host: string; port: number } {
    const [hosts, ports] = [this.#given("host", "PGHOST"), this.#given("port", "PGPORT")].map((list) =>
      list.split(","),
    );
    if (!hosts || hosts.length < 2 || !hosts.includes(host)) return { host, port };
    return { host: hosts.join(","), port: Number(ports?.[0] || 5432) };
  }

  /**
   * Runs statements and returns their rows, unaligned.
   * @param explain what to make of a statement that fails; what is wrong with the connection is told here
   * @throws NoSuchDatabase, Unreachable, or another BackupError `connect`
   */
  async query(
    database: string,
    sql: string,
    signal?: AbortSignal,
    explain?: Command["explain"],
  ): Promise<string> {
    const command = this.psql(database, (failure) =>
      explain && failure.exitCode !== badConnection ? explain(failure) : explainQuery(failure, database),
    );
    return (await run(command, { input: `${noTimeout}${this.setRole}${sql}`, signal })).stdout;
  }

  /** Does the same in the first of the maintenance databases that lets this account in, but for these. */
  async queryElsewhere(
    avoid: readonly string[],
    sql: string,
    signal?: AbortSignal,
    explain?: Command["explain"],
  ): Promise<string> {
    let refusal: unknown;
    for (const database of this.maintenanceDatabases.filter((name) => !avoid.includes(name))) {
      try {
        return await this.query(database, sql, signal, explain);
      } catch (error) {
        if (!(error instanceof NoSuchDatabase)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  /** psql, which takes SQL on its stdin and stops at the first error. */
  psql(database: string, explain: Command["explain"], more: readonly string[] = []): Command {
    const args = [
      "-X",
      "-q",
      "-A",
      "-t",
      "-w",
      "-v",
      "ON_ERROR_STOP=1",
      ...more,
      ...this.#connectionArguments((name) => name !== "role"),
      `--dbname=${conninfo(database)}`,
    ];
    // The messages are matched below, and the answer is parsed as UTF-8.
    return this.command("psql", args, explain, { LC_ALL: "C", PGCLIENTENCODING: "UTF8" });
  }

  /** psql has no --role. */
  get setRole(): string {
    const role = this.#options.findLast(({ name }) => name === "role")?.value;
    return role === undefined ? "" : `SET ROLE ${identifier(role)};\n`;
  }

  /**
   * pg_dump or pg_dumpall. They write points in time in the session's time zone, and do not set it: that of the machine, the database or
   * the role would make two dumps of equal rows differ.
   */
  dumper(file: "pg_dump" | "pg_dumpall", args: string[], explain: Command["explain"]): Command {
    return this.command(file, args, explain, { PGTZ: this.#environment["PGTZ"] || "UTC" });
  }

  command(file: string, args: string[], explain: Command["explain"], extra: Environment = {}): Command {
    return { file, args, env: { ...patience, ...this.#environment, ...extra }, explain };
  }

  #given(option: string, variable: string): string {
    const value = this.#options.findLast(({ name }) => name === option)?.value;
    return value ?? this.#environment[variable] ?? "";
  }

  #connectionArguments(isWanted: (name: string) => boolean): string[] {
    return this.#options
      .filter(({ name }) => connectionOptions.has(name) && isWanted(name))
      .map(({ name, value }) => `--${name}=${value ?? ""}`);
  }
}

/** NAMEDATALEN of PostgreSQL's pg_config_manual.h, less the byte that ends a name. */
const longestName = 63;

/**
 * A connection string for a database of any name. A bare name with = in it, or that looks like a URL, would be read as one itself.
 * @throws BackupError `configuration` for a name that the server would cut off, and with it reach another database
 */
export function conninfo(database: string): string {
  if (Buffer.byteLength(database) > longestName)
    throw new BackupError(
      "configuration",
      `${redact(database)} is longer than the ${longestName} bytes that a name has in PostgreSQL`,
      {
        hint: "the server would take the beginning for the whole of it: name the database as the server has it",
      },
    );
  return `dbname='${database.replaceAll(/['\\]/g, "\\$&")}'`;
}

/** A name as SQL has it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL has it, with standard_conforming_strings on. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
