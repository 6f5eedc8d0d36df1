import type { Container } from "kubernetes-types/core/v1.js";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCommandLine } from "../../../src/command-line.ts";
import { parseConfig } from "../../../src/config.ts";
import { settings } from "../../../src/settings.ts";
import { projectFolder } from "../../setup/environment.ts";
import { environmentOf, filesOf } from "./container-environment.ts";
import type { JobIn } from "./manifests.ts";

/** What the README lists as settings, and what rcdump reads: a name has to be in one of them. */
const known = new Set([
  ...Object.keys(settings),
  ...readFileSync(join(projectFolder, "README.md"), "utf8")
    .matchAll(/`([A-Z_]+)`/g)
    .map(([, name = ""]) => name),
]);

/** Commands that read backups to the last byte, or write them into a database: they need a key. */
const decrypting = /^(restore|verify)$/;

/** What rcdump itself would say of a container's arguments and variables, and of files that are not mounted. */
export function settingProblems(job: JobIn, container: Container): string[] {
  const label = `${job.label}: ${container.name}`;
  const environment = environmentOf(job.manifest, container);
  const files = filesOf(job, container);
  const readFile = (path: string): string => {
    const content = files.get(path);
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return content;
  };
  try {
    const line = parseCommandLine(container.args ?? []);
    const makes = line.command === "backup" || line.command === "check";
    parseConfig(environment, readFile, makes ? "backup" : "stored");
    return [
      ...unknownNames(environment),
      ...missingFiles(environment, files, container),
      ...(decrypting.test(line.command) && environment["DECRYPT_IDENTITY_FILE"] === undefined
        ? ["has no key"]
        : []),
    ].map((problem) => `${label}: ${problem}`);
  } catch (error) {
    return [`${label}: ${(error as Error).message}`];
  }
}

function unknownNames(environment: Readonly<Record<string, string>>): string[] {
  return Object.keys(environment)
    .filter((name) => /^(BACKUP|KEEP|ENCRYPT|DECRYPT|UPLOAD|REMOTE)_|^(PGPASSWORD|MYSQL_PWD)_/.test(name))
    .filter((name) => !known.has(name))
    .map((name) => `${name} is no setting`);
}

function missingFiles(
  environment: Readonly<Record<string, string>>,
  files: ReadonlyMap<string, string>,
  { volumeMounts = [] }: Container,
): string[] {
  const folders = new Set(volumeMounts.map(({ mountPath }) => mountPath));
  return Object.entries(environment)
    .filter(([name, value]) =>
      name === "REMOTE_NAME"
        ? value.startsWith("/") && !folders.has(value)
        : /_FILE$|^RCLONE_CA_CERT$/.test(name) && !files.has(value),
    )
    .map(([name, value]) => `${name}: ${value} is not mounted`);
}
