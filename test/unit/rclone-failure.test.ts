import { describe, expect, test } from "vitest";
import type { Operation } from "../../src/errors.ts";
import { SubprocessError } from "../../src/program.ts";
import { explainRclone, type RcloneFailure } from "../../src/rclone-failure.ts";

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
  permission: "2026/01/02 03:04:05 NOTICE: Failed to rcat: open /store/app.sql.gz: permission denied",
  authority:
    '2026/01/02 03:04:05 NOTICE: Failed to lsjson: error in ListJSON: Get "https://s3:9000/b": tls: failed to verify certificate: x509: certificate signed by unknown authority',
  resolver:
    '2026/01/02 03:04:05 NOTICE: Failed to lsjson: error in ListJSON: Get "http://s3/b": dial tcp: lookup s3 on 127.0.0.11:53: server misbehaving',
  full: "2026/01/02 03:04:05 NOTICE: Failed to rcat: write /store/app.sql.gz: no space left on device",
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
    ["permission", /give these credentials the right/],
    ["authority", /RCLONE_CA_CERT/],
    ["resolver", /correct its host or endpoint/],
    ["full", /make room in the store/],
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
    permission: "forbidden",
    authority: "",
    resolver: "",
    full: "",
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
