import type { CharacterSet } from "./engine.ts";

/**
 * The server's version, and the databases that this account can connect to with their sizes, as one line of JSON. A limit of -2 is that
 * of a database whose DROP DATABASE was interrupted; into cloudsqladmin Google lets nobody, for all its privileges.
 */
export const databasesQuery = `
SELECT json_build_object(
  'version', split_part(current_setting('server_version'), ' ', 1),
  'databases', coalesce((
    SELECT json_agg(json_build_object('name', datname, 'bytes', pg_database_size(oid),
      'characterSet', json_build_object('name', pg_encoding_to_char(encoding), 'collation', datcollate)) ORDER BY datname)
    FROM pg_database
    WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT')
      AND datconnlimit <> -2 AND datname <> 'cloudsqladmin'), '[]'));`;

/** The row of {@link databasesQuery}. */
export interface ServerRow {
  version: string;
  databases: { name: string; bytes: number | null; characterSet: CharacterSet }[];
}

/**
 * What pg_dump would fail on: it locks and reads every table and sequence outside the system schemas and extensions, looks
 * into every schema, and refuses to dump a table of which row-level security hides a part from this account.
 */
export const rightsQuery = `
WITH own AS (
  SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name, n.oid AS schema, n.nspname, c.relrowsecurity
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'S', 'm') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
SELECT coalesce(json_agg(problem ORDER BY problem), '[]') FROM (
  SELECT DISTINCT 'no USAGE on schema ' || quote_ident(nspname) AS problem FROM own WHERE NOT has_schema_privilege(schema, 'USAGE')
  UNION ALL
  SELECT 'no SELECT on ' || CASE relkind WHEN 'S' THEN 'sequence ' WHEN 'm' THEN 'materialized view ' ELSE 'table ' END || name
  FROM own WHERE relkind <> 'm' AND NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'SELECT') ELSE has_table_privilege(oid, 'SELECT') END
  UNION ALL
  SELECT 'row-level security hides rows of table ' || name FROM own WHERE relrowsecurity AND row_security_active(oid)
) AS missing;`;

/** What pg_dumpall needs for the passwords of roles. */
export const globalsRightsQuery = `
SELECT CASE WHEN has_table_privilege('pg_catalog.pg_authid', 'SELECT') THEN '[]'::json
  ELSE '["no SELECT on pg_authid: roles are dumped without their passwords"]'::json END;`;
