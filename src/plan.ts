import { type CompressionFormat, compressionSuffix } from "./compression.ts";
import { type DumpFormat, type Target, targetName } from "./engines/engine.ts";
import { BackupError } from "./errors.ts";
import { expandFileName } from "./file-name.ts";
import { manifestPath } from "./manifest.ts";

/** One dump to be made, and where it goes. */
export interface PlannedDump {
  readonly target: Target;
  /** Relative to the remote's folder. */
  readonly path: string;
}

/** What decides the names. */
export interface Naming {
  readonly fileName: string | undefined;
  readonly timeZone: string;
  readonly format: DumpFormat;
  readonly compression: CompressionFormat;
  readonly encrypted: boolean;
}

/** The predecessor's names, but with the Z they end in on the time that it stands for. */
const defaultNames = { database: "${DB}-%Y-%m-%dT%H-%M-%SZ", server: "all_%Y-%m-%dT%H-%M-%SZ" };

/** What stands for `$DB` in the name of a dump that is of no one database. */
const scopeNames = { server: "all", globals: "pg_globals" };

const formatSuffix: Record<DumpFormat, string> = { sql: ".sql", custom: ".dump", tar: ".tar" };

/**
 * Gives each target its path.
 * @throws BackupError `configuration` if a path would not do, or two targets would land on one
 */
export function planDumps(targets: readonly Target[], naming: Naming, startedAt: Date): PlannedDump[] {
  const dumps = targets.map((target) => ({ target, path: pathFor(target, naming, startedAt) }));
  const problems: string[] = [];
  const taken = new Map<string, string>();
  for (const { target, path } of dumps) {
    const name = targetName(target);
    if (path.split("/").some((segment) => ["", ".", ".."].includes(segment)))
      problems.push(
        `${name} would get the path ${path}; change BACKUP_FILE_NAME so that it has no empty, . or .. segment`,
      );
    for (const own of [path, manifestPath(path)]) {
      const other = taken.get(own);
      if (other !== undefined)
        problems.push(
          `${other} and ${name} would both be written to ${path}; put \${DB} into BACKUP_FILE_NAME, or back them up in separate runs with names of their own`,
        );
      taken.set(own, name);
    }
  }
  if (problems.length > 0)
    throw new BackupError(
      "configuration",
      ["the names of the dumps will not do", ...new Set(problems)].join("\n  - "),
    );
  return dumps;
}

function pathFor(target: Target, naming: Naming, startedAt: Date): string {
  const pattern = naming.fileName ?? defaultNames[target.scope === "server" ? "server" : "database"];
  return expandFileName(pattern, {
    database: target.scope === "database" ? target.database : scopeNames[target.scope],
    startedAt,
    timeZone: naming.fileName === undefined ? "UTC" : naming.timeZone,
    suffix: suffixFor(target, naming),
  });
}

/** A custom-format dump is compressed by pg_dump itself. pg_dumpall knows no format but SQL. */
function suffixFor(target: Target, naming: Naming): string {
  const format = target.scope === "database" ? naming.format : "sql";
  const compression = format === "custom" ? "" : compressionSuffix[naming.compression];
  return formatSuffix[format] + compression + (naming.encrypted ? ".age" : "");
}
