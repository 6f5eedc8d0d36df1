import type { DatabaseInfo, MissingRight } from "./engine.ts";

/** Version and its comment, which tells MariaDB from MySQL. */
export const serverQuery = "SELECT VERSION(), @@version_comment";

/** Databases without the system schemas, and their sizes. Names travel in hex: they may hold tabs and newlines. */
export const databasesQuery = `
SELECT HEX(s.schema_name), SUM(t.data_length + t.index_length)
FROM information_schema.schemata s LEFT JOIN information_schema.tables t ON t.table_schema = s.schema_name
WHERE s.schema_name NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
GROUP BY s.schema_name ORDER BY s.schema_name;`;

/** The rows of {@link databasesQuery}. */
export function readDatabases(rows: readonly string[]): DatabaseInfo[] {
  return rows.map((row) => {
    const [name = "", bytes = "NULL"] = row.split("\t");
    return { name: Buffer.from(name, "hex").toString(), bytes: bytes === "NULL" ? 0 : Number(bytes) };
  });
}

/**
 * The rights of this account on everything and on one database, a name a line. A pattern in a database-level
 * grant is matched as the server does, with LIKE.
 */
export function rightsQuery(database: string | undefined): string {
  const global = "SELECT privilege_type FROM information_schema.user_privileges";
  if (database === undefined) return `${global};`;
  const name = `CONVERT(X'${Buffer.from(database).toString("hex")}' USING utf8mb4)`;
  return `${global} UNION SELECT privilege_type FROM information_schema.schema_privileges WHERE ${name} LIKE table_schema;`;
}

/** What mariadb-dump needs. Tables and triggers that it cannot see it leaves out in silence. */
const needed = [
  { name: "SELECT", consequence: "tables are left out", fatal: false },
  { name: "SHOW VIEW", consequence: "a dump fails at the first view", fatal: true },
  { name: "TRIGGER", consequence: "triggers are left out", fatal: false },
  { name: "EVENT", consequence: "a dump fails at the events", fatal: true },
];

/** The rows of {@link rightsQuery}, as what is missing. */
export function readRights(rows: readonly string[], database: string | undefined): MissingRight[] {
  const held = new Set(rows.map((row) => row.trim()));
  const where = database === undefined ? "on *.*" : `on database ${database}`;
  return needed
    .filter(({ name }) => !held.has(name))
    .map(({ name, consequence, fatal }) => ({ right: `no ${name} ${where}: ${consequence}`, fatal }));
}
