import { BackupError } from "./errors.ts";
import { isScratch } from "./scratch.ts";

/** Whether a name in BACKUP_DATABASES stands for itself, not for whatever it matches. */
export function isLiteral(name: string): boolean {
  return !name.startsWith("!") && !/[*?]/.test(name);
}

/**
 * The databases that BACKUP_DATABASES stands for. Names and globs are matched whole and exactly: `app` is never `app2`.
 * A literal name is taken whether it exists or not. What rcdump makes for a while itself is matched by no glob.
 * @param existing what `*` stands for
 */
export function matchDatabases(names: readonly string[], existing: readonly string[]): string[] {
  const lasting = existing.filter((name) => !isScratch(name));
  const excluded = names.filter((name) => name.startsWith("!")).map((name) => matcher(name.slice(1)));
  const selected = names
    .filter((name) => !name.startsWith("!"))
    .flatMap((name) => (isLiteral(name) ? [name] : lasting.filter(matcher(name))))
    .filter((name) => !excluded.some((matches) => matches(name)));
  return [...new Set(selected)];
}

/**
 * The databases to back up. One that is named and does not exist is among them: the dump says what is wrong with it.
 * @throws BackupError `configuration` if there is none
 */
export function selectDatabases(names: readonly string[], existing: readonly string[]): string[] {
  const selected = matchDatabases(names, existing);
  if (selected.length > 0) return selected;
  throw new BackupError("configuration", `no database matches BACKUP_DATABASES=${names.join(",")}`, {
    hint:
      existing.length === 0
        ? "this account sees no database: grant it rights on them"
        : `the server has ${existing.join(", ")}`,
  });
}

function matcher(glob: string): (name: string) => boolean {
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const pattern = new RegExp(`^${source}$`, "su");
  return (name) => pattern.test(name);
}
