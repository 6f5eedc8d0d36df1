import { BackupError, type Operation } from "../errors.ts";
import { redact } from "../redaction.ts";
import type { SubprocessError } from "../program.ts";

/** What rclone could not do, with its own words and what to do about them. */
export class RcloneFailure extends BackupError {
  /** https://rclone.org/docs/#exit-code; undefined if a signal ended it. */
  readonly exitCode: number | undefined;
  /** Whether the store said that these credentials may not do it. */
  readonly forbidden: boolean;
  /** Whether a move found the name taken that was not to be replaced, and did nothing. */
  readonly nameTaken: boolean;
  /** Whether there is no such bucket, and so nothing in it. */
  readonly bucketMissing: boolean;
  /** Whether the settings do not name a remote at all, which time does not mend. */
  readonly misconfigured: boolean;

  constructor(operation: Operation, message: string, hint: string | undefined, cause: SubprocessError) {
    super(operation, message, { hint, cause });
    this.exitCode = cause.exitCode;
    this.nameTaken = cause.exitCode === nothingMoved;
    this.forbidden = forbidden.test(cause.stderr) && !badCredentials.test(cause.stderr);
    this.bucketMissing = bucketMissing.test(cause.stderr);
    this.misconfigured = misconfigured.test(cause.stderr);
  }
}

const misconfigured = /didn't find section in config file|didn't find backend called|unknown backend/i;
const bucketMissing = /NoSuchBucket/i;
const badCredentials =
  /InvalidAccessKeyId|SignatureDoesNotMatch|unable to authenticate|\b401 Unauthorized|status ?code: 401\b/i;
const forbidden = /status ?code: 403\b|error:? 403\b|\b403 Forbidden|\bAccessDenied\b|permission denied/i;

/** What rclone or the store says, and what the user can do. The first that fits counts. */
const hints: [RegExp, (remote: string, found: RegExpExecArray) => string][] = [
  [
    /Config file "([^"]*)" not found.*didn't find section in config file/s,
    (remote, [, file]) =>
      `there is no file ${file}: mount it there, or correct RCLONE_CONFIG, or set RCLONE_CONFIG_${remote.toUpperCase()}_TYPE and its companions`,
  ],
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
    /when revealing password/,
    () => "rclone wants the remote's password obscured: write what `rclone obscure -` makes of it",
  ],
  [
    /knownhosts: key is unknown/,
    () =>
      "add the server's key to the file that known_hosts_file names: `ssh-keyscan HOST` prints it, to be compared with what the server's owner says",
  ],
  [
    /knownhosts: key mismatch/,
    () =>
      "the server has another key than the one in known_hosts_file: ask its owner whether that was changed, and then correct the file",
  ],
  [
    /x509: |certificate/i,
    () =>
      "if the store's certificate is of an authority of your own, set RCLONE_CA_CERT to a file with the certificate of that; else correct the endpoint, whose name the certificate has to have",
  ],
  [
    // Of rclone's for https, which S3 has also where the endpoint says nothing.
    /first record does not look like a TLS handshake|HTTP response to HTTPS client/,
    () =>
      "if the store speaks no TLS, write its endpoint or URL with http:// before it; else correct its port",
  ],
  [
    /connection refused|no such host|\blookup \S+ on |i\/o timeout|gave no answer|no route to host|network is unreachable|timeout|timed out|deadline exceeded|connection (reset|lost)|broken pipe|closed (network|idle) connection|\bEOF\b/i,
    () => "see that the store is up and can be reached from here, and correct its host or endpoint",
  ],
  [badCredentials, () => "correct the credentials of the remote"],
  [
    /input member (Key|Bucket) must not be empty|bucket required/i,
    () => "set UPLOAD_PREFIX, which begins with the bucket: bucket or bucket/folder",
  ],
  [bucketMissing, () => "create the bucket, or correct UPLOAD_PREFIX, which begins with its name"],
  [
    /S3: CreateBucket, .*StatusCode: 403/,
    () =>
      "set RCLONE_S3_NO_CHECK_BUCKET=true, so that rclone does not try to create the bucket; it has to be there already",
  ],
  [
    // rclone 1.60: only of an answer without a body, to a HEAD, there are no other words.
    /\brcat\b.*\bForbidden: Forbidden\b/,
    () =>
      "let these credentials read objects, or set BACKUP_SPOOL_DIR to a local folder, or use a newer rclone",
  ],
  [forbidden, () => "give these credentials the right to do this"],
  [
    /part ?number must be|exceeded total allowed|too many parts|maximum number of (parts|blocks)|BlockCountExceedsLimit/i,
    () =>
      "the dump has more chunks than the store takes: unset chunk_size if it is set, so that it is chosen to fit, or set BACKUP_SPOOL_DIR to a folder that has room for the dump",
  ],
  [
    /temporary spool file/i,
    () =>
      "make room in the temporary folder, or set TMPDIR to another: rclone keeps a dump there that the store takes no stream of",
  ],
  [/no space left|remaining disk space|quota|insufficient storage|\b507\b/i, () => "make room in the store"],
  [
    /file ?name too long/i,
    () =>
      "shorten BACKUP_FILE_NAME: while a backup is stored a name takes 44 characters more, and an encrypted one half as many again",
  ],
  [
    /file too (large|big)/i,
    () => "the store takes no file of this size: raise its limit, or choose another file system",
  ],
  [
    /BadDigest|corrupted on transfer|hash(es)? differ|sizes differ/i,
    () =>
      "something on the way to the store alters data: try again, and if that goes on look for a proxy or bad memory",
  ],
  [
    /(rcat error|copy NewObject failed): object not found|InvalidPart\b|received empty response payload/,
    () =>
      "the store said that it did what it did not do: try again, and look at its log, and at that of a proxy before it",
  ],
  [
    /status ?code: 5\d\d\b|: 5\d\d (Internal|Bad Gateway|Service|Gateway)|\b(InternalError|SlowDown|ServiceUnavailable)\b/i,
    () => "the store is in trouble, or has too much to do: try again later, and look at its log",
  ],
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
  const name = location.startsWith(":") ? "the remote" : (location.split(/[:,]/)[0] ?? location);
  const what = operation === "upload" ? `upload to ${name} failed` : `cannot use ${name}`;
  if (failure.exitCode === nothingMoved)
    return new RcloneFailure(
      operation,
      `${what}: the name is taken`,
      "another run stored an object of this name; give each run a name of its own, or set BACKUP_OVERWRITE=true",
      failure,
    );
  // Who is killed says nothing of it: what was said last is no reason.
  const words = failure.signal === "SIGKILL" ? "" : lastWords(failure.stderr);
  return new RcloneFailure(
    operation,
    `${what}: ${words === "" ? failure.message : words}`,
    hintFor(`${failure.stderr}\n${failure.message}`, name),
    failure,
  );
}

function hintFor(text: string, name: string): string | undefined {
  for (const [pattern, hint] of hints) {
    const found = pattern.exec(text);
    if (found) return hint(name, found);
  }
  return undefined;
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
