import type { DatabaseInfo, MissingRight } from "./engine.ts";

/** Version and its comment, which tells MariaDB from MySQL. */
export const serverQuery = "SELECT VERSION(), @@version_comment";

/**
 * Databases without the system schemas, and their sizes; and without folders that are none, such as a disk's lost+found. Names travel in hex:
 * they may hold tabs and newlines.
 */
export const databasesQuery = `
SELECT HEX(s.schema_name), SUM(t.data_length + t.index_length), s.default_character_set_name, s.default_collation_name
FROM information_schema.schemata s LEFT JOIN information_schema.tables t ON t.table_schema = s.schema_name
WHERE s.schema_name NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') AND s.schema_name NOT LIKE '#mysql50#%'
GROUP BY s.schema_name, s.default_character_set_name, s.default_collation_name ORDER BY s.schema_name;`;

/** The rows of {@link databasesQuery}. */
export function readDatabases(rows: readonly string[]): DatabaseInfo[] {
  return rows.map((row) => {
    const [name = "", bytes = "NULL", characterSet = "", collation = ""] = row.split("\t");
    return {
      name: Buffer.from(name, "hex").toString(),
      bytes: bytes === "NULL" ? 0 : Number(bytes),
      characterSet: { name: characterSet, collation },
    };
  });
}

/**
 * The rights of this account, those of its role included: information_schema does not show these. The session's mode says how names
 * are quoted.
 */
export const grantsQuery = "SET SESSION sql_mode = ''; SHOW GRANTS;";

/** The tables of a database, or with undefined of all, that have generated columns. */
export function generatedColumnsQuery(database: string | undefined): string {
  const hex = database === undefined ? undefined : Buffer.from(database).toString("hex");
  return `
SELECT DISTINCT CONCAT(table_schema, '.', table_name) FROM information_schema.columns
WHERE generation_expression <> '' AND table_schema NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
  ${hex === undefined ? "" : `AND HEX(table_schema) = '${hex.toUpperCase()}'`} ORDER BY 1;`;
}

/** What mariadb-dump needs. Tables and triggers that it cannot see it leaves out in silence. */
const needed = [
  { name: "SELECT", consequence: "tables are left out", fatal: false },
  { name: "SHOW VIEW", consequence: "a dump fails at the first view", fatal: true },
  { name: "TRIGGER", consequence: "triggers are left out", fatal: false },
  { name: "EVENT", consequence: "a dump fails at the events", fatal: true },
];

const everything = "ALL PRIVILEGES";

/** The rows of {@link grantsQuery}, as what is missing for a database, or for all of them. */
export function readRights(rows: readonly string[], database: string | undefined): MissingRight[] {
  const grants = rows.flatMap(readGrant);
  // MySQL does not say what a role brings: then nothing can be said to be missing.
  if (grants.some(({ scope }) => scope === undefined) && !grants.some(({ ofRole }) => ofRole)) return [];
  const held = new Set(grants.filter(({ scope }) => covers(scope, database)).flatMap(({ rights }) => rights));
  const where = database === undefined ? "on *.*" : `on database ${database}`;
  return needed
    .filter(({ name }) => !held.has(name) && !held.has(everything))
    .map(({ name, consequence, fatal }) => ({ right: `no ${name} ${where}: ${consequence}`, fatal }));
}

interface Grant {
  readonly rights: readonly string[];
  /** `*`, or a pattern of database names as LIKE has it; undefined if a role is granted. */
  readonly scope: string | undefined;
  /** Whether it is the role's, which MariaDB lists with the account's own. */
  readonly ofRole: boolean;
}

/** One line of SHOW GRANTS, in which the client has doubled backslashes. Grants on single tables and routines are passed over. */
function readGrant(text: string): Grant[] {
  const line = text.replaceAll("\\\\", "\\");
  const [, rights, global, pattern, grantee = ""] =
    /^GRANT (.+?) ON (?:(\*)\.\*|`((?:[^`]|``)+)`\.\*) TO (.+)$/.exec(line) ?? [];
  if (rights !== undefined) {
    const scope = global ?? pattern?.replaceAll("``", "`") ?? "";
    return [{ rights: rights.split(", "), scope, ofRole: !/^\S+@/.test(grantee) }];
  }
  const isRole = /^GRANT [`'][^ ]+ TO /.test(line);
  return isRole ? [{ rights: [], scope: undefined, ofRole: false }] : [];
}

function covers(scope: string | undefined, database: string | undefined): boolean {
  if (scope === undefined || scope === "*") return scope === "*";
  if (database === undefined) return false;
  const source = scope.replaceAll(
    /\\([_%])|([_%])|[.*+?^${}()|[\]\\]/g,
    (text, escaped?: string, wild?: string) => {
      if (escaped !== undefined) return escaped;
      if (wild !== undefined) return wild === "_" ? "." : ".*";
      return `\\${text}`;
    },
  );
  return new RegExp(`^${source}$`, "su").test(database);
}
