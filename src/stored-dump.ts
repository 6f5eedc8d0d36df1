import { Writable } from "node:stream";
import type { StoredBackup } from "./catalogue.ts";
import { chooseDecompressor, type CompressionFormat } from "./compression.ts";
import type { Context } from "./context.ts";
import type { Measure } from "./digest.ts";
import type { AgeIdentity } from "./encryption/age.ts";
import type { DumpFormat } from "./engines/engine.ts";
import type { Load } from "./engines/restorer.ts";
import { BackupError } from "./errors.ts";
import { readFileName } from "./file-name.ts";
import { type DumpUnpacking, unpack } from "./pipeline.ts";
import type { Activity } from "./progress.ts";

/** A dump as it lies in the remote, and what is known of it. */
export interface StoredDump {
  readonly path: string;
  /** What it is of; undefined if that is not known, or not a database. */
  readonly database: string | undefined;
  readonly format: DumpFormat;
  readonly compression: CompressionFormat;
  readonly encrypted: boolean;
  /** The fingerprints of the keys that it is encrypted for, as far as they are known. */
  readonly recipients: readonly string[];
  /** What the object and the dump in it are; undefined for one without a manifest. */
  readonly stored: Measure | undefined;
  readonly plain: Measure | undefined;
}

/** A backup, as its manifest describes it. */
export function storedDump({ path, manifest }: StoredBackup): StoredDump {
  const { database, format, compression, recipients, stored, plain } = manifest;
  return {
    path,
    database: database ?? undefined,
    format,
    compression,
    encrypted: recipients.length > 0,
    recipients,
    stored,
    plain,
  };
}

/**
 * A dump of which only the name is known.
 * @throws BackupError `configuration` if the name says nothing
 */
export function unverifiedDump(path: string): StoredDump {
  const read = readFileName(path);
  if (read)
    return { path, database: undefined, ...read, recipients: [], stored: undefined, plain: undefined };
  throw new BackupError("configuration", `${path} is not named like a dump`, {
    hint: "its name must tell what it is: .sql, .dump or .tar, then .gz or .zst, then .age, each where it applies; restore another one by hand",
  });
}

/**
 * The identities to read dumps with; none are needed for one that is not encrypted.
 * @throws BackupError `decrypt` if some are needed and there are none
 */
export async function identitiesFor(
  context: Context,
  dumps: readonly StoredDump[],
): Promise<readonly AgeIdentity[]> {
  const encrypted = dumps.find((dump) => dump.encrypted);
  if (!encrypted) return [];
  const identities = await context.identities();
  if (identities.length > 0) return identities;
  throw new BackupError(
    "decrypt",
    `${encrypted.path} is encrypted, and there is nothing to decrypt it with`,
    {
      hint: "set DECRYPT_IDENTITY_FILE to the private key, or DECRYPT_PASSPHRASE_FILE if it was made with a passphrase",
    },
  );
}

/**
 * Reads an object and compares it with its manifest. Nothing is unpacked.
 * @param identities if they are given, every chunk is decrypted and so proves authentic
 * @throws BackupError `integrity` if it is not what was stored, `decrypt` if no identity fits
 */
export function readObject(
  context: Context,
  dump: StoredDump,
  identities?: readonly AgeIdentity[],
): Promise<void> {
  return read(context, dump, "reading", {
    identities: dump.encrypted ? identities : undefined,
    dump: undefined,
    sink: discard,
  });
}

/** What else is needed to get at the SQL of a dump. */
export interface SqlReading {
  readonly identities: readonly AgeIdentity[];
  readonly load: Pick<Load, "toSql" | "marks">;
  readonly further?: DumpUnpacking["further"];
  /** Where the SQL goes; nowhere if it is not given. */
  readonly sink?: Parameters<typeof unpack>[0]["sink"];
}

/**
 * Reads a dump to the last byte of its SQL.
 * @throws BackupError as {@link readObject}, or what the sink fails with
 */
export function readSql(context: Context, dump: StoredDump, reading: SqlReading): Promise<void> {
  const { config, isInstalled } = context;
  const { identities, load, further = [], sink } = reading;
  return read(context, dump, sink ? "restoring" : "reading", {
    identities: dump.encrypted ? identities : undefined,
    dump: {
      decompressor: chooseDecompressor(dump.compression, isInstalled),
      plain: dump.plain,
      toSql: load.toSql,
      marks: load.marks,
      further,
      env: config.environment,
    },
    sink: sink ?? discard,
  });
}

async function read(
  { remote, progress, log, signal }: Context,
  { path, stored, plain, recipients }: StoredDump,
  activity: Activity,
  rest: Pick<Parameters<typeof unpack>[0], "identities" | "dump" | "sink">,
): Promise<void> {
  let stopShowing = (): void => {};
  try {
    await unpack(
      {
        ...rest,
        stored,
        total: (activity === "restoring" ? plain : stored)?.bytes,
        open: (children) => remote.open(path, children),
        onStart: (meter) => {
          stopShowing = progress.track(path, activity, meter, log);
        },
      },
      signal,
    );
  } catch (error) {
    throw named(path, recipients, error);
  } finally {
    stopShowing();
  }
}

/** What is wrong with an object is told with its path. */
function named(path: string, recipients: readonly string[], error: unknown): unknown {
  if (!(error instanceof BackupError) || !["integrity", "decrypt"].includes(error.operation)) return error;
  const keys = error.operation === "decrypt" && recipients.length > 0 ? ` (${recipients.join(", ")})` : "";
  const message = `${path}: ${error.message}${keys}`;
  return new BackupError(error.operation, message, { hint: error.hint, cause: error });
}

function discard(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
