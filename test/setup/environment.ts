/**
 * The environment that tests and the demo run in; importing this, any number of times, is all there is to do.
 *
 * The programs that test/setup/install provides come first on PATH, in the order that test/setup/common.sh has:
 * the project's own (.tools/bin), then PostgreSQL's newest version, then the folders of servers. And what is
 * set for somebody's own databases, stores and backups is unset: no test is to see it, let alone use it.
 */
import { readdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The checkout's top folder. */
export const projectFolder: string = resolve(import.meta.dirname, "../..");

const postgresVersions = "/usr/lib/postgresql";

function postgresFolders(): string[] {
  try {
    return readdirSync(postgresVersions)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => join(postgresVersions, version, "bin"));
  } catch {
    return [];
  }
}

const wanted = [
  join(projectFolder, ".tools/bin"),
  ...postgresFolders(),
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
];
const present = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !wanted.includes(folder));

process.env["PATH"] = [...wanted, ...present].join(delimiter);

/** Of libpq, the MariaDB clients, rclone, what rclone's backends read themselves, and rcdump. */
const personal =
  /^(PG|MYSQL_|MARIADB_|RCLONE_|AWS_|BACKUP_|ENCRYPT_|DECRYPT_|KEEP_|UPLOAD_PREFIX$|REMOTE_NAME$)/;

for (const name of Object.keys(process.env)) {
  if (personal.test(name)) delete process.env[name];
}
