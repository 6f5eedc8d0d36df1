import { expect, test } from "vitest";
import { redact } from "../../src/redaction.ts";

test.for<[text: string, redacted: string]>([
  ["dial postgres://ann:hunter2@db:5432/app", "dial postgres://ann:***@db:5432/app"],
  ["two: ftp://a:hunter2@b sftp://c:hunter2@d", "two: ftp://a:***@b sftp://c:***@d"],
  ["GET https://h/b?sv=1&sig=hunter2%3D&se=2", "GET https://h/b?sv=1&sig=***&se=2"],
  [
    "https://h/o?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2",
    "https://h/o?X-Amz-Credential=***&X-Amz-Signature=***",
  ],
  [
    "parse https://h/?X-Amz-Security-Token=hunter2 failed",
    "parse https://h/?X-Amz-Security-Token=*** failed",
  ],
  [":sftp,host=h,pass=hunter2,port=22:", ":sftp,host=h,pass=***,port=22:"],
  [':s3,secret_access_key="hunter2, and":b', ":s3,secret_access_key=***:b"],
  ["account_key = hunter2; more", "account_key = ***; more"],
  ["connection failed: password=hunter2 host=db", "connection failed: password=*** host=db"],
  ["PASSWORD='hunter 2'", "PASSWORD=***"],
])("%s", ([text, redacted]) => {
  expect(redact(text)).toBe(redacted);
});

test.for([
  "https://s3.example.org/bucket/app.sql.gz: 403 Forbidden",
  "lstat /backups/app.sql.gz: no such file or directory",
  'FATAL:  password authentication failed for user "ann"',
  "dial tcp 127.0.0.1:9000: connect: connection refused",
])("%s is left as it is", (text) => {
  expect(redact(text)).toBe(text);
});
