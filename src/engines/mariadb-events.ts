/** How mariadb-dump writes an event that is enabled: what the server says of it, in which nothing before this word is anybody's own text. */
const enabled =
  /^(\/\*!50106 CREATE\*\/ .*?\/\*!50106 EVENT `(?:[^`]|``)+` ON SCHEDULE (?:(?! ON COMPLETION )[^`])* ON COMPLETION (?:NOT )?PRESERVE) ENABLE /gm;

/**
 * Definitions whose events do nothing. An ALTER EVENT would do it too late, and make its session's character set that of the
 * event, whose text is in another.
 */
export function disableEvents(definitions: Buffer): Buffer {
  return Buffer.from(definitions.toString("latin1").replace(enabled, "$1 DISABLE "), "latin1");
}
