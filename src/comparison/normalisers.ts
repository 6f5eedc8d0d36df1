/** Makes sections equal that differ in what does not count. */
export type Normaliser = (text: string) => string;

/** A name as pg_dump writes it. */
const pgName = String.raw`(?:[^\s",.]+|"(?:[^"]|"")*")`;
const pgNames = new RegExp(pgName, "g");

/** `CREATE POLICY own ON app.people FOR SELECT TO alice, bob`: what stands before the roles, and they. */
const policyRoles = new RegExp(
  `^(CREATE POLICY ${pgName} ON ${pgName}(?:\\.${pgName})?(?: AS RESTRICTIVE)?(?: FOR [A-Z]+)? TO )(${pgName}(?:, ${pgName})*)`,
  "m",
);

/**
 * PostgreSQL's minor versions of autumn 2026 note a position in the log as an option of each column, and a pg_dump of another major does
 * not know yet to leave it out.
 */
function withoutStamps(text: string): string {
  return text
    .replaceAll(/^ALTER TABLE ONLY .* ALTER COLUMN .* SET \(pg_attver=\d+\);\n/gm, "")
    .replaceAll(
      /^(ALTER TABLE ONLY .* ALTER COLUMN .* SET \(.*?)(?:, pg_attver=\d+|\bpg_attver=\d+, )/gm,
      "$1",
    );
}

/**
 * By the type of their object, the sections of pg_dump that are not digested as they are. Where the order of roles is the
 * server's, there is one order for all. Default privileges are a statement for each role; the server sorts them by its
 * numbers. (Of all other privileges it keeps the order in which they were granted.)
 */
export const normaliserOf: ReadonlyMap<string, Normaliser> = new Map([
  [
    "POLICY",
    (text: string) =>
      text.replace(
        policyRoles,
        (_, before: string, roles: string) => before + (roles.match(pgNames) ?? []).toSorted().join(", "),
      ),
  ],
  ["TABLE", withoutStamps],
  ["FOREIGN TABLE", withoutStamps],
  ["MATERIALIZED VIEW", withoutStamps],
  ["DEFAULT ACL", (text: string) => text.split("\n").toSorted().join("\n")],
]);
