import type { Environment } from "../environment.ts";
import { BackupError } from "../errors.ts";
import { redact } from "../redaction.ts";
import type { Command, SubprocessError } from "../program.ts";
import { run } from "../subprocess.ts";
import {
  type Dump,
  type DumpProgram,
  type Marks,
  type MissingRight,
  type Engine,
  type Server,
  type Target,
  targetName,
  Unreachable,
} from "./engine.ts";
import { connectionOption, fileOptions, refusals, syntax, takePassword } from "./mariadb-options.ts";
import { readDatabases, readRights, databasesQuery, grantsQuery, serverQuery } from "./mariadb-queries.ts";
import { readOptions, refuse } from "./options.ts";

/** A dump is never empty, and ends in this line, with or without the date. */
const marks: Marks = { beginning: /^[-/]/, ending: /\n-- Dump completed( on [\d: -]+)?\s*$/ };

/**
 * A consistent dump with everything in it: mariadb-dump leaves routines and events out unless told. What the user
 * passes comes after these and wins.
 */
const standardArguments = ["--single-transaction", "--routines", "--events", "--triggers"];

/** MariaDB and MySQL, by mariadb and mariadb-dump, configured by option files, arguments, and MYSQL_* variables. */
export class MariaDB implements Engine {
  readonly name = "mariadb";
  readonly format = "sql";
  /** The environment, with a password that was given as an argument moved into it. */
  readonly #environment: Environment;
  readonly #fileArguments: readonly string[];
  /** The user's arguments without option files and password. */
  readonly #arguments: readonly string[];
  readonly #passwordGiven: boolean;
  #resolved: Promise<Connection> | undefined;

  /** @throws BackupError `configuration` for arguments that cannot be passed on */
  constructor(environment: Environment, dumpArguments: readonly string[]) {
    const { options, password } = takePassword(dumpArguments);
    refuse(options, refusals, "mariadb-dump");
    const [files, others] = [true, false].map((isFile) =>
      options.filter(({ name }) => fileOptions.has(name) === isFile),
    );
    this.#fileArguments = (files ?? []).map(({ name, value }) =>
      value === undefined ? `--${name}` : `--${name}=${value}`,
    );
    this.#arguments = (others ?? []).flatMap(({ words }) => words);
    this.#passwordGiven = password !== undefined;
    this.#environment = password === undefined ? environment : { ...environment, MYSQL_PWD: password };
  }

  async connect(_databases: readonly string[], signal?: AbortSignal): Promise<Server> {
    const { host, port } = await this.#connection();
    const [server = "", ...rows] = (await this.#query(`${serverQuery};\n${databasesQuery}`, signal))
      .trim()
      .split("\n");
    const [version = "", comment = ""] = server.split("\t");
    const isMariaDB = /mariadb/i.test(version + comment);
    return {
      host,
      port,
      version: /^\d+(\.\d+)*/.exec(version.replace(/^5\.5\.5-/, ""))?.[0] ?? version,
      product: `${isMariaDB ? "MariaDB" : "MySQL"} ${version}`,
      databases: readDatabases(rows),
    };
  }

  async dumpProgram(): Promise<DumpProgram> {
    const command = this.#command("mariadb-dump", ["--version"], explainDump("the server"));
    const { stdout } = await run(command);
    return { program: "mariadb-dump", version: /(\d+\.\d+\.\d+)-MariaDB/.exec(stdout)?.[1] ?? stdout.trim() };
  }

  requireVersion(client: DumpProgram, server: Server): void {
    // MySQL's numbers mean nothing beside MariaDB's.
    if (!server.product.startsWith("MariaDB")) return;
    const [needed, have] = [server.version, client.version].map((version) => version.split(".").slice(0, 2));
    if (!isNewer(needed ?? [], have ?? [])) return;
    const series = (needed ?? []).join(".");
    throw new BackupError(
      "dump",
      `${client.program} ${client.version} is too old for a server of MariaDB ${server.version}`,
      {
        hint: `use the rcdump image for MariaDB ${series} or newer, or put mariadb-dump ${series} or newer on the PATH`,
      },
    );
  }

  async dump(target: Target): Promise<Dump> {
    const { hostArguments } = await this.#connection();
    const options = [...this.#fileArguments, ...standardArguments, ...hostArguments, ...this.#arguments];
    const what = target.scope === "database" ? ["--", target.database] : ["--all-databases"];
    return {
      command: this.#command("mariadb-dump", [...options, ...what], explainDump(targetName(target))),
      format: "sql",
      marks: (await this.#hasComments(options)) ? marks : { beginning: marks.beginning },
      arguments: [...standardArguments, ...this.#arguments],
    };
  }

  /** A dump without comments (--compact, --skip-comments, in an option file too) has no closing one. */
  async #hasComments(options: string[]): Promise<boolean> {
    const command = this.#command("mariadb-dump", [...options, "--help"], explainDump("the server"));
    const { stdout } = await run(command);
    return !/^comments\s+FALSE$/m.test(stdout);
  }

  async missingRights(target: Target, _server: Server, signal?: AbortSignal): Promise<MissingRight[]> {
    const database = target.scope === "database" ? target.database : undefined;
    return readRights((await this.#query(grantsQuery, signal)).split("\n"), database);
  }

  async omissions(target: Target, server: Server, signal?: AbortSignal): Promise<string[]> {
    const missing = await this.missingRights(target, server, signal);
    return missing.flatMap(({ right, fatal }) => (fatal ? [] : [right]));
  }

  async #query(sql: string, signal?: AbortSignal): Promise<string> {
    const { clientArguments, password } = await this.#connection();
    // The account is the dump's: what option files have for the mariadb client alone must not come into it.
    const args = [
      "--no-defaults",
      ...clientArguments,
      "--batch",
      "--skip-column-names",
      "--default-character-set=utf8mb4",
      "--connect-timeout=15",
    ];
    const command = this.#command("mariadb", args, explainQuery);
    const env = password === undefined ? command.env : { ...command.env, MYSQL_PWD: password };
    return (await run({ ...command, env }, { input: sql, signal })).stdout;
  }

  /** How mariadb-dump will connect, option files included. */
  #connection(): Promise<Connection> {
    this.#resolved ??= this.#resolveConnection();
    return this.#resolved;
  }

  async #resolveConnection(): Promise<Connection> {
    const command = this.#command(
      "mariadb-dump",
      [...this.#fileArguments, "--print-defaults"],
      explainDump("the server"),
    );
    const defaults = (await run(command)).stdout.split("\n")[1] ?? "";
    const fromFiles = takePassword(defaults.trim().split(/ +(?=--)/));
    if (this.#passwordGiven && fromFiles.password !== undefined)
      throw new BackupError(
        "configuration",
        "--password is given as an argument and in an option file as well",
        {
          hint: "an option file's password would win over the argument's: remove one of them",
        },
      );
    const options = [...fromFiles.options, ...readOptions(this.#arguments, syntax)].filter(({ name }) =>
      connectionOption.test(name),
    );
    const last = (name: string): string | undefined =>
      options.findLast((option) => option.name === name)?.value;
    const { MYSQL_HOST: hostVariable, MYSQL_TCP_PORT: portVariable } = this.#environment;
    // The mariadb client reads MYSQL_HOST, mariadb-dump does not.
    const hostArguments = last("host") === undefined && hostVariable ? [`--host=${hostVariable}`] : [];
    return {
      host: last("host") ?? (hostVariable || last("socket") || "localhost"),
      port: Number(last("port") ?? (portVariable || 3306)),
      hostArguments,
      clientArguments: [...hostArguments, ...options.flatMap(({ words }) => words)],
      password: fromFiles.password,
    };
  }

  #command(file: string, args: string[], explain: Command["explain"]): Command {
    return { file, args, env: this.#environment, explain };
  }
}

interface Connection {
  readonly host: string;
  readonly port: number;
  readonly hostArguments: readonly string[];
  readonly clientArguments: readonly string[];
  /** The password of an option file. */
  readonly password: string | undefined;
}

function isNewer(left: readonly string[], right: readonly string[]): boolean {
  const index = left.findIndex((part, at) => part !== right[at]);
  return index >= 0 && Number(left[index]) > Number(right[index] ?? 0);
}

/** Numbers of https://mariadb.com/kb/en/mariadb-error-code-reference/: 1044 and 1045 refuse the account, 2002 to 2013 are the network's. */
function explainQuery(failure: SubprocessError): Error {
  const words = serverWords(failure);
  const cause = failure;
  if (/\b(SSL|TLS|certificate)\b/i.test(failure.stderr))
    return new BackupError("connect", `cannot connect: ${words}`, {
      cause,
      hint: "this client wants TLS: pass --ssl-ca=/path/to/ca.pem, or --skip-ssl for a server that has none",
    });
  if (/ERROR (2002|2003|2005|2006|2013|1040|1053)\b/.test(failure.stderr))
    return new Unreachable(`cannot reach the server: ${words}`, {
      cause,
      hint: "see that it is up and that MYSQL_HOST and MYSQL_TCP_PORT are right, or give it time with BACKUP_WAIT=60",
    });
  if (/ERROR (1044|1045|1130|1698|2059)\b/.test(failure.stderr))
    return new BackupError("connect", `cannot log in: ${words}`, {
      cause,
      hint: "correct --user and MYSQL_PWD (or MYSQL_PWD_FILE, or the option file)",
    });
  return new BackupError("connect", `a query failed: ${words}`, { cause });
}

/** What mariadb-dump says, and what can be done about it. */
const dumpHints: [RegExp, string][] = [
  [
    /denied|insufficient privileges/i,
    "grant SELECT, SHOW VIEW, TRIGGER and EVENT on the database to this account; `rcdump check` lists what is missing",
  ],
  [/Unknown database/, "correct BACKUP_DATABASES; with * in it `rcdump check` lists what there is"],
];

function explainDump(what: string): Command["explain"] {
  return (failure) =>
    new BackupError("dump", `dump of ${what} failed: ${serverWords(failure)}`, {
      cause: failure,
      hint: dumpHints.find(([pattern]) => pattern.test(failure.stderr))?.[1],
    });
}

function serverWords(failure: SubprocessError): string {
  const lines = failure.stderr.split("\n").map((line) =>
    line
      .replace(/^(mariadb|mariadb-dump|mysqldump): /, "")
      .replace(/^(Got error|Error): /, "")
      .trim(),
  );
  const telling = lines.filter((line) => line !== "" && !/deprecated|^-- /i.test(line));
  return telling.length === 0 ? failure.message : redact(telling.slice(-2).join("; "));
}
