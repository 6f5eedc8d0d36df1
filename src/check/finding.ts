import { BackupError, type Operation } from "../errors.ts";

/** What came of one trial. */
export interface Finding {
  /** What was tried. */
  readonly what: string;
  readonly state: "ok" | "warning" | "failed";
  readonly detail: string;
  readonly hint?: string | undefined;
  /** What a backup would fail at. */
  readonly operation?: Operation;
}

/** Notes a finding of the trial that is being made, which may have several. */
export type Note = (finding: Omit<Finding, "what">) => void;

/**
 * Makes one trial, and adds what came of it to the findings; a BackupError that it throws is one of them. Throws what else
 * the trial throws.
 * @returns what the trial returns; undefined if it failed
 */
export async function examine<T>(
  findings: Finding[],
  what: string,
  trial: (note: Note) => T | Promise<T>,
): Promise<T | undefined> {
  const note: Note = (finding) => findings.push({ what, ...finding });
  try {
    return await trial(note);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const { message, hint, operation } = error;
    note({ state: "failed", detail: message, hint, operation });
    return undefined;
  }
}
