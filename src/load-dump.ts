import type { Duplex } from "node:stream";
import type { Context } from "./context.ts";
import type { DumpContents } from "./comparison/dump-contents.ts";
import type { AgeIdentity } from "./encryption/age.ts";
import type { Server, Target } from "./engines/engine.ts";
import { movingMuch } from "./program.ts";
import { frameSql, omitFromBeginning } from "./sql-frame.ts";
import { joinTransactions } from "./single-transaction.ts";
import { stayInDatabase } from "./stay-in-database.ts";
import { readSql, type StoredDump } from "./stored-dump.ts";

/** Where a dump goes. */
export interface Loading {
  /** What the dump is of; a database is the one that it goes to. */
  readonly target: Target;
  readonly server: Server;
  readonly identities: readonly AgeIdentity[];
  /** Digests what passes. */
  readonly contents?: DumpContents;
}

/**
 * Streams a dump into a server. PostgreSQL takes all of it or nothing.
 * @throws BackupError `restore` if the server refuses it, `integrity` or `decrypt` if it cannot be read to its end
 */
export async function loadDump(context: Context, dump: StoredDump, loading: Loading): Promise<void> {
  const { target, server, identities, contents } = loading;
  const load = await context.engine.restorer.load(target, dump.format, {
    trusted: dump.plain !== undefined,
    serverVersion: server.version,
    origin: dump.database,
  });
  const omission = await load.omission?.();
  const further: Duplex[] = [
    ...(target.scope === "database" ? [stayInDatabase(target.database, load.departures)] : []),
    ...(contents ? [contents] : []),
    ...(omission ? [omitFromBeginning(omission)] : []),
    ...(load.isTransaction ? [joinTransactions()] : []),
    frameSql(load.before, load.after),
  ];
  const sink: NonNullable<Parameters<typeof readSql>[2]["sink"]> = (children) =>
    children.sink(movingMuch(load.client));
  await readSql(context, dump, { identities, load, further, sink });
}
