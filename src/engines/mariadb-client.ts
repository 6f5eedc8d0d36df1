import type { Environment } from "../environment.ts";
import { BackupError } from "../errors.ts";
import type { Command } from "../program.ts";
import { run } from "../subprocess.ts";
import { explainDefaults, explainQuery, ofStatement } from "./mariadb-failure.ts";
import { connectionOption, fileOptions, takePassword } from "./mariadb-options.ts";
import type { Option } from "./options.ts";

/** mariadb-dump does the same: an account's max_statement_time is not meant for backups. MySQL takes this for a comment. */
const noTimeout = "/*!100100 SET max_statement_time = 0 */;\n";

/** mariadb, connected as mariadb-dump is by the user's environment, option files and arguments. */
export class MariadbClient {
  /** Which option files are read; the programs take them only as the first of all arguments. */
  readonly fileArguments: readonly string[];
  /** The environment, with a password that was given as an argument moved into it. */
  readonly #environment: Environment;
  readonly #options: readonly Option[];
  readonly #passwordGiven: boolean;
  #resolved: Promise<Connection> | undefined;

  constructor(environment: Environment, options: readonly Option[], password: string | undefined) {
    this.#options = options.filter(({ name }) => !fileOptions.has(name));
    this.fileArguments = options
      .filter(({ name }) => fileOptions.has(name))
      .map(({ name, value }) => (value === undefined ? `--${name}` : `--${name}=${value}`));
    this.#passwordGiven = password !== undefined;
    this.#environment = password === undefined ? environment : { ...environment, MYSQL_PWD: password };
  }

  /**
   * Runs statements, in no database, and returns their rows, tab-separated.
   * @param explain what to make of a statement that fails; what is wrong with the connection is told here
   * @throws Unreachable, or another BackupError `connect`
   */
  async query(sql: string, signal?: AbortSignal, explain?: Command["explain"]): Promise<string> {
    const args = ["--batch", "--skip-column-names", "--connect-timeout=15"];
    const command = await this.connected("mariadb", args, (failure) =>
      explain && ofStatement.test(failure.stderr) ? explain(failure) : explainQuery(failure),
    );
    return (await run(command, { input: `${noTimeout}${sql}`, signal })).stdout;
  }

  /** A client program that connects as mariadb-dump does. mariadb takes SQL on its stdin and stops at the first error. */
  async connected(
    file: "mariadb" | "mariadb-dump",
    args: readonly string[],
    explain: Command["explain"],
  ): Promise<Command> {
    const { clientArguments, password } = await this.connection();
    // The account is the dump's: what option files have for the mariadb client alone must not come into it.
    const all = [
      "--no-defaults",
      ...clientArguments,
      "--default-character-set=utf8mb4",
      ...ownArguments[file],
      ...args,
    ];
    const command = this.command(file, all, explain);
    return password === undefined ? command : { ...command, env: { ...command.env, MYSQL_PWD: password } };
  }

  /** How mariadb-dump will connect, option files included. */
  connection(): Promise<Connection> {
    this.#resolved ??= this.#resolveConnection();
    return this.#resolved;
  }

  async #resolveConnection(): Promise<Connection> {
    const command = this.command(
      "mariadb-dump",
      [...this.fileArguments, "--print-defaults"],
      explainDefaults,
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
    const options = [...fromFiles.options, ...this.#options].filter(({ name }) =>
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

  command(file: string, args: string[], explain: Command["explain"]): Command {
    return { file, args, env: this.#environment, explain };
  }
}

/**
 * A statement that fails may have data or a password in it: it is not to be repeated in the error. Without --comments the
 * client takes the comments out of routines and triggers, and without --binary-mode the carriage return out of each CR LF.
 */
const ownArguments = {
  mariadb: ["--loose-skip-print-query-on-error", "--comments", "--binary-mode"],
  "mariadb-dump": [],
};

interface Connection {
  readonly host: string;
  readonly port: number;
  readonly hostArguments: readonly string[];
  readonly clientArguments: readonly string[];
  /** The password of an option file. */
  readonly password: string | undefined;
}

/** A name as SQL has it. */
export function identifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** Compares a column with a name, letter by letter: the system tables' own collation ignores case. */
export function isNamed(column: string, name: string): string {
  return `HEX(${column}) = '${Buffer.from(name).toString("hex").toUpperCase()}'`;
}

/** Reads what HEX() wrote. */
export function fromHex(text: string): string {
  return Buffer.from(text, "hex").toString();
}
