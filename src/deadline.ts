import { BackupError } from "./errors.ts";
import { formatBytes } from "./format.ts";

/** How far a dump is that is being made or stored. */
export interface Stand {
  /** Who is waited for. */
  readonly awaited: "dump" | "store";
  /** Bytes of plain dump so far. */
  readonly dumped: number;
  /** Whether the dump is complete in the spool folder. */
  readonly spooled?: boolean;
}

/** The time that one dump has, BACKUP_TIMEOUT, from now until it is stored. */
export class Deadline implements Disposable {
  /** Aborts when the time is over, or the run is to end. The reason is the error to end with. */
  readonly signal: AbortSignal;
  #stand = (): Stand => ({ awaited: "dump", dumped: 0 });
  readonly #timer: NodeJS.Timeout | undefined;

  /** @param seconds undefined for no limit */
  constructor(seconds: number | undefined, runSignal: AbortSignal) {
    const controller = new AbortController();
    this.signal = AbortSignal.any([runSignal, controller.signal]);
    if (seconds === undefined) return;
    const strike = (): void => controller.abort(overdue(seconds, this.#stand()));
    this.#timer = setTimeout(strike, seconds * 1000);
  }

  /** Says how to find out how far the dump is, from now on. */
  follow(stand: () => Stand): void {
    this.#stand = stand;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

function overdue(seconds: number, { awaited, dumped, spooled = false }: Stand): BackupError {
  const stuck =
    awaited === "dump"
      ? `waiting for the dump, of which ${formatBytes(dumped)} had come`
      : `waiting for the store, with ${formatBytes(dumped)} dumped`;
  const cause =
    awaited === "dump"
      ? "see what holds the dump up, such as a lock on a table,"
      : "see that the store is up and takes what it is sent,";
  const kept = spooled ? "; the dump stays in the spool folder, and the next run sends it" : "";
  return new BackupError(
    awaited === "dump" ? "dump" : "upload",
    `BACKUP_TIMEOUT=${seconds} was reached ${stuck}`,
    { hint: `${cause} or raise BACKUP_TIMEOUT${kept}` },
  );
}
