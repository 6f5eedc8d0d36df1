/** Before the tests: rcdump as the images have it, in one bundle, which also starts in half the time. Once for all projects. */
import { execa } from "execa";
import { removeFolder, temporaryFolder } from "../fixtures/folder.ts";
import { projectFolder } from "./environment.ts";

export default async function setup(): Promise<(() => void) | undefined> {
  if (process.env["RCDUMP_TEST_PROGRAM"] !== undefined) return undefined;
  const folder = temporaryFolder("bundle");
  await execa("npm", ["run", "bundle", "--", "--dir", folder, "--logLevel", "warn"], { cwd: projectFolder });
  process.env["RCDUMP_TEST_PROGRAM"] = `${folder}/main.js`;
  return () => removeFolder(folder);
}
