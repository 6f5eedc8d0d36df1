/** Bytes of a name that are shown. Identifiers are short, but a function's signature may be of any length. */
const nameKept = 300;

/** What a section is of: an object; the rows of a table; the statements around them all. */
export type Kind = "object" | "rows" | "frame";

/** What the comment before a section says. */
export interface Header {
  readonly key: string;
  readonly kind: Kind;
  /** Such as TABLE. */
  readonly type?: string;
  /** For those that begin with the comment for another database. */
  readonly database?: string | undefined;
  /** Whether the comment names the database that was dumped, which may be a copy under another name. */
  readonly leftOut?: boolean;
}

/** `-- Name: t; Type: TABLE; Schema: public; Owner: o`. A name may hold all of that itself: the last is meant. */
export function postgresHeader(text: string): Header | undefined {
  const [, database, ending] =
    /^-- (?:Database "(.*)" dump|PostgreSQL database dump( complete)?)$/s.exec(text) ?? [];
  if (database !== undefined) return { key: "the preamble", kind: "frame", database: readable(database) };
  if (text.startsWith("-- PostgreSQL database dump"))
    return { key: ending === undefined ? "the preamble" : "the end", kind: "frame" };
  if (text === "-- PostgreSQL database cluster dump complete")
    return { key: "the end", kind: "frame", database: undefined };

  const [prefix] = /^-- (?:Data for |Statistics for )?Name: /.exec(text) ?? [];
  if (prefix === undefined) return undefined;
  const owner = text.lastIndexOf("; Owner: ");
  const schema = text.lastIndexOf("; Schema: ", owner);
  const type = text.lastIndexOf("; Type: ", schema);
  if (owner === -1 || schema === -1 || type < prefix.length) return undefined;
  const typeName = text.slice(type + "; Type: ".length, schema);
  const schemaName = text.slice(schema + "; Schema: ".length, owner);
  const qualifier = schemaName === "-" ? "" : `${schemaName}.`;
  return {
    key: `${typeName} ${qualifier}${text.slice(prefix.length, type)}`,
    kind: typeName === "TABLE DATA" ? "rows" : "object",
    type: typeName,
  };
}

/** How mariadb-dump, and mysqldump, call what they write. */
const mariadbTypes = [
  ["Table structure for table", "TABLE"],
  ["Dumping data for table", "TABLE DATA"],
  ["Temporary table structure for view", "VIEW COLUMNS"],
  ["Temporary view structure for view", "VIEW COLUMNS"],
  ["Final view structure for view", "VIEW"],
  ["Sequence structure for", "SEQUENCE"],
] as const;

/** ``-- Table structure for table `t` ``. A newline in the name ends the line. */
export function mariadbHeader(text: string): Header | undefined {
  const [, whole] = /^-- Dumping (events|routines) for database /.exec(text) ?? [];
  if (whole !== undefined) return { key: whole.toUpperCase(), kind: "object", leftOut: true };
  const [, current] = /^-- Current Database: (.*)$/s.exec(text) ?? [];
  if (current !== undefined)
    return { key: "the preamble", kind: "frame", database: readable(unquoted(current)) };
  for (const [words, type] of mariadbTypes)
    if (text.startsWith(`-- ${words} `))
      return { key: `${type} ${unquoted(text.slice(`-- ${words} `.length))}`, kind: "object" };
  return undefined;
}

/** What comes before the databases in a dump of pg_dumpall: `-- Roles`. */
export function globalsHeader(text: string): Header | undefined {
  const [, key] =
    /^-- ((?:Drop )?(?:Roles|roles|Role memberships|Tablespaces|tablespaces|User Configurations|Role privileges on configuration parameters))$/.exec(
      text,
    ) ?? [];
  return key === undefined ? undefined : { key, kind: "frame" };
}

/** The database of `\connect app`, `\connect "App"`, and `\connect -reuse-previous=on "dbname='it''s'"`. */
export function connectedTo(text: string): string {
  const [, name = ""] = /^\\connect (?:-reuse-previous=on )?(.*)$/s.exec(text) ?? [];
  const bare = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
  const [, value] = /^dbname='(.*)'$/s.exec(bare) ?? [];
  return readable(value?.replaceAll(/\\(.)/gs, "$1") ?? bare);
}

function unquoted(name: string): string {
  return name.replace(/^`/, "").replace(/`$/, "").replaceAll("``", "`");
}

/** A name out of a dump as it is shown: in UTF-8, without control characters, and not at any length. */
export function readable(bytes: string): string {
  const text = Buffer.from(bytes.slice(0, nameKept), "latin1").toString();
  return text.replaceAll(/\p{Cc}/gu, " ");
}
