import { identifier, literal, mayWrite } from "./postgres-client.ts";

/**
 * What the database holds that one is connected to, as one line of JSON. What belongs to an extension does not count: a
 * template may bring extensions.
 */
export const databaseState = `
WITH own AS (
  SELECT c.oid, c.relkind, c.relispartition, greatest(c.reltuples, s.n_live_tup, 0) AS estimate
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')),
routines AS (
  SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')),
types AS (
  SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE t.typtype IN ('d', 'e', 'r') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')),
schemas AS (
  SELECT FROM pg_namespace n WHERE n.nspname NOT IN ('public', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'))
SELECT json_build_object(
  'tables', (SELECT count(*) FROM own WHERE relkind IN ('r', 'p', 'f') AND NOT relispartition),
  'others', (SELECT count(*) FROM own WHERE relkind IN ('v', 'm', 'S', 'c')) + (SELECT count(*) FROM routines)
    + (SELECT count(*) FROM types) + (SELECT count(*) FROM schemas) + (SELECT count(*) FROM pg_largeobject_metadata),
  'rows', (SELECT coalesce(round(sum(estimate)::numeric), 0) FROM own WHERE relkind = 'r'));`;

/**
 * Creates a database from template0, for template1 may hold what a dump brings. One of another encoding than the
 * server's has the C locale, which goes with any.
 */
export function createEmpty(name: string, encoding: string | undefined): string {
  const create = `CREATE DATABASE ${identifier(name)} TEMPLATE template0`;
  if (encoding === undefined) return `${create};`;
  return `
SELECT pg_encoding_to_char(encoding) = ${literal(encoding)} AS usual FROM pg_database WHERE datname = 'template0' \\gset
\\if :usual
  ${create};
\\else
  ${create} ENCODING ${literal(encoding)} LC_COLLATE 'C' LC_CTYPE 'C';
\\endif`;
}

/** Whether there are subscriptions in a database: `t`, `f`, or nothing from servers before 10, which have none anywhere. */
export function hasSubscriptions(name: string): string {
  return `
SELECT to_regclass('pg_catalog.pg_subscription') IS NOT NULL AS known \\gset
\\if :known
  SELECT EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE datname = ${literal(name)});
\\endif`;
}

/**
 * Drops the subscriptions of the database that one is connected to, with which it could not be dropped itself. The publisher
 * is not asked to drop its slots: they are those of the database that this one is a copy of.
 */
export const dropSubscriptions = `
${mayWrite}SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); DROP SUBSCRIPTION %1$I;', subname)
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE datname = current_database() \\gexec`;

/** Drops a database, and first what is connected to it: a server works on for a while for a client that is gone. */
export function dropDatabase(name: string): string {
  return `
SELECT current_setting('server_version_num')::int >= 130000 AS forced \\gset
\\if :forced
  DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE);
\\else
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${literal(name)} AND pid <> pg_backend_pid();
  DROP DATABASE IF EXISTS ${identifier(name)};
\\endif`;
}

/** The row of {@link likeQuery}. Which columns describe the locale depends on the server's version. */
export interface LikeRow {
  readonly owner: string;
  readonly encoding: string;
  readonly tablespace: string;
  readonly columns: Readonly<Record<string, string | number | null>>;
  /** Statements that give a database of the other name the settings and privileges of this one. */
  readonly statements: readonly string[];
}

/** Settings whose value is a list of quoted names (GUC_LIST_QUOTE in guc_tables.c): each is SQL already, but for an empty one. */
const listSettings = [
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "temp_tablespaces",
];

/**
 * One that a dump could not be loaded with: the objects would be made by another role. All others come before the dump, as those of
 * pg_dump --create do: what is computed while it is loaded may depend on them.
 */
const lateSetting = "role";

/** The settings of a database, by their names, as statements that give them to one of the other name. */
function settingsOf(like: string, name: string): string {
  const target = literal(identifier(name));
  return `
WITH settings AS (
  SELECT split_part(setting, '=', 1) AS name, format('%s SET %I TO %s;',
    CASE setrole WHEN 0 THEN format('ALTER DATABASE %s', ${target})
      ELSE format('ALTER ROLE %I IN DATABASE %s', pg_get_userbyid(setrole), ${target}) END,
    split_part(setting, '=', 1),
    CASE WHEN split_part(setting, '=', 1) = ANY ('{${listSettings.join(",")}}') THEN (
      SELECT coalesce(string_agg(CASE word[1] WHEN '""' THEN '''''' ELSE word[1] END, ', ' ORDER BY place), '''''')
      FROM regexp_matches(value, '"(?:[^"]|"")*"|[^", ]+', 'g') WITH ORDINALITY AS words (word, place))
      ELSE quote_literal(value) END) AS statement
  FROM pg_db_role_setting, unnest(setconfig) AS setting, substr(setting, strpos(setting, '=') + 1) AS value
  WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = ${literal(like)}))`;
}

/** Gives a database the settings of `like` that it did not get when it was made. */
export function addLateSettings(name: string, like: string): string {
  return `${settingsOf(like, name)}
SELECT statement FROM settings WHERE name = ${literal(lateSetting)} \\gexec`;
}

/** What a database that is to take the place of `like` must have from it. */
export function likeQuery(like: string, name: string): string {
  const target = literal(identifier(name));
  return `${settingsOf(like, name)}
SELECT json_build_object(
  'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding), 'tablespace', t.spcname,
  'columns', to_jsonb(d) - 'datacl',
  'statements', coalesce((SELECT json_agg(statement ORDER BY place) FROM (
    SELECT 1 AS place, statement FROM settings WHERE name <> ${literal(lateSetting)}
    UNION ALL SELECT 2, format('REVOKE ALL ON DATABASE %s FROM PUBLIC;', ${target}) WHERE d.datacl IS NOT NULL
    UNION ALL SELECT 3, format('GRANT %s ON DATABASE %s TO %s%s;', privilege_type, ${target},
      CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
      CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM aclexplode(d.datacl)
    UNION ALL SELECT 4, format('COMMENT ON DATABASE %s IS %L;', ${target}, comment)
    FROM shobj_description(d.oid, 'pg_database') AS comment WHERE comment IS NOT NULL
  ) AS statements), '[]'))
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = ${literal(like)};`;
}

/** The statements that create a database as {@link likeQuery} describes it. */
export function createLike(
  name: string,
  { owner, encoding, tablespace, columns, statements }: LikeRow,
): string {
  const text = (column: string): string => literal(String(columns[column]));
  const locale = columns["datlocale"] ?? columns["daticulocale"];
  const provider = {
    i: ["LOCALE_PROVIDER icu", `ICU_LOCALE ${literal(String(locale))}`],
    b: ["LOCALE_PROVIDER builtin", `BUILTIN_LOCALE ${literal(String(locale))}`],
  }[String(columns["datlocprovider"])];
  const options = [
    "TEMPLATE template0",
    `OWNER ${identifier(owner)}`,
    `ENCODING ${literal(encoding)}`,
    `LC_COLLATE ${text("datcollate")}`,
    `LC_CTYPE ${text("datctype")}`,
    ...(provider ?? []),
    ...(tablespace === "pg_default" ? [] : [`TABLESPACE ${identifier(tablespace)}`]),
    `CONNECTION LIMIT ${columns["datconnlimit"]}`,
  ];
  return [`CREATE DATABASE ${identifier(name)} ${options.join(" ")};`, ...statements].join("\n");
}
