import { describe, expect, test } from "vitest";
import type { Operation } from "../../../src/errors.ts";
import { SubprocessError } from "../../../src/program.ts";
import { explainRclone, type RcloneFailure } from "../../../src/rclone/failure.ts";

function explain(
  stderr: string,
  location = "store:backups",
  operation: Operation = "remote",
  exitCode = 1,
): RcloneFailure {
  return explainRclone(operation, new SubprocessError("rclone", { exitCode }, stderr), location);
}

// As rclone 1.60 and 1.75 wrote them.
const said = {
  section:
    '2026/01/02 03:04:05 CRITICAL: Failed to create file system for "rcdump:": didn\'t find section in config file ("store")',
  backend:
    '2026/01/02 03:04:05 Failed to create file system for "rcdump:": didn\'t find backend called "s33"',
  refused:
    '2026/01/02 03:04:05 ERROR : error listing: Get "http://127.0.0.1:9/b": dial tcp 127.0.0.1:9: connect: connection refused\n2026/01/02 03:04:06 NOTICE: Failed to lsjson with 2 errors: last error was: error in ListJSON: Get "http://127.0.0.1:9/b": dial tcp 127.0.0.1:9: connect: connection refused',
  key: "2026/01/02 03:04:05 NOTICE: Failed to lsjson: error in ListJSON: operation error S3: ListObjectsV2, https response error StatusCode: 403, api error SignatureDoesNotMatch: The request signature does not match",
  ssh: '2026/01/02 03:04:05 CRITICAL: Failed to create file system for "rcdump:": NewFs: couldn\'t connect SSH: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey]',
  bucket:
    "2026/01/02 03:04:05 NOTICE: Failed to rcat: operation error S3: PutObject, https response error StatusCode: 404, NoSuchBucket: ",
  denied:
    "2026/01/02 03:04:05 NOTICE: Failed to rcat: operation error S3: PutObject, https response error StatusCode: 403, api error AccessDenied: Access Denied",
  unseen:
    "2026/01/02 03:04:05 ERROR : x.sql: Post request rcat error: Forbidden: Forbidden\n\tstatus code: 403, request id: A1, host id: B2\n2026/01/02 03:04:05 Failed to rcat: Forbidden: Forbidden\n\tstatus code: 403, request id: A1, host id: B2",
  creation:
    "2026/01/02 03:04:05 NOTICE: Failed to rcat with 2 errors: last error was: failed to prepare upload: operation error S3: CreateBucket, https response error StatusCode: 403, RequestID: , HostID: , api error AccessDenied: Access Denied",
  absent:
    "2026/01/02 03:04:05 ERROR : x.sql: Post request rcat error: object not found\n2026/01/02 03:04:05 NOTICE: Failed to rcat with 2 errors: last error was: object not found",
  permission: "2026/01/02 03:04:05 NOTICE: Failed to rcat: open /store/app.sql.gz: permission denied",
  authority:
    '2026/01/02 03:04:05 NOTICE: Failed to lsjson: error in ListJSON: Get "https://s3:9000/b": tls: failed to verify certificate: x509: certificate signed by unknown authority',
  plaintext:
    '2026/01/02 03:04:05 NOTICE: Failed to lsjson with 2 errors: last error was: error in ListJSON: operation error S3: ListObjects, exceeded maximum number of attempts, 1, https response error StatusCode: 0, RequestID: , HostID: , request send failed, Get "https://s3:9000/b?delimiter=%2F": tls: first record does not look like a TLS handshake',
  closed:
    '2026/01/02 03:04:05 NOTICE: Failed to rcat: failed to upload chunk 1 with 5242880 bytes: operation error S3: UploadPart, exceeded maximum number of attempts, 2, https response error StatusCode: 0, RequestID: , HostID: , request send failed, Put "http://s3/b/x.sql?partNumber=1": set tcp 10.0.0.2:54070: use of closed network connection',
  resolver:
    '2026/01/02 03:04:05 NOTICE: Failed to lsjson: error in ListJSON: Get "http://s3/b": dial tcp: lookup s3 on 127.0.0.11:53: server misbehaving',
  full: "2026/01/02 03:04:05 NOTICE: Failed to rcat: write /store/app.sql.gz: no space left on device",
  configuration:
    '2026/01/02 03:04:05 NOTICE: Config file "/run/rclone.conf" not found - using defaults\n2026/01/02 03:04:05 CRITICAL: Failed to create file system for "rcdump:": didn\'t find section in config file ("store")',
  short:
    '2026/01/02 03:04:05 CRITICAL: Failed to create file system for "rcdump:": input too short when revealing password - is it obscured?',
  plain:
    '2026/01/02 03:04:05 CRITICAL: Failed to create file system for "rcdump:": couldn\'t decrypt password: base64 decode failed when revealing password - is it obscured?: illegal base64 data at input byte 7',
  stranger:
    '2026/01/02 03:04:05 CRITICAL: Failed to create file system for "rcdump:": NewFs: couldn\'t connect SSH: ssh: handshake failed: knownhosts: key is unknown',
  changed:
    '2026/01/02 03:04:05 CRITICAL: Failed to create file system for "rcdump:": NewFs: couldn\'t connect SSH: ssh: handshake failed: knownhosts: key mismatch',
  noBucket:
    "2026/01/02 03:04:05 NOTICE: Failed to rcat with 2 errors: last error was: operation error S3: PutObject, serialization failed: serialization failed: input member Key must not be empty",
  big: "2026/01/02 03:04:05 NOTICE: Failed to copyto: preallocate: file too big for remaining disk space",
  tooLarge: "2026/01/02 03:04:05 NOTICE: Failed to rcat: write /store/app.sql.gz: file too large",
  digest:
    "2026/01/02 03:04:05 NOTICE: Failed to rcat: failed to upload chunk 1 with 5242880 bytes: operation error S3: UploadPart, https response error StatusCode: 400, RequestID: , HostID: , api error BadDigest: The Content-MD5 you specified did not match what we received.",
  trouble:
    "2026/01/02 03:04:05 NOTICE: Failed to rcat: operation error S3: UploadPart, https response error StatusCode: 500, RequestID: , HostID: , api error InternalError: injected",
  busy: "2026/01/02 03:04:05 NOTICE: Failed to rcat: unchunked simple update failed: injected: 503 Service Unavailable",
};

describe("what rclone says, and what can be done", () => {
  test.for([
    ["section", /there is no remote called store: set RCLONE_CONFIG_STORE_TYPE/],
    ["backend", /correct the type of the remote/],
    ["refused", /see that the store is up/],
    ["key", /correct the credentials/],
    ["ssh", /correct the credentials/],
    ["bucket", /create the bucket/],
    ["denied", /give these credentials the right/],
    ["unseen", /BACKUP_SPOOL_DIR/],
    ["creation", /RCLONE_S3_NO_CHECK_BUCKET=true/],
    ["absent", /did what it did not do/],
    ["permission", /give these credentials the right/],
    ["authority", /RCLONE_CA_CERT/],
    ["plaintext", /with http:\/\/ before it/],
    ["closed", /see that the store is up/],
    ["resolver", /correct its host or endpoint/],
    ["full", /make room in the store/],
    ["configuration", /there is no file \/run\/rclone.conf: .*RCLONE_CONFIG_STORE_TYPE/],
    ["short", /rclone obscure -/],
    ["plain", /rclone obscure -/],
    ["stranger", /known_hosts_file/],
    ["changed", /another key/],
    ["noBucket", /set UPLOAD_PREFIX/],
    ["big", /make room in the store/],
    ["tooLarge", /raise its limit/],
    ["digest", /alters data/],
    ["trouble", /in trouble/],
    ["busy", /in trouble/],
  ] as const)("%s", ([name, hint]) => {
    expect(explain(said[name]).hint).toMatch(hint);
  });

  test("something unheard of has rclone's words and no hint", () => {
    const failure = explain("2026/01/02 03:04:05 ERROR : the moon is full\n\n");
    expect(failure).toMatchObject({ message: "cannot use store: the moon is full", hint: undefined });
  });

  test("silence has the exit code", () => {
    expect(explain("", "store:", "upload", 7).message).toBe(
      "upload to store failed: rclone exited with code 7",
    );
  });

  test("the message is the last line's, without time, level and preamble", () => {
    expect(explain(said.refused, "store:backups", "upload").message).toBe(
      'upload to store failed: error in ListJSON: Get "http://127.0.0.1:9/b": dial tcp 127.0.0.1:9: connect: connection refused',
    );
  });
});

test.for([":s3,secret_access_key=hunter2:b", 'store,secret_access_key=hunter2,endpoint="http://h:1":b'])(
  "of a connection string no option is shown: %s",
  (location) => {
    const { message, hint } = explain(said.section, location);
    expect(`${message} ${hint}`).not.toContain("hunter2");
  },
);

test("whether the store forbade it, or the settings name no store, is told apart", () => {
  const kinds = Object.entries(said).map(([name, stderr]) => {
    const { forbidden, misconfigured } = explain(stderr);
    return [name, forbidden ? "forbidden" : misconfigured ? "misconfigured" : ""];
  });
  expect(Object.fromEntries(kinds)).toEqual({
    section: "misconfigured",
    backend: "misconfigured",
    refused: "",
    // A wrong key is no credential that may only write.
    key: "",
    ssh: "",
    bucket: "",
    denied: "forbidden",
    unseen: "forbidden",
    creation: "forbidden",
    absent: "",
    permission: "forbidden",
    authority: "",
    plaintext: "",
    closed: "",
    resolver: "",
    full: "",
    configuration: "misconfigured",
    short: "",
    plain: "",
    stranger: "",
    changed: "",
    noBucket: "",
    big: "",
    tooLarge: "",
    digest: "",
    trouble: "",
    busy: "",
  });
});

test.for([
  "dial tcp 10.0.0.1:403: connect: connection refused",
  "error reading app-403.sql.gz: connection reset by peer",
  "error reading forbidden.sql.gz: connection reset by peer",
])("a name or a number that is no status forbids nothing: %s", (line) => {
  expect(explain(`2026/01/02 03:04:05 ERROR : ${line}`).forbidden).toBe(false);
});

// The AWS library of rclone 1.60 writes them so.
test("an error of two lines is told by its first", () => {
  const stderr =
    "2026/01/02 03:04:05 Failed to rcat: AccessDenied: Access Denied\n\tstatus code: 403, request id: A1, host id: B2\n";
  expect(explain(stderr)).toMatchObject({
    message: "cannot use store: AccessDenied: Access Denied",
    forbidden: true,
  });
});

test("one that was ended for taking too long says so, with what to do", () => {
  const ending = { signal: "SIGTERM", overdue: 60_000 };
  const failure = explainRclone("remote", new SubprocessError("rclone", ending, ""), "store:backups");
  expect(failure).toMatchObject({
    message: "cannot use store: rclone gave no answer within 60 s",
    hint: expect.stringContaining("see that the store is up"),
  });
});

test("exit code 9 is a name that is taken", () => {
  expect(explain("", "store:", "upload", 9)).toMatchObject({
    operation: "upload",
    exitCode: 9,
    message: "upload to store failed: the name is taken",
    hint: expect.stringContaining("BACKUP_OVERWRITE=true"),
  });
});

test("of a connection string nothing is shown", () => {
  const location = ":sftp,host=h,user=u,pass=hunter2:backups";
  const stderr = `2026/01/02 03:04:05 CRITICAL: Failed to create file system for "${location}": couldn't connect: pass=hunter2`;
  for (const failure of [
    explain(stderr, location),
    explain("", location),
    explain("", location, "upload", 9),
  ]) {
    expect(`${failure.message} ${failure.hint}`).not.toContain("hunter2");
    expect(failure.message).toMatch(/^(cannot use|upload to) the remote/);
  }
});

test("one that the kernel ended says that, not what it said before", () => {
  const stderr = "2026/11/21 17:42:48 NOTICE: S3 bucket b: Streaming uploads using chunk size 62Mi";
  const failure = new SubprocessError("rclone", { signal: "SIGKILL" }, stderr);
  expect(explainRclone("upload", failure, "store:b").message).toBe(
    "upload to store failed: rclone was ended by SIGKILL, perhaps for want of memory",
  );
});

test("a dump with more chunks than the store takes, and one that rclone has no room for", () => {
  expect(
    explain("InvalidArgument: Part number must be an integer between 1 and 10000, inclusive").hint,
  ).toMatch(/^the dump has more chunks than the store takes: unset chunk_size/);
  expect(
    explain("failed to copy to temporary spool file: write /tmp/rclone-spool1: no space left on device").hint,
  ).toMatch(/^make room in the temporary folder/);
});
