import { BackupError } from "../errors.ts";

/** Refuses a recipient or identity. `message` and `hint` must not contain any part of what was given. */
export function refuse(message: string, hint?: string): never {
  throw new BackupError("configuration", message, { hint });
}

/** A key as it was written, and where: `line 3`, `entry 2`. */
export interface Entry {
  readonly place: string;
  readonly text: string;
}

/** More problems than this are counted, not listed: a wrong file has one in every line. */
const maximumListed = 5;

/**
 * Parses every entry and reports all that are refused in one BackupError `configuration`, whose message
 * names `origin` (a variable, and the file if there is one) and the place of each.
 */
export function parseEntries<T>(origin: string, entries: readonly Entry[], parse: (text: string) => T): T[] {
  const parsed: T[] = [];
  const problems: { place: string; error: BackupError }[] = [];
  for (const { place, text } of entries) {
    try {
      parsed.push(parse(text));
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      problems.push({ place, error });
    }
  }
  if (problems.length === 0) return parsed;
  const listed = problems.slice(0, maximumListed);
  const messages = listed.map(({ place, error }) => `${place}: ${error.message}`);
  if (problems.length > listed.length) messages.push(`and ${problems.length - listed.length} more`);
  const hints = new Set(listed.map(({ error }) => error.hint).filter((hint) => hint !== undefined));
  return refuse(`${origin}: ${messages.join("; ")}`, [...hints].join("; ") || undefined);
}
