import { identifier } from "./mariadb-client.ts";

/** A view, trigger, routine or event, and whose it is. */
export interface Defined {
  /** As `information_schema` has it: FUNCTION, PROCEDURE, PACKAGE, PACKAGE BODY, EVENT; or VIEW, TRIGGER. */
  readonly kind: string;
  /** `user@host`, or `role@`. */
  readonly definer: string;
}

/** A definer as SQL has it. A role has no host. */
function account(definer: string): string {
  const at = definer.lastIndexOf("@");
  const [user, host] = [definer.slice(0, at), definer.slice(at + 1)];
  return host === "" ? identifier(user) : `${identifier(user)}@${identifier(host)}`;
}

/** Makes an object of a kind and drops it; it must go through wherever an object of that kind and definer can be made. */
const attempts: Readonly<Record<string, readonly [create: string, drop: string]>> = {
  VIEW: ["VIEW rehearsal AS SELECT 1 AS a", "DROP VIEW rehearsal"],
  TRIGGER: [
    "TRIGGER rehearsal BEFORE INSERT ON rehearsed FOR EACH ROW SET @rehearsal = 1",
    "DROP TRIGGER rehearsal",
  ],
  FUNCTION: ["FUNCTION rehearsal() RETURNS int DETERMINISTIC RETURN 1", "DROP FUNCTION rehearsal"],
  PROCEDURE: ["PROCEDURE rehearsal() DO 1", "DROP PROCEDURE rehearsal"],
  EVENT: ["EVENT rehearsal ON SCHEDULE EVERY 1 YEAR DISABLE DO DO 1", "DROP EVENT rehearsal"],
};

/**
 * A script, for an empty database, that fails if this account may not make such objects in the name of such definers. It
 * leaves nothing, unless it fails.
 */
export function rehearsal(objects: readonly Defined[]): string {
  const tried = objects.map(({ kind, definer }) => {
    // Packages need what other routines do, but a mode of their own.
    const [create, drop] = attempts[kind] ?? attempts["PROCEDURE"] ?? [];
    return `CREATE DEFINER = ${account(definer)} ${create};\n${drop};\n`;
  });
  if (tried.length === 0) return "";
  return `CREATE TABLE rehearsed (a int);\n${[...new Set(tried)].join("")}DROP TABLE rehearsed;\n`;
}
