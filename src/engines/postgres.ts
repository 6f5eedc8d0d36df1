import type { Environment } from "../environment.ts";
import { BackupError } from "../errors.ts";
import { redact } from "../redaction.ts";
import type { Command, SubprocessError } from "../program.ts";
import { run } from "../subprocess.ts";
import {
  type Dump,
  type DumpFormat,
  type Marks,
  type DumpProgram,
  type MissingRight,
  type Engine,
  type Server,
  type Target,
  targetName,
  Unreachable,
} from "./engine.ts";
import { type Option, readOptions, refuse } from "./options.ts";
import { connectionOptions, readFormat, refusals, syntax } from "./postgres-options.ts";
import { databasesQuery, globalsRightsQuery, rightsQuery, type ServerRow } from "./postgres-queries.ts";

/**
 * How complete dumps begin and end. Newer programs close SQL with `\unrestrict`. The custom format ends in data: see
 * pg_backup_custom.c for its magic, pg_backup_tar.c for the first member's name.
 */
const marks: Record<DumpFormat | "cluster", Marks> = {
  sql: { beginning: /^--/, ending: /\n-- PostgreSQL database dump complete\n--\s*(\\unrestrict \w+\s*)?$/ },
  cluster: {
    beginning: /^--/,
    ending: /\n-- PostgreSQL database cluster dump complete\n--\s*(\\unrestrict \w+\s*)?$/,
  },
  custom: { beginning: /^PGDMP/ },
  tar: { beginning: /^toc\.dat\0/, ending: /\0{1024}$/ },
};

/** What psql and pg_dump exit with when the connection cannot be made or is lost (psql's man page: "Exit Status"). */
const badConnection = 2;

/** PostgreSQL, by psql, pg_dump and pg_dumpall, which libpq's own variables configure. */
export class Postgres implements Engine {
  readonly name = "postgres";
  readonly format: DumpFormat;
  readonly #environment: Environment;
  readonly #arguments: readonly string[];
  readonly #options: readonly Option[];

  /** @throws BackupError `configuration` for arguments that cannot be passed on */
  constructor(environment: Environment, dumpArguments: readonly string[]) {
    this.#environment = environment;
    this.#arguments = dumpArguments;
    this.#options = readOptions(dumpArguments, syntax);
    refuse(this.#options, refusals, "pg_dump");
    this.format = readFormat(this.#options);
  }

  async connect(databases: readonly string[], signal?: AbortSignal): Promise<Server> {
    const candidates = new Set([
      ...databases,
      this.#environment["PGDATABASE"] || "postgres",
      "postgres",
      "template1",
    ]);
    let refusal: unknown;
    for (const database of candidates) {
      try {
        return await this.#describeServer(database, signal);
      } catch (error) {
        // Another database may let this account in where this one does not.
        if (!(error instanceof NoSuchDatabase)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  async #describeServer(database: string, signal?: AbortSignal): Promise<Server> {
    // psql knows better than the environment which host it reached: services and defaults are resolved.
    const answer = await this.#query(database, `\\echo :HOST\n\\echo :PORT\n${databasesQuery}`, signal);
    const [host = "", port = "", row = ""] = answer.split("\n");
    const { version, databases } = JSON.parse(row) as ServerRow;
    return {
      host,
      port: Number(port),
      product: `PostgreSQL ${version}`,
      version,
      databases: databases.map(({ name, bytes }) => ({ name, bytes: bytes ?? undefined })),
    };
  }

  async dumpProgram(target: Target): Promise<DumpProgram> {
    const program = target.scope === "database" ? "pg_dump" : "pg_dumpall";
    const { stdout } = await run(this.#command(program, ["--version"], explainDump(target)));
    return { program, version: /\d+(\.\d+)*/.exec(stdout)?.[0] ?? stdout.trim() };
  }

  requireVersion(client: DumpProgram, server: Server): void {
    const [needed, have] = [major(server.version), major(client.version)];
    if (needed <= have) return;
    throw new BackupError(
      "dump",
      `${client.program} ${client.version} is too old for a server of PostgreSQL ${server.version}`,
      {
        hint: `use the rcdump image for PostgreSQL ${needed} (its tag ends in postgres-${needed}), or put pg_dump ${needed} or newer on the PATH`,
      },
    );
  }

  async dump(target: Target): Promise<Dump> {
    const common = { arguments: this.#arguments };
    const explain = explainDump(target);
    if (target.scope === "database") {
      // In front, where no option of the user's can take it for its value.
      const args = ["--no-password", `--dbname=${conninfo(target.database)}`, ...this.#arguments];
      const command = this.#command("pg_dump", args, explain);
      return { ...common, command, format: this.format, marks: marks[this.format] };
    }
    const format = { format: "sql", marks: marks.cluster } as const;
    if (target.scope === "server")
      return {
        ...common,
        ...format,
        command: this.#command("pg_dumpall", ["--no-password", ...this.#arguments], explain),
      };
    const args = ["--no-password", ...this.#connectionArguments(true), "--globals-only"];
    // Managed servers let nobody read pg_authid, and pg_dumpall then writes a hundred bytes and fails.
    if ((await this.missingRights(target)).length > 0) args.push("--no-role-passwords");
    return { ...format, command: this.#command("pg_dumpall", args, explain), arguments: args };
  }

  async missingRights(target: Target, _server?: Server, signal?: AbortSignal): Promise<MissingRight[]> {
    const isDatabase = target.scope === "database";
    const database = isDatabase ? target.database : this.#environment["PGDATABASE"] || "postgres";
    const missing = JSON.parse(
      await this.#query(database, isDatabase ? rightsQuery : globalsRightsQuery, signal),
    ) as string[];
    // Roles can be dumped without their passwords, but only if the whole server is not asked for.
    return missing.map((right) => ({ right, fatal: target.scope !== "globals" }));
  }

  async omissions(target: Target, server: Server, signal?: AbortSignal): Promise<string[]> {
    // pg_dump fails on whatever it may not read.
    if (target.scope !== "globals") return [];
    return (await this.missingRights(target, server, signal)).map(({ right }) => right);
  }

  async #query(database: string, sql: string, signal?: AbortSignal): Promise<string> {
    const role = this.#options.findLast(({ name }) => name === "role")?.value;
    const setRole = role === undefined ? "" : `SET ROLE "${role.replaceAll('"', '""')}";\n`;
    const args = [
      "-X",
      "-q",
      "-A",
      "-t",
      "-w",
      "-v",
      "ON_ERROR_STOP=1",
      ...this.#connectionArguments(false),
      `--dbname=${conninfo(database)}`,
    ];
    // The messages are matched below, and the answer is parsed as UTF-8.
    const plain = { LC_ALL: "C", PGCLIENTENCODING: "UTF8" };
    const command = this.#command("psql", args, (failure) => explainQuery(failure, database), plain);
    return (await run(command, { input: setRole + sql, signal })).stdout;
  }

  #connectionArguments(withRole: boolean): string[] {
    return this.#options
      .filter(({ name }) => connectionOptions.has(name) && (withRole || name !== "role"))
      .map(({ name, value }) => `--${name}=${value ?? ""}`);
  }

  #command(file: string, args: string[], explain: Command["explain"], extra: Environment = {}): Command {
    return { file, args, env: { ...this.#environment, ...extra }, explain };
  }
}

/** A connection string for a database of any name. A bare name with = in it, or that looks like a URL, would be read as one itself. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll(/['\\]/g, "\\$&")}'`;
}

function major(version: string): number {
  return Number.parseInt(version, 10);
}

/** A database that is not there or lets this account in not at all, on a server that answers. */
class NoSuchDatabase extends BackupError {}

function explainQuery(failure: SubprocessError, database: string): Error {
  const words = serverWords(failure);
  const cause = failure;
  if (failure.exitCode !== badConnection)
    return new BackupError("connect", `a query of database ${database} failed: ${words}`, { cause });
  if (
    /authentication failed|no password supplied|role ".*" (does not exist|is not permitted)/.test(
      failure.stderr,
    )
  )
    return new BackupError("connect", `cannot log in: ${words}`, {
      cause,
      hint: "correct PGUSER and PGPASSWORD (or PGPASSWORD_FILE, PGPASSFILE, PGSERVICE)",
    });
  if (
    /database ".*" does not exist|permission denied for database|no pg_hba\.conf entry/s.test(failure.stderr)
  )
    return new NoSuchDatabase("connect", `cannot connect to database ${database}: ${words}`, {
      cause,
      hint: "correct BACKUP_DATABASES, or grant CONNECT on the database",
    });
  if (
    /service file|definition of service|invalid (port|sslmode|connection option)|certificate|SSL/i.test(
      failure.stderr,
    )
  )
    return new BackupError("connect", `cannot connect: ${words}`, {
      cause,
      hint: "correct PGHOST, PGPORT, PGSERVICE or PGSSLMODE and its companions",
    });
  return new Unreachable(`cannot reach the server: ${words}`, {
    cause,
    hint: "see that it is up and that PGHOST and PGPORT are right, or give it time with BACKUP_WAIT=60",
  });
}

/** What pg_dump says, and what can be done about it. */
const dumpHints: [RegExp, string][] = [
  [
    /permission denied|query would be affected by row-level security/,
    "grant pg_read_all_data to this account, or leave the object out with --exclude-table; `rcdump check` lists what is missing",
  ],
  [
    /database ".*" does not exist/s,
    "correct BACKUP_DATABASES; with * in it `rcdump check` lists what there is",
  ],
  [
    /lock timeout|could not obtain lock|canceling statement due to/,
    "something held a lock for too long: see pg_locks, or raise the timeout",
  ],
];

function explainDump(target: Target): Command["explain"] {
  return (failure) =>
    new BackupError("dump", `dump of ${targetName(target)} failed: ${serverWords(failure)}`, {
      cause: failure,
      hint: dumpHints.find(([pattern]) => pattern.test(failure.stderr))?.[1],
    });
}

/** What follows an error and says nothing more of its cause. */
const repetition =
  /^((detail: )?(Query|Command) was|hint:|This probably means the server|before or while processing)/i;

/** What the program said of the error, on one line, without its name and what only repeats it. */
function serverWords(failure: SubprocessError): string {
  const lines = failure.stderr
    .split("\n")
    .map((line) => line.replace(/^(psql|pg_dump|pg_dumpall)(:<stdin>:\d+)?: (error: )?/, "").trim());
  const telling = lines.filter((line) => line !== "" && !repetition.test(line));
  return telling.length === 0 ? failure.message : redact(telling.slice(-2).join("; "));
}
