import type { Command } from "../program.ts";
import { BackupError } from "../errors.ts";
import type { Restorer } from "./restorer.ts";

/** What one dump is of. */
export type Target =
  | { readonly scope: "database"; readonly database: string }
  | { readonly scope: "server" }
  | { readonly scope: "globals" };

/** How a person calls a target. */
export function targetName(target: Target): string {
  if (target.scope === "database") return target.database;
  return target.scope === "server" ? "all databases" : "roles and tablespaces";
}

export type DumpFormat = "sql" | "custom" | "tar";

/** What tells a complete dump from one that was cut, or is none. */
export interface Marks {
  /** Matches the first bytes, as Latin-1. */
  readonly beginning: RegExp;
  /** Matches the last kilobyte; there is none where the format or the user's arguments leave no mark at the end. */
  readonly ending?: RegExp | undefined;
}

/** One dump, ready to be started. */
export interface Dump {
  readonly command: Command;
  readonly format: DumpFormat;
  readonly marks: Marks;
  /** The user's arguments without secrets, for the manifest. */
  readonly arguments: readonly string[];
  /** Asked when the first bytes have come, tells which tables may be without their rows in it, because they were rewritten as it began. */
  readonly rewrittenTables?: (signal: AbortSignal) => Promise<readonly string[]>;
}

export interface DatabaseInfo {
  readonly name: string;
  /** On the server's disk; undefined where this account may not see it. */
  readonly bytes: number | undefined;
  /** Its default character set, where that is not in its dump. */
  readonly characterSet?: CharacterSet | undefined;
}

/** What a database's texts are encoded in, and how they are compared, by the server's names. */
export interface CharacterSet {
  readonly name: string;
  readonly collation: string;
}

/** A server that was reached and logged in to. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** Such as `PostgreSQL 15.18` or `MariaDB 10.11.19`. */
  readonly product: string;
  readonly version: string;
  /** Those that `*` stands for: what can be connected to, without templates and system schemas. */
  readonly databases: readonly DatabaseInfo[];
}

export interface DumpProgram {
  readonly program: string;
  readonly version: string;
}

/** A kind of database server, and the arguments the user gave for its dump program. */
export interface Engine {
  readonly name: "postgres" | "mariadb";
  /** The format that the user's arguments ask for. */
  readonly format: DumpFormat;
  /** Those of the user's arguments that are about dumps, and not about how to reach the server. */
  readonly dumpOptions: readonly string[];
  readonly restorer: Restorer;
  /**
   * Reaches the server and logs in.
   * @param databases names that the user gave literally: an account may be able to log in to nothing else
   * @throws Unreachable if it does not answer, BackupError `connect` if it refuses
   */
  connect(databases: readonly string[], signal?: AbortSignal): Promise<Server>;
  /** @throws BackupError `dump` if it is not installed */
  dumpProgram(target: Target): Promise<DumpProgram>;
  /** @throws BackupError `dump` if the program is older than the server and would fail, or lose what it does not know */
  requireVersion(program: DumpProgram, server: Server): void;
  dump(target: Target, server: Server, signal?: AbortSignal): Promise<Dump>;
  /**
   * A dump of another database that is made as an earlier one was.
   * @param dumpArguments of that one's manifest
   * @param origin what that one was of
   */
  redump(database: string, dumpArguments: readonly string[], origin: string): Promise<Dump>;
  /** What this account may not do that a dump of the target needs. */
  missingRights(target: Target, server: Server, signal?: AbortSignal): Promise<MissingRight[]>;
  /** Those of them for which a dump says nothing and leaves something out. */
  omissions(target: Target, server: Server, signal?: AbortSignal): Promise<string[]>;
}

/** A right that the account lacks. */
export interface MissingRight {
  readonly right: string;
  /** Whether a dump fails without it; otherwise it goes well and something is left out. */
  readonly fatal: boolean;
}

/** A server that does not answer, and perhaps will. */
export class Unreachable extends BackupError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown }) {
    super("connect", message, options);
  }
}
