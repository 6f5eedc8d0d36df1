import type { Command } from "../program.ts";
import type { Omission } from "../sql-frame.ts";
import type { CharacterSet, DumpFormat, Marks, Target } from "./engine.ts";

/** What a database on the server holds. */
export interface DatabaseState {
  readonly tables: number;
  /** Views, routines and whatever else makes a database not empty. */
  readonly others: number;
  /** As the server estimates it. */
  readonly rows: number;
  /** Sessions of others that are connected to it, as far as this account may see them. */
  readonly sessions: number;
}

/** How a dump is brought into a server. */
export interface Load {
  /** Turns the dump into SQL, if it is not SQL already. */
  readonly toSql: Command | undefined;
  /** What tells a complete dump from one that was cut. */
  readonly marks: Marks;
  /** Takes SQL on its stdin. */
  readonly client: Command;
  /** Written before the dump. */
  readonly before: string;
  /** Written after the dump, if every byte of it was as it should be. */
  readonly after: string;
  /** How a line begins that leads out of the database; there is none where the dump is of several. */
  readonly departures: readonly Departure[];
  /** Finds out what is to be taken out of the beginning of the dump; it may ask the server, which who only reads a dump need not reach. */
  readonly omission: (() => Promise<Omission>) | undefined;
  /** Whether the dump is restored in one transaction, so that none of its own may end it. */
  readonly isTransaction: boolean;
}

/** A line that leads into another database. */
export interface Departure {
  /** How it begins. */
  readonly beginning: string;
  /** Where it leads to; undefined if it only begins like one. */
  destination(line: string): string | undefined;
  /** How a line begins from which on such lines are not looked for: what follows may have texts in it. */
  readonly before?: string | undefined;
  /**
   * The line with the name of another database, where the dump means whichever it is restored into. Both are seen as Latin-1, for
   * a line may be in any character set.
   */
  redirect?(line: string, database: string): string;
  /** More than such a line is long, if that is more than 1024 bytes. */
  readonly longest?: number;
}

/** Names of databases that change places. */
export interface Exchange {
  readonly live: string;
  /** It becomes the live one. */
  readonly replacement: string;
  /** What the live one is called afterwards. */
  readonly kept: string;
}

/** What a new database is to be like. */
export interface Creation {
  /** An existing one, whose encoding, owner, settings and privileges it gets. */
  readonly like?: string | undefined;
  /** Its default character set, where there is none to be like; undefined for the server's. */
  readonly characterSet?: CharacterSet | undefined;
}

/** Brings dumps into a server. Its methods fail with BackupErrors of the operations `connect` and `restore`. */
export interface Restorer {
  /** What a database holds; undefined if there is none of this very name. */
  inspect(database: string, signal?: AbortSignal): Promise<DatabaseState | undefined>;
  create(database: string, options: Creation, signal?: AbortSignal): Promise<void>;
  /**
   * Removes a database, if it exists.
   * @param options.endSessions ends what is connected to it first, which is the default; otherwise it fails if anything is
   */
  drop(database: string, options?: { endSessions: boolean }): Promise<void>;
  /**
   * @param target whose dump it is; `database` is the one it goes to
   * @param trusted whether a digest vouches for the dump, and its manifest for how it was made: then it need not end as one
   * that has comments does, and what looks like a departure in its texts is none
   * @param origin the database that the dump is of, if that is known
   */
  load(
    target: Target,
    format: DumpFormat,
    options: { trusted: boolean; serverVersion: string; origin?: string | undefined },
  ): Promise<Load>;
  /** Whether a load that fails leaves the database as it was. */
  readonly transactional: boolean;
  /** Whether names can be exchanged only while nobody is connected to the live database. */
  readonly exchangesUnused: boolean;
  /**
   * Gives the replacement the live database's name, at once or not at all.
   * @param options.endSessions ends what is connected to the live one; otherwise that is an error
   * @param options.warn told of what the earlier database has lost
   */
  exchange(
    names: Exchange,
    options: { endSessions: boolean; warn: (message: string) => void },
  ): Promise<void>;
}
