import { BackupError } from "../errors.ts";
import type { CharacterSet, DumpFormat, Target } from "./engine.ts";
import { identifier, isNamed, type MariadbClient } from "./mariadb-client.ts";
import { databaseIn, redirectAlteration } from "./mariadb-alteration.ts";
import { exchangeDatabases } from "./mariadb-exchange.ts";
import { explainCreation, explainLoad, restoreError } from "./mariadb-failure.ts";
import { largestPacket } from "./mariadb-options.ts";
import { marks } from "./mariadb-marks.ts";
import { redirectView, viewBeginnings } from "./mariadb-views.ts";
import type { Creation, DatabaseState, Departure, Exchange, Load, Restorer } from "./restorer.ts";

/**
 * What leads out of a database. Rows have no line of their own, for newlines in them are escaped; but the texts of
 * routines, triggers and events have, which begin with a change of the delimiter.
 * @param options.trusted whether they may be passed over; otherwise every line counts
 * @param options.origin the database that the dump is of, if that is known
 */
function departuresOf({ trusted, origin }: { trusted: boolean; origin: string | undefined }): Departure[] {
  const before = trusted ? "DELIMITER " : undefined;
  return [
    ...["USE ", "CREATE DATABASE ", "DROP DATABASE ", "/*!40000 DROP DATABASE "].map((beginning) => ({
      beginning,
      destination: databaseIn,
      before,
    })),
    { beginning: "-- Current Database: `", destination: databaseIn },
    { beginning: "ALTER DATABASE `", destination: () => undefined, redirect: redirectAlteration },
    ...(origin === undefined ? [] : viewsOf(Buffer.from(origin).toString("latin1"))),
  ];
}

/** A view that names its own database. @param origin seen as Latin-1 */
function viewsOf(origin: string): Departure[] {
  return viewBeginnings.map((beginning) => ({
    beginning,
    destination: () => undefined,
    redirect: (line, database) => redirectView(line, origin, database),
    longest: 16 * 1024 * 1024,
  }));
}

/** Brings dumps into MariaDB and MySQL, by mariadb. */
export class MariadbRestorer implements Restorer {
  /** Each CREATE TABLE ends the transaction that it stands in. */
  readonly transactional = false;
  readonly exchangesUnused = false;
  readonly #client: MariadbClient;

  constructor(client: MariadbClient) {
    this.#client = client;
  }

  async inspect(database: string, signal?: AbortSignal): Promise<DatabaseState | undefined> {
    const rows = await this.#client.query(
      `SELECT
        (SELECT COUNT(*) FROM information_schema.schemata WHERE ${isNamed("schema_name", database)}),
        (SELECT COUNT(*) FROM information_schema.tables WHERE ${isNamed("table_schema", database)} AND table_type NOT IN ('VIEW', 'SEQUENCE')),
        (SELECT COUNT(*) FROM information_schema.tables WHERE ${isNamed("table_schema", database)} AND table_type IN ('VIEW', 'SEQUENCE'))
          + (SELECT COUNT(*) FROM information_schema.routines WHERE ${isNamed("routine_schema", database)})
          + (SELECT COUNT(*) FROM information_schema.events WHERE ${isNamed("event_schema", database)}),
        (SELECT COALESCE(SUM(table_rows), 0) FROM information_schema.tables WHERE ${isNamed("table_schema", database)}),
        (SELECT COUNT(*) FROM information_schema.processlist WHERE ${isNamed("db", database)});`,
      signal,
    );
    const [exists = 0, tables = 0, others = 0, estimate = 0, sessions = 0] = rows
      .trim()
      .split("\t")
      .map(Number);
    return exists === 0 ? undefined : { tables, others, rows: estimate, sessions };
  }

  async create(database: string, { like, characterSet }: Creation, signal?: AbortSignal): Promise<void> {
    const wanted = like === undefined ? characterSet : await this.#characterSetOf(like, signal);
    try {
      await this.#client.query(createDatabase(database, wanted), signal, explainCreation(database));
    } catch (error) {
      // It may have come into being all the same; but not if somebody else made it.
      if (!/ERROR 1007\b/.test(String(error))) await this.drop(database).catch(() => {});
      throw error;
    }
  }

  async #characterSetOf(database: string, signal?: AbortSignal): Promise<CharacterSet> {
    const row = await this.#client.query(
      `SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE ${isNamed("schema_name", database)};`,
      signal,
    );
    const [name = "", collation = ""] = row.trim().split("\t");
    return { name, collation };
  }

  async drop(database: string, { endSessions } = { endSessions: true }): Promise<void> {
    const sessions = await this.#sessionsOn(database);
    if (!endSessions && sessions.length > 0)
      throw new BackupError("restore", `cannot drop database ${database}: somebody is connected to it`);
    // What a client that is gone had begun holds locks until the server notices.
    await this.#end(sessions);
    await this.#client.query(`DROP DATABASE IF EXISTS ${identifier(database)};`, undefined, (failure) =>
      restoreError(`cannot drop database ${database}`, failure, "drop it by hand"),
    );
  }

  async #sessionsOn(database: string): Promise<string[]> {
    const sessions = await this.#client.query(
      `SELECT id FROM information_schema.processlist WHERE ${isNamed("db", database)};`,
    );
    return sessions.split("\n").filter(Boolean);
  }

  async #end(sessions: readonly string[]): Promise<void> {
    for (const id of sessions)
      // It may have ended by itself.
      await this.#client.query(`KILL ${id};`).catch(() => {});
  }

  async load(
    target: Target,
    _format: DumpFormat,
    { trusted, origin }: { trusted: boolean; origin?: string | undefined },
  ): Promise<Load> {
    const isDatabase = target.scope === "database";
    const what = isDatabase ? target.database : "the server";
    const args = [largestPacket, ...(isDatabase ? ["--", target.database] : [])];
    return {
      toSql: undefined,
      // A dump that was made without comments has no closing one, and its digest vouches for it.
      marks: trusted ? { beginning: marks.beginning } : marks,
      client: await this.#client.connected("mariadb", args, explainLoad(what)),
      before: "",
      // Accounts come as rows of tables, which the server reads only when it is told to.
      after: isDatabase && target.database !== "mysql" ? "" : "FLUSH PRIVILEGES;\n",
      departures: isDatabase ? departuresOf({ trusted, origin }) : [],
      omission: undefined,
      isTransaction: false,
    };
  }

  async exchange(
    names: Exchange,
    { endSessions, warn }: { endSessions: boolean; warn: (message: string) => void },
  ): Promise<void> {
    if (endSessions) await this.#end(await this.#sessionsOn(names.live));
    const creation = createDatabase(names.kept, await this.#characterSetOf(names.live));
    await exchangeDatabases(this.#client, names, creation, warn);
  }
}

function createDatabase(database: string, characterSet: CharacterSet | undefined): string {
  const options =
    characterSet &&
    ` CHARACTER SET ${identifier(characterSet.name)} COLLATE ${identifier(characterSet.collation)}`;
  return `CREATE DATABASE ${identifier(database)}${options ?? ""};`;
}
