import type { Environment } from "../environment.ts";
import { BackupError } from "../errors.ts";
import { run } from "../subprocess.ts";
import {
  type Dump,
  type DumpFormat,
  type DumpProgram,
  type MissingRight,
  type Engine,
  type Server,
  type Target,
} from "./engine.ts";
import { readOptions, refuse } from "./options.ts";
import { conninfo, PostgresClient } from "./postgres-client.ts";
import { explainDump, NoSuchDatabase } from "./postgres-failure.ts";
import { marks } from "./postgres-marks.ts";
import { connectionOptions, readFormat, refusals, syntax } from "./postgres-options.ts";
import { watchRewrites } from "./postgres-rewrites.ts";
import { PostgresRestorer } from "./postgres-restorer.ts";
import { databasesQuery, globalsRightsQuery, rightsQuery, type ServerRow } from "./postgres-queries.ts";

/** PostgreSQL, by psql, pg_dump and pg_dumpall, which libpq's own variables configure. */
export class Postgres implements Engine {
  readonly name = "postgres";
  readonly format: DumpFormat;
  readonly dumpOptions: readonly string[];
  readonly #arguments: readonly string[];
  readonly #client: PostgresClient;

  /** @throws BackupError `configuration` for arguments that cannot be passed on */
  constructor(environment: Environment, programArguments: readonly string[]) {
    this.#arguments = programArguments;
    const options = readOptions(programArguments, syntax);
    refuse(options, refusals, "pg_dump");
    this.format = readFormat(options);
    this.dumpOptions = options
      .filter(({ name }) => !connectionOptions.has(name))
      .flatMap(({ words }) => words);
    this.#client = new PostgresClient(environment, options);
  }

  get restorer(): PostgresRestorer {
    return new PostgresRestorer(this.#client);
  }

  async connect(databases: readonly string[], signal?: AbortSignal): Promise<Server> {
    const candidates = new Set([...databases, ...this.#client.maintenanceDatabases]);
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
    const answer = await this.#client.query(
      database,
      `\\echo :HOST\n\\echo :PORT\n${databasesQuery}`,
      signal,
    );
    const [host = "", port = "", row = ""] = answer.split("\n");
    const { version, databases } = JSON.parse(row) as ServerRow;
    return {
      ...this.#client.serverName(host, Number(port)),
      product: `PostgreSQL ${version}`,
      version,
      databases: databases.map((each) => ({ ...each, bytes: each.bytes ?? undefined })),
    };
  }

  async dumpProgram(target: Target): Promise<DumpProgram> {
    const program = target.scope === "database" ? "pg_dump" : "pg_dumpall";
    const { stdout } = await run(this.#client.command(program, ["--version"], explainDump(target)));
    return { program, version: /\d+(\.\d+)*/.exec(stdout)?.[0] ?? stdout.trim() };
  }

  requireVersion(client: DumpProgram, server: Server): void {
    const [needed, have] = [major(server.version), major(client.version)];
    if (needed <= have) return;
    throw new BackupError(
      "dump",
      `${client.program} ${client.version} is too old for a server of PostgreSQL ${server.version}`,
      {
        hint: `use the image rcdump-postgres:${needed}, or put pg_dump ${needed} or newer on the PATH`,
      },
    );
  }

  async dump(target: Target, server?: Server, signal?: AbortSignal): Promise<Dump> {
    const common = { arguments: this.#arguments };
    const explain = explainDump(target);
    if (target.scope === "database") {
      const options = readOptions(this.#arguments, syntax);
      const rewrittenTables = await watchRewrites(this.#client, target.database, options, signal).catch(
        (error: unknown) => {
          signal?.throwIfAborted();
          // Mostly pg_dump fails too, and says it better.
          return () => Promise.reject(error);
        },
      );
      // In front, where no option of the user's can take it for its value.
      const args = ["--no-password", `--dbname=${conninfo(target.database)}`, ...this.#arguments];
      const command = this.#client.dumper("pg_dump", args, explain);
      const about = { format: this.format, marks: marks[this.format] };
      return { ...common, command, ...about, ...(rewrittenTables && { rewrittenTables }) };
    }
    const format = { format: "sql", marks: marks.cluster } as const;
    if (target.scope === "server")
      return {
        ...common,
        ...format,
        command: this.#client.dumper("pg_dumpall", ["--no-password", ...this.#arguments], explain),
      };
    const args = ["--no-password", ...this.#client.connectionArguments, "--globals-only"];
    // Managed servers let nobody read pg_authid, and pg_dumpall then writes a hundred bytes and fails.
    if ((await this.missingRights(target, server, signal)).length > 0) args.push("--no-role-passwords");
    return { ...format, command: this.#client.dumper("pg_dumpall", args, explain), arguments: args };
  }

  async redump(database: string, dumpArguments: readonly string[]): Promise<Dump> {
    const options = readOptions(dumpArguments, syntax);
    const content = options.filter(({ name }) => !connectionOptions.has(name)).flatMap(({ words }) => words);
    const args = ["--no-password", `--dbname=${conninfo(database)}`, ...this.#client.connectionArguments];
    const explain = explainDump({ scope: "database", database });
    const format = readFormat(options);
    const command = this.#client.dumper("pg_dump", [...args, ...content], explain);
    return { command, format, marks: marks[format], arguments: content };
  }

  async missingRights(target: Target, _server?: Server, signal?: AbortSignal): Promise<MissingRight[]> {
    const answer =
      target.scope === "database"
        ? await this.#client.query(target.database, rightsQuery, signal)
        : await this.#client.queryElsewhere([], globalsRightsQuery, signal);
    const missing = JSON.parse(answer) as string[];
    // Roles can be dumped without their passwords, but only if the whole server is not asked for.
    return missing.map((right) => ({ right, fatal: target.scope !== "globals" }));
  }

  async omissions(target: Target, server: Server, signal?: AbortSignal): Promise<string[]> {
    // pg_dump fails on whatever it may not read.
    if (target.scope !== "globals") return [];
    return (await this.missingRights(target, server, signal)).map(({ right }) => right);
  }
}

function major(version: string): number {
  return Number.parseInt(version, 10);
}
