/** What was being done when it failed. Each operation has its exit code in {@link exitCodes}. */
export type Operation = keyof typeof exitCodes;

/** The exit codes users script against; the README has them as a table. */
export const exitCodes = {
  unexpected: 1,
  configuration: 2,
  partial: 3,
  connect: 10,
  dump: 11,
  remote: 20,
  upload: 21,
  find: 22,
  integrity: 30,
  decrypt: 31,
  restore: 40,
  target: 41,
  freshness: 50,
  hangup: 129,
  interrupt: 130,
  terminate: 143,
} as const;

/**
 * The one error this program raises on purpose. `message` says what failed and on what, `hint` what to
 * do about it: lower case, no full stop, no secrets. Everything else that is thrown is a defect and exits 1.
 */
export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly operation: Operation;
  readonly hint: string | undefined;

  constructor(
    operation: Operation,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.operation = operation;
    this.hint = options.hint;
  }
}

/** An error on one line, with what to do about it. */
export function explain(error: unknown): string {
  if (!(error instanceof BackupError)) return String(error);
  return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
}
