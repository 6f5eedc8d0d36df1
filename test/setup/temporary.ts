/**
 * Before the tests: one folder for all that they keep in temporary files. Vitest ends its workers in a way that leaves them no time to
 * remove their own.
 */
import { chmodSync } from "node:fs";
import { removeFolder, temporaryFolder } from "../fixtures/folder.ts";

export default function setup(): (() => void) | undefined {
  if (process.env["RCDUMP_TEST_FOLDER"] !== undefined) return undefined;
  const folder = temporaryFolder("tests");
  // Database servers run as somebody else than root.
  chmodSync(folder, 0o711);
  Object.assign(process.env, { RCDUMP_TEST_FOLDER: folder, TMPDIR: folder });
  return () => removeFolder(folder);
}
