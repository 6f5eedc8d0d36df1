import { expect, test } from "vitest";
import { looksLike } from "../../src/spelling.ts";

test.for<[name: string, meant: string, slip: boolean]>([
  ["BACKUP_DATABASE", "BACKUP_DATABASES", true],
  ["BACKUP_DATABSAES", "BACKUP_DATABASES", true],
  ["BACKUP_FILENAME", "BACKUP_FILE_NAME", true],
  ["BACKUP_DATABASES", "BACKUP_DATABASES", false],
  ["BACKUP_DATA", "BACKUP_DATABASES", false],
  ["BACKUP_ALL", "BACKUP_WAIT", false],
])("%s for %s: %s", ([name, meant, slip]) => {
  expect(looksLike(name, meant)).toBe(slip);
});
