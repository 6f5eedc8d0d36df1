import type { Logger } from "../log.ts";
import { BackupError } from "../errors.ts";

/** Said of tables whose rows may not be in a dump, because they were rewritten as it began. */
export type OnRewritten = (tables: readonly string[]) => void;

class RewrittenTables extends BackupError {
  constructor(tables: readonly string[]) {
    super("dump", `${enumerate(tables)} rewritten as the dump began`);
  }
}

/** How often a dump is begun. What rewrites a table each time does it all the time. */
const attempts = 3;

/**
 * Makes a dump, and another one in its place if tables were rewritten as it began. The last is taken as it is, with a warning: a backup
 * without the rows of a table that is forever emptied and filled is better than none.
 * @param make is to call its argument as soon as it is known, and to fail if that throws
 */
export async function beginAgainIfRewritten<T>(
  log: Logger,
  database: string,
  make: (onRewritten: OnRewritten) => Promise<T>,
): Promise<T> {
  for (let left = attempts - 1; left > 0; left -= 1) {
    try {
      return await make((tables) => {
        throw new RewrittenTables(tables);
      });
    } catch (error) {
      if (!(error instanceof RewrittenTables)) throw error;
      log.info({ database }, `${database}: ${error.message}, which begins again`);
    }
  }
  return make((tables) => {
    log.warn(
      {
        database,
        hint: "back it up while nothing empties or rewrites tables (TRUNCATE, ALTER TABLE), or leave their rows out by -- --exclude-table-data=TABLE",
      },
      `${database}: rows may be missing, for ${enumerate(tables)} rewritten each of the ${attempts} times that the dump began`,
    );
  });
}

/** Names that are enough to recognise what is meant. */
const namesShown = 5;

function enumerate(tables: readonly string[]): string {
  const more = tables.length - namesShown;
  const names = tables.slice(0, namesShown).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return `${names} ${tables.length === 1 ? "was" : "were"}`;
}
