import { BackupError, type Operation } from "./errors.ts";
import { redact } from "./redaction.ts";
import type { SubprocessError } from "./program.ts";

/** What rclone could not do, with its own words and what to do about them. */
export class RcloneFailure extends BackupError {
  /** https://rclone.org/docs/#exit-code; undefined if a signal ended it. */
  readonly exitCode: number | undefined;
  /** Whether the store said that these credentials may not do it. */
  readonly forbidden: boolean;
  /** Whether a move found the name taken that was not to be replaced, and did nothing. */
  readonly nameTaken: boolean;
  /** Whether the settings do not name a remote at all, which time does not mend. */
  readonly misconfigured: boolean;

  constructor(operation: Operation, message: string, hint: string | undefined, cause: SubprocessError) {
    super(operation, message, { hint, cause });
    this.exitCode = cause.exitCode;
    this.nameTaken = cause.exitCode === nothingMoved;
    this.forbidden = forbidden.test(cause.stderr) && !badCredentials.test(cause.stderr);
    this.misconfigured = misconfigured.test(cause.stderr);
  }
}

const misconfigured = /didn't find section in config file|didn't find backend called|unknown backend/i;
const badCredentials =
  /InvalidAccessKeyId|SignatureDoesNotMatch|unable to authenticate|\b401 Unauthorized|status ?code: 401\b/i;
const forbidden = /status ?code: 403\b|error:? 403\b|\b403 Forbidden|\bAccessDenied\b|permission denied/i;

/** What rclone or the store says, and what the user can do. The first that fits counts. */
const hints: [RegExp, (remote: string) => string][] = [
  [
    /didn't find section in config file/,
    (remote) =>
      `there is no remote called ${remote}: set RCLONE_CONFIG_${remote.toUpperCase()}_TYPE and its companions, or RCLONE_CONFIG to a file that has [${remote}], or correct REMOTE_NAME`,
  ],
  [
    /didn't find backend called|unknown backend/i,
    () => "correct the type of the remote; `rclone help backends` lists them",
  ],
  [
    /x509: |certificate/i,
    () =>
      "if the store's certificate is of an authority of your own, set RCLONE_CA_CERT to a file with the certificate of that; else correct the endpoint, whose name the certificate has to have",
  ],
  [
    /connection refused|no such host|\blookup \S+ on |i\/o timeout|no route to host|network is unreachable|timeout|timed out|deadline exceeded|connection reset|broken pipe|\bEOF\b/i,
    () => "see that the store is up and can be reached from here, and correct its host or endpoint",
  ],
  [badCredentials, () => "correct the credentials of the remote"],
  [/NoSuchBucket/i, () => "create the bucket, or correct UPLOAD_PREFIX, which begins with its name"],
  [forbidden, () => "give these credentials the right to do this"],
  [/no space left|quota|insufficient storage|\b507\b/i, () => "make room in the store"],
];

/** rclone's exit code for a move that found the name taken, with --ignore-existing. */
const nothingMoved = 9;

/**
 * Makes rclone's failure readable.
 * @param location the remote's folder in rclone's notation; of a connection string nothing is shown
 */
export function explainRclone(
  operation: Operation,
  failure: SubprocessError,
  location: string,
): RcloneFailure {
  const name = location.startsWith(":") ? "the remote" : (location.split(":")[0] ?? location);
  const what = operation === "upload" ? `upload to ${name} failed` : `cannot use ${name}`;
  if (failure.exitCode === nothingMoved)
    return new RcloneFailure(
      operation,
      `${what}: the name is taken`,
      "another run stored an object of this name; give each run a name of its own, or set BACKUP_OVERWRITE=true",
      failure,
    );
  const words = lastWords(failure.stderr);
  const hint = hints.find(([pattern]) => pattern.test(failure.stderr))?.[1](name);
  return new RcloneFailure(operation, `${what}: ${words === "" ? failure.message : words}`, hint, failure);
}

/** The line of rclone's log that says most: the last, without time and level. */
function lastWords(stderr: string): string {
  // A line that begins with a blank goes on with what the one before it says.
  const lines = stderr.split("\n").filter((line) => /^\S/.test(line));
  const last = (lines.at(-1) ?? "")
    .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /, "")
    .replace(/^(ERROR|NOTICE|CRITICAL) *: */, "");
  return redact(last.replace(/^Failed to \w+( with \d+ errors: last error was)?: /, ""));
}
