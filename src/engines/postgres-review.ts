import { BackupError } from "../errors.ts";
import type { Review } from "../program.ts";
import { redact } from "../redaction.ts";

/** What psql says of an error, with VERBOSITY=verbose: the word for it may be in any language, the SQLSTATE is in none. */
const report = /^(?:psql:<stdin>:\d+: )?([^:\s][^:]*):\s+([0-9A-Z]{5}): (.*)$/;

/**
 * What the server calls what is none. A warning may have an error's SQLSTATE; in another language, by a word that could be any,
 * it counts as an error. (The dump sets client_min_messages itself, and lc_messages is a superuser's to set.)
 */
const noErrors: ReadonlySet<string> = new Set(["WARNING", "NOTICE", "INFO", "LOG", "DEBUG"]);

/** Where in the server an error came up that means a role was to be made that there is. */
const atCreateRole = /^\S+:\s+CreateRole, \S+:\d+$/;

/** What psql complains of by itself. */
const complaint =
  /^(?:psql:<stdin>:\d+: )?(?:error: |fatal: )?(invalid command|\\\w+: |You are currently not connected|backslash commands are restricted|unterminated)/;

/** Success, warnings, no data: see "PostgreSQL Error Codes" in its manual. */
const noError = /^0[012]/;
const duplicateObject = "42710";
const undefinedObject = "42704";

/** How many errors are told. */
const toldAtMost = 10;

/**
 * Reads the errors of a dump of the server, at which psql does not stop: it creates roles that there are already, at least the
 * one that restores it. And pg_dump 17 and newer set what older servers do not know.
 */
export function reviewCluster(): Review {
  const told: string[] = [];
  let count = 0;
  /** A duplicate of which it is not known yet whether it is a role. */
  let duplicate: string | undefined;
  const note = (message: string): void => {
    count++;
    if (told.length < toldAtMost) told.push(redact(message));
  };
  const settleDuplicate = (): void => {
    if (duplicate !== undefined) note(duplicate);
    duplicate = undefined;
  };
  return {
    line: (text) => {
      if (atCreateRole.test(text)) duplicate = undefined;
      if (complaint.test(text)) note(text);
      const [, severity = "", state, message = ""] = report.exec(text) ?? [];
      if (state === undefined) return;
      settleDuplicate();
      if (noErrors.has(severity)) return;
      if (state === duplicateObject) duplicate = message;
      else if (
        !(state === undefinedObject && message.includes("transaction_timeout")) &&
        !noError.test(state)
      )
        note(message);
    },
    verdict: () => {
      settleDuplicate();
      if (count === 0) return undefined;
      const rest = count > told.length ? [`and ${count - told.length} more`] : [];
      const message = "the dump was read to its end, but not all of it could be restored";
      return new BackupError("restore", [message, ...told, ...rest].join("\n  - "), {
        hint: "a dump of a whole server wants a server that is empty",
      });
    },
  };
}
