import type { StoredBackup } from "./catalogue.ts";
import type { Context } from "./context.ts";
import { compareContents, DumpContents } from "./comparison/dump-contents.ts";
import type { AgeIdentity } from "./encryption/age.ts";
import type { Server, Target } from "./engines/engine.ts";
import { BackupError } from "./errors.ts";
import { loadDump } from "./load-dump.ts";
import { readDump } from "./pipeline.ts";
import { dropAbandoned, scratchName } from "./scratch.ts";
import { storedDump } from "./stored-dump.ts";

/** How many differences are told. */
const toldAtMost = 20;

/**
 * Restores a backup into a scratch database, dumps that as the backup was made, and compares the two object by object.
 * The scratch database is dropped, whatever happens.
 * @throws BackupError `integrity` with what differs, or the operation that failed
 */
export async function tryRestore(
  context: Context,
  backup: StoredBackup,
  { server, identities }: { server: Server; identities: readonly AgeIdentity[] },
): Promise<void> {
  const { engine, log, now, signal } = context;
  const { restorer } = engine;
  await dropAbandoned(context, server);
  const scratch = scratchName("verify", now());
  const target: Target = { scope: "database", database: scratch };
  const contents = new DumpContents();
  const restored = new DumpContents();
  try {
    await restorer.create(scratch, { characterSet: backup.manifest.characterSet }, signal);
    await loadDump(context, storedDump(backup), { target, server, identities, contents });
    const dump = await engine.redump(scratch, backup.manifest.arguments, backup.manifest.database ?? "");
    const { toSql } = await restorer.load(target, dump.format, {
      trusted: true,
      serverVersion: server.version,
    });
    await readDump(dump, toSql, restored, signal);
  } finally {
    await restorer.drop(scratch).catch((error: unknown) => {
      log.warn(`could not drop the scratch database ${scratch}: ${String(error)}`);
    });
  }
  const differences = compareContents(contents.digests(), restored.digests());
  if (differences.length === 0) return;
  const told = differences.slice(0, toldAtMost);
  const more = differences.length - told.length;
  throw new BackupError(
    "integrity",
    [
      `${backup.path}: what was restored from it differs in ${differences.length} ${differences.length === 1 ? "object" : "objects"}`,
      ...told,
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join("\n  - "),
    { hint: explainDifferences(differences, backup, server) },
  );
}

/** What may be the reason, if it is not the backup. */
function explainDifferences(
  differences: readonly string[],
  { manifest }: StoredBackup,
  server: Server,
): string | undefined {
  if (server.version !== manifest.server.version)
    return `this server is ${server.version} and the backup is of ${manifest.server.version}: try one of the same version`;
  const isOfRows = differences.every((each) => each.startsWith("TABLE DATA ") && each.endsWith(" differs"));
  // The scratch database has no settings, and poolers refuse what would set this one for pg_dump.
  if (manifest.engine === "postgres" && isOfRows)
    return "if the database has a bytea_output of its own, it may be that: ALTER ROLE ... SET bytea_output = 'hex' for the account that backs up, and back up again";
  return undefined;
}
