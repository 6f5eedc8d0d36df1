import { hash } from "node:crypto";
import { z } from "zod";
import type { Target } from "./engines/engine.ts";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();

const schema = z.object({
  /** Raised when a reader of the old version would misunderstand the new one. */
  schemaVersion: z.literal(1),
  /** Name and version of the program that wrote it. */
  tool: z.string(),
  /** The object that it was written for, as a path within the remote's folder of then. Where it lies is what counts. */
  object: z.string(),
  engine: z.enum(["postgres", "mariadb"]),
  /** What was dumped: one database, a whole server, or its roles and tablespaces. */
  scope: z.enum(["database", "server", "globals"]),
  /** The database's name; null unless the scope is one database. */
  database: z.string().nullable(),
  /** The encoding of a PostgreSQL database, the default character set of a MariaDB one: the dump does not have it in it. */
  characterSet: z.object({ name: z.string(), collation: z.string() }).optional(),
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

const ending = ".manifest.json";

/** Where the manifest of an object lies. */
export function manifestPath(object: string): string {
  return object + ending;
}

/** The object that a manifest belongs to; undefined for the path of anything else. */
export function objectOfManifest(path: string): string | undefined {
  return path.endsWith(ending) ? path.slice(0, -ending.length) : undefined;
}

/** What was dumped. */
export function targetOf({ scope, database }: Pick<Manifest, "scope" | "database">): Target {
  return scope === "database" ? { scope, database: database ?? "" } : { scope };
}

/** The version that {@link parseManifest} reads. */
const schemaVersion = schema.shape.schemaVersion.value;

/** The last member of the line: the SHA-256 of the line as it would be without it. */
const checksum = /,"checksum":"([0-9a-f]{64})"\}\n?$/;

/** The object that a line of JSON was written for; undefined if it is no manifest. Nothing else of it is looked at. */
export function claimedObject(line: string): string | undefined {
  return /^\{"schemaVersion":\d+,"tool":"[^"]*","object":"([^"\\]*)"/.exec(line)?.[1];
}

/** One line of JSON, closed by a checksum of its own: a flipped bit must not turn one database's backup into another's. */
export function encodeManifest(manifest: Manifest): string {
  const text = JSON.stringify(manifest);
  return `${text.slice(0, -1)},"checksum":"${digest(text)}"}\n`;
}

/** The checksum that a manifest carries, whether it is right or not; undefined if there is none. */
export function checksumOf(text: string): string | undefined {
  return checksum.exec(text)?.[1];
}

/** A manifest that cannot be read. `message` says why, to follow "a manifest that". */
export class UnreadableManifest extends Error {
  override readonly name = "UnreadableManifest";
}

/**
 * Reads a manifest.
 * @throws UnreadableManifest if it is cut off, altered, or of a newer schema version
 */
export function parseManifest(text: string): Manifest {
  const value = parseJson(text);
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === "number" && version > schemaVersion)
    throw new UnreadableManifest(
      `is of schema version ${version}, and this rcdump knows version ${schemaVersion}: use a newer rcdump`,
    );
  const found = checksum.exec(text);
  if (!found) throw new UnreadableManifest("is damaged: its checksum is missing");
  if (digest(`${text.slice(0, found.index)}}`) !== found[1])
    throw new UnreadableManifest("is damaged: it does not match its checksum");
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw new UnreadableManifest(`is not valid: ${z.prettifyError(read.error).replaceAll(/\s+/g, " ")}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableManifest("is damaged: it is no JSON");
  }
}

function digest(text: string): string {
  return hash("sha256", text);
}
