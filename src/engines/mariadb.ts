import type { Environment } from "../environment.ts";
import { BackupError } from "../errors.ts";
import { run } from "../subprocess.ts";
import {
  type Dump,
  type DumpProgram,
  type MissingRight,
  type Engine,
  type Server,
  type Target,
  targetName,
} from "./engine.ts";
import { MariadbClient } from "./mariadb-client.ts";
import { explainDump } from "./mariadb-failure.ts";
import {
  connectionOption,
  fileOptions,
  largestPacket,
  refusals,
  syntax,
  takePassword,
} from "./mariadb-options.ts";
import { marks } from "./mariadb-marks.ts";
import { MariadbRestorer } from "./mariadb-restorer.ts";
import {
  readDatabases,
  readRights,
  databasesQuery,
  generatedColumnsQuery,
  grantsQuery,
  serverQuery,
} from "./mariadb-queries.ts";
import { type Option, readOptions, refuse } from "./options.ts";

/**
 * A consistent dump with everything in it: mariadb-dump leaves routines and events out unless told. What the user
 * passes comes after these and wins.
 */
const standardArguments = ["--routines", "--events", "--triggers"];

/** What makes it consistent, unless the user would have all tables locked: mariadb-dump takes only one of the two. */
function consistency(options: readonly Option[]): string[] {
  return options.some(({ name }) => name === "lock-all-tables") ? [] : ["--single-transaction"];
}

/** MariaDB and MySQL, by mariadb and mariadb-dump, configured by option files, arguments, and MYSQL_* variables. */
export class MariaDB implements Engine {
  readonly name = "mariadb";
  readonly format = "sql";
  readonly dumpOptions: readonly string[];
  /** What comes before the user's arguments. */
  readonly #standardArguments: readonly string[];
  /** The user's arguments without option files and password. */
  readonly #arguments: readonly string[];
  readonly #client: MariadbClient;

  /** @throws BackupError `configuration` for arguments that cannot be passed on */
  constructor(environment: Environment, programArguments: readonly string[]) {
    const { options, password } = takePassword(programArguments);
    refuse(options, refusals, "mariadb-dump");
    const others = options.filter(({ name }) => !fileOptions.has(name));
    this.#standardArguments = [...consistency(others), ...standardArguments];
    this.#arguments = others.flatMap(({ words }) => words);
    this.dumpOptions = others
      .filter(({ name }) => !connectionOption.test(name))
      .flatMap(({ words }) => words);
    this.#client = new MariadbClient(environment, options, password);
  }

  get restorer(): MariadbRestorer {
    return new MariadbRestorer(this.#client);
  }

  async connect(_databases: readonly string[], signal?: AbortSignal): Promise<Server> {
    const { host, port } = await this.#client.connection();
    const [server = "", ...rows] = (await this.#client.query(`${serverQuery};\n${databasesQuery}`, signal))
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
    const command = this.#client.command("mariadb-dump", ["--version"], explainDump("the server"));
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
    const { hostArguments } = await this.#client.connection();
    const options = [
      ...this.#client.fileArguments,
      largestPacket,
      ...this.#standardArguments,
      ...hostArguments,
      ...this.#arguments,
    ];
    const what = target.scope === "database" ? ["--", target.database] : ["--all-databases"];
    return {
      command: this.#client.command("mariadb-dump", [...options, ...what], explainDump(targetName(target))),
      format: "sql",
      marks: (await this.#hasComments(options)) ? marks : { beginning: marks.beginning },
      arguments: [...this.#standardArguments, ...this.#arguments],
    };
  }

  async redump(database: string, dumpArguments: readonly string[], origin: string): Promise<Dump> {
    const content = readOptions(dumpArguments, syntax)
      .filter(({ name }) => !connectionOption.test(name))
      .flatMap((option) => ofDatabase(option, origin, database));
    const args = [largestPacket, ...content, "--", database];
    const command = await this.#client.connected("mariadb-dump", args, explainDump(database));
    return { command, format: "sql", marks: { beginning: marks.beginning }, arguments: content };
  }

  /** A dump without comments (--compact, --skip-comments, in an option file too) has no closing one. */
  async #hasComments(options: string[]): Promise<boolean> {
    const command = this.#client.command("mariadb-dump", [...options, "--help"], explainDump("the server"));
    const { stdout } = await run(command);
    return !/^comments\s+FALSE$/m.test(stdout);
  }

  async missingRights(target: Target, server: Server, signal?: AbortSignal): Promise<MissingRight[]> {
    const database = target.scope === "database" ? target.database : undefined;
    const missing = readRights((await this.#client.query(grantsQuery, signal)).split("\n"), database);
    if (server.product.startsWith("MariaDB")) return missing;
    // mariadb-dump writes the values, as MariaDB takes them (MDEV-32362).
    const tables = (await this.#client.query(generatedColumnsQuery(database), signal)).trim();
    if (tables === "") return missing;
    const right = `generated columns in ${tables.split("\n").join(", ")}: MySQL refuses the rows of a dump of these (error 3105), which MariaDB takes`;
    return [...missing, { right, fatal: false }];
  }

  async omissions(target: Target, server: Server, signal?: AbortSignal): Promise<string[]> {
    const missing = await this.missingRights(target, server, signal);
    return missing.flatMap(({ right, fatal }) => (fatal ? [] : [right]));
  }
}

/** The words of an option that leaves a table out, which names the database that it is in; any other as it is. */
function ofDatabase({ name, value, words }: Option, from: string, to: string): readonly string[] {
  if (!name.startsWith("ignore-table") || !value?.startsWith(`${from}.`)) return words;
  return [`--${name}=${to}${value.slice(from.length)}`];
}

function isNewer(left: readonly string[], right: readonly string[]): boolean {
  const index = left.findIndex((part, at) => part !== right[at]);
  return index >= 0 && Number(left[index]) > Number(right[index] ?? 0);
}
