import type { SubprocessError } from "../program.ts";
import type { Engine } from "./engine.ts";

const others = { postgres: "mariadb", mariadb: "postgres" } as const;

/** What to do about a program that is not there; undefined if something else is wrong. */
export function missingProgramHint(failure: SubprocessError, engine: Engine["name"]): string | undefined {
  if ((failure.cause as NodeJS.ErrnoException | undefined)?.code !== "ENOENT") return undefined;
  return `BACKUP_ENGINE=${engine} needs ${failure.file}: use the image rcdump-${engine}, or put it on the PATH, or set BACKUP_ENGINE=${others[engine]} if that is what the server is`;
}
