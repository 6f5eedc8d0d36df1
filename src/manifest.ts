import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();

const schema = z.object({
  /** Raised when a reader of the old version would misunderstand the new one. */
  schemaVersion: z.literal(1),
  /** Name and version of the program that wrote it. */
  tool: z.string(),
  engine: z.enum(["postgres", "mariadb"]),
  /** What was dumped: one database, a whole server, or its roles and tablespaces. */
  scope: z.enum(["database", "server", "globals"]),
  /** The database's name; null unless the scope is one database. */
  database: z.string().nullable(),
  /** The server as the client was told to reach it. */
  server: z.object({ host: z.string(), port: z.int(), version: z.string() }),
  /** The dump program and its version. */
  client: z.object({ program: z.string(), version: z.string() }),
  /** What was given to the dump program, without secrets. */
  arguments: z.array(z.string()),
  format: z.enum(["sql", "custom", "tar"]),
  compression: z.enum(["gzip", "zstd", "none"]),
  /** Public fingerprints of the keys it was encrypted to; empty if it was not encrypted. */
  recipients: z.array(z.string()),
  started: z.iso.datetime(),
  finished: z.iso.datetime(),
  /** The dump, before compression. */
  plain: z.object({ bytes, sha256 }),
  /** The object, as it lies in the remote. */
  stored: z.object({ bytes, sha256 }),
  /** Whether the object's size was read back from the remote; false where the credentials do not allow it. */
  readBack: z.boolean(),
});

/** The document that makes a dump a backup. It lies beside the object and is written last. */
export type Manifest = z.infer<typeof schema>;

/** What a dump that waits to be sent has with it: where it is to go, and a manifest without what only the upload tells. */
export const unsentManifest = z.object({ path: z.string(), manifest: schema.omit({ readBack: true }) });

/** Where the manifest of an object lies. */
export function manifestPath(object: string): string {
  return `${object}.manifest.json`;
}

/** One line of JSON. */
export function encodeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest)}\n`;
}

/**
 * Reads a manifest.
 * @throws Error if it is cut off, damaged, or of another schema version
 */
export function parseManifest(text: string): Manifest {
  return schema.parse(JSON.parse(text));
}
