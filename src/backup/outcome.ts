import type { Context } from "../context.ts";
import { Deadline } from "../deadline.ts";
import { BackupError, explain } from "../errors.ts";
import { formatBytes, formatSeconds } from "../format.ts";
import type { Manifest } from "../manifest.ts";

/** What came of one dump. */
export interface Outcome {
  readonly name: string;
  readonly job: string;
  /** The backup, if it was made. */
  readonly made?: { readonly path: string; readonly manifest: Manifest };
  readonly error?: unknown;
}

/**
 * Makes one dump, or delivers one, within BACKUP_TIMEOUT. Whatever becomes of it is told by the outcome.
 * @param name what a person calls it
 * @param path of the object
 */
export async function attempt(
  { config, log, signal }: Context,
  name: string,
  job: string,
  path: string,
  work: (deadline: Deadline) => Promise<Manifest>,
): Promise<Outcome> {
  try {
    signal.throwIfAborted();
    using deadline = new Deadline(config.timeout, signal);
    const start = performance.now();
    const manifest = await work(deadline);
    const { plain, stored } = manifest;
    const seconds = (performance.now() - start) / 1000;
    log.info(
      {
        database: name,
        plainBytes: plain.bytes,
        storedBytes: stored.bytes,
        seconds: Number(seconds.toFixed(3)),
      },
      `backed up ${name}: ${formatBytes(plain.bytes)} dumped, ${formatBytes(stored.bytes)} stored, ${formatSeconds(seconds)}`,
    );
    return { name, job, made: { path, manifest } };
  } catch (error) {
    return { name, job, error };
  }
}

/**
 * Ends a run by what its dumps came to.
 * @throws the error of the only one, or a BackupError that lists each that failed: `partial` if others were stored
 */
export function report(outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const [first] = failed;
  if (!first) return;
  if (outcomes.length === 1) throw first.error;
  const defect = failed.find(({ error }) => !(error instanceof BackupError));
  if (defect) throw defect.error;
  const all = failed.length === outcomes.length;
  const lines = failed.map(({ name, error }) => `${name}: ${explain(error)}`);
  throw new BackupError(
    all && first.error instanceof BackupError ? first.error.operation : "partial",
    [`${failed.length} of ${outcomes.length} dumps failed`, ...lines].join("\n  - "),
  );
}
