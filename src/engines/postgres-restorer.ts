import { BackupError } from "../errors.ts";
import type { Command, SubprocessError } from "../program.ts";
import type { Omission } from "../sql-frame.ts";
import type { DumpFormat, Target } from "./engine.ts";
import { identifier, literal, mayWrite, type PostgresClient } from "./postgres-client.ts";
import {
  addLateSettings,
  createEmpty,
  createLike,
  databaseState,
  dropDatabase,
  dropSubscriptions,
  hasSubscriptions,
  type LikeRow,
  likeQuery,
} from "./postgres-database.ts";
import { explainCreation, explainLoad, restoreError, serverWords } from "./postgres-failure.ts";
import { marks } from "./postgres-marks.ts";
import { reviewCluster } from "./postgres-review.ts";
import type { Creation, DatabaseState, Departure, Exchange, Load, Restorer } from "./restorer.ts";

/** A dump of a whole server goes from one database to the next by \\connect, which ends the transaction. */
const clusterDump: Departure = {
  beginning: "-- PostgreSQL database cluster dump",
  destination: () => "after database, for it is of a whole server",
  before: "SET ",
};

/**
 * In the rows of a dump a backslash is doubled; in its other texts there may be such a line. (One made with --create has one
 * as well, and before it a CREATE DATABASE, at which the transaction fails.)
 */
const connectLine: Departure = {
  beginning: String.raw`\connect `,
  destination: (line) => line.slice(String.raw`\connect `.length).trim(),
};

/** pg_dump 17 and newer write it whatever the server is that they dump, and older servers stop at it. */
const transactionTimeout = { pattern: /^SET transaction_timeout = 0;\n/m, within: 4096 };

/** Where the roles of a server's dump end, in bytes: thousands of them. */
const rolesWithin = 1024 * 1024;

/** A server works on for a client that is gone, and keeps its locks. Not every platform can do this. */
const noticeTheEnd = `\\set ON_ERROR_STOP off
SET client_connection_check_interval = '5s';
\\set ON_ERROR_STOP on
`;

/** Brings dumps into PostgreSQL, by psql. */
export class PostgresRestorer implements Restorer {
  readonly transactional = true;
  readonly exchangesUnused = true;
  readonly #client: PostgresClient;

  constructor(client: PostgresClient) {
    this.#client = client;
  }

  async inspect(database: string, signal?: AbortSignal): Promise<DatabaseState | undefined> {
    const sessions = await this.#client.queryElsewhere(
      [],
      `SELECT (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid AND backend_type = 'client backend' AND pid <> pg_backend_pid())
       FROM pg_database d WHERE datname = ${literal(database)};`,
      signal,
    );
    if (sessions.trim() === "") return undefined;
    const state = JSON.parse(await this.#client.query(database, databaseState, signal)) as Omit<
      DatabaseState,
      "sessions"
    >;
    return { ...state, sessions: Number(sessions) };
  }

  async create(database: string, creation: Creation, signal?: AbortSignal): Promise<void> {
    try {
      await this.#create(database, creation, signal);
    } catch (error) {
      // It may have come into being all the same; but not if somebody else made it.
      if (!/already exists/.test(String(error))) await this.drop(database).catch(() => {});
      throw error;
    }
  }

  async #create(database: string, { like, characterSet }: Creation, signal?: AbortSignal): Promise<void> {
    const explain = explainCreation(database);
    if (like === undefined) {
      await this.#client.queryElsewhere([], createEmpty(database, characterSet?.name), signal, explain);
      return;
    }
    const row = JSON.parse(
      await this.#client.queryElsewhere([], likeQuery(like, database), signal),
    ) as LikeRow;
    await this.#client.queryElsewhere([], createLike(database, row), signal, explain);
  }

  async drop(database: string, { endSessions } = { endSessions: true }): Promise<void> {
    const explain = (failure: SubprocessError): BackupError =>
      restoreError(`cannot drop database ${database}`, failure, "drop it by hand");
    const subscribes = await this.#client.queryElsewhere([database], hasSubscriptions(database));
    if (subscribes.trim() === "t") await this.#client.query(database, dropSubscriptions, undefined, explain);
    const drop = endSessions ? dropDatabase(database) : `DROP DATABASE IF EXISTS ${identifier(database)};`;
    await this.#client.queryElsewhere([database], drop, undefined, explain);
  }

  async load(
    target: Target,
    format: DumpFormat,
    { trusted, serverVersion }: { trusted: boolean; serverVersion: string },
  ): Promise<Load> {
    const major = Number.parseInt(serverVersion, 10);
    const toSql = format === "sql" ? undefined : this.#toSql();
    if (target.scope === "database")
      return {
        toSql,
        omission: major < 17 ? () => Promise.resolve(transactionTimeout) : undefined,
        isTransaction: true,
        // Not --single-transaction: with that psql commits whatever it was given when its input ends, and when it breaks off.
        before: `${major >= 14 ? noticeTheEnd : ""}${mayWrite}${this.#client.setRole}BEGIN;\n`,
        after: "COMMIT;\n",
        marks: marks.sql,
        client: this.#client.psql(target.database, explainLoad(target.database)),
        departures: trusted ? [clusterDump] : [clusterDump, connectLine],
      };
    const [database = "postgres"] = this.#client.maintenanceDatabases;
    const goOn = ["-v", "ON_ERROR_STOP=0", "-v", "VERBOSITY=verbose"];
    const client = this.#client.psql(database, explainLoad("the server"), goOn);
    return {
      toSql,
      omission: () => this.#ownPassword(),
      isTransaction: false,
      before: "",
      after: "",
      marks: marks.cluster,
      client: { ...client, review: reviewCluster },
      departures: [],
    };
  }

  /** The password of the role that restores, in a dump of all roles: with another one it could not go on to the next database. */
  async #ownPassword(): Promise<Omission> {
    const role = await this.#client.queryElsewhere([], "SELECT quote_ident(session_user);");
    const name = Buffer.from(role.trim())
      .toString("latin1")
      .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = new RegExp(`(?<=^ALTER ROLE ${name} WITH [^\\n]*) PASSWORD '[^'\\n]*'`, "m");
    return { pattern, within: rolesWithin };
  }

  /** pg_restore, which reads its custom and tar formats from a stream as well. */
  #toSql(): Command {
    const explain = (failure: SubprocessError): BackupError =>
      new BackupError("integrity", `pg_restore cannot read the dump: ${serverWords(failure)}`, {
        cause: failure,
        hint: /unsupported version/.test(failure.stderr)
          ? "it was made by a newer pg_dump: use the rcdump image of that version"
          : undefined,
      });
    return this.#client.command("pg_restore", ["--file=-"], explain, { LC_ALL: "C" });
  }

  async exchange(
    { live, replacement, kept }: Exchange,
    { endSessions }: { endSessions: boolean },
  ): Promise<void> {
    const avoid = [live, replacement];
    const explain = (failure: SubprocessError): BackupError =>
      restoreError(
        `cannot exchange ${replacement} for ${live}`,
        failure,
        /being accessed by other users/.test(failure.stderr)
          ? `end the sessions on ${live}, or add --force, which does`
          : undefined,
      );
    // Nobody gets in again between the end of the sessions and the exchange.
    const close = endSessions
      ? `ALTER DATABASE ${identifier(live)} ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal(live)} AND pid <> pg_backend_pid();`
      : "";
    const rename = `BEGIN;
      ${addLateSettings(replacement, live)}
      ALTER DATABASE ${identifier(live)} RENAME TO ${identifier(kept)};
      ALTER DATABASE ${identifier(replacement)} RENAME TO ${identifier(live)};
      COMMIT;`;
    const open = (name: string): string =>
      endSessions ? `ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS true;` : "";
    try {
      await this.#client.queryElsewhere(avoid, `${close}\n${rename}\n${open(kept)}`, undefined, explain);
    } catch (error) {
      if (endSessions) await this.#client.queryElsewhere(avoid, open(live)).catch(() => {});
      throw error;
    }
  }
}
