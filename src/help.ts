import type { CommandName } from "./command-line.ts";

/** What `--help` prints. */
export const help = `rcdump backs up PostgreSQL and MariaDB/MySQL to any store rclone knows, and brings it back.

  rcdump [arguments for pg_dump or mariadb-dump]
  rcdump backup    dump each database to the store
  rcdump check     try out database, rights, store and keys; dumps nothing
  rcdump list      the backups in the store, newest first
  rcdump verify    read backups back and compare; --restore tries them out on a server
  rcdump restore   bring a database back
  rcdump prune     remove backups that KEEP_* does not keep; --dry-run shows which
  rcdump status    how old the newest backup of each database is

\`rcdump COMMAND --help\` has the options of each. Options of the database's own programs go behind --.

What to back up
  BACKUP_DATABASES      names, globs and exclusions: app,crm  *  app_*,!app_test
  BACKUP_ALL            true: the whole server in one dump, instead
  BACKUP_GLOBALS        true: PostgreSQL's roles and tablespaces too, as a backup of their own
  BACKUP_SHARD          INDEX/COUNT, such as 0/4: one of four runs that divide the databases among them
  BACKUP_WAIT           seconds to wait for a server that does not answer (0)
Where to
  REMOTE_NAME           an rclone remote or connection string (store)
  UPLOAD_PREFIX         a folder in it; for S3 and its like it begins with the bucket
  BACKUP_FILE_NAME      a pattern with strftime directives and \${DB} (\${DB}-%Y-%m-%dT%H-%M-%SZ)
  BACKUP_OVERWRITE      false: refuse a name that is taken (true)
  BACKUP_SPOOL_DIR      a local folder to write each dump to before it is uploaded
How
  BACKUP_COMPRESSION    gzip, zstd, none (gzip); BACKUP_COMPRESSION_LEVEL
  BACKUP_CONCURRENCY    databases dumped at once (1)
  BACKUP_TIMEOUT        seconds that each dump may take until it is stored
  ENCRYPT_RECIPIENTS    age and ssh public keys; or ENCRYPT_RECIPIENTS_FILE, ENCRYPT_PASSPHRASE_FILE
  PGPASSWORD_FILE       a file with the password; MYSQL_PWD_FILE for MariaDB
  TZ                    the time zone of dates in file names, of KEEP_* and of what is shown (UTC)
How long
  KEEP_LAST             so many of the newest; KEEP_HOURLY, KEEP_DAILY, KEEP_WEEKLY, KEEP_MONTHLY,
                        KEEP_YEARLY: the newest of each of so many; KEEP_WITHIN: 30d, 12w, 6m, 1y.
                        All are kept unless one of these is set
And back
  DECRYPT_IDENTITY_FILE   the private key: age's, or ssh's; DECRYPT_PASSPHRASE_FILE for a protected one,
                          and for backups made with a passphrase

The database is reached by its own client's settings (PGHOST, PGUSER, ..., MYSQL_HOST, --user, option files),
the store by rclone's (RCLONE_CONFIG_STORE_TYPE, ...).
`;

const which = `  --database NAME   only backups of this database
  --server HOST     only backups of this server; HOST:PORT if there are several
`;

const times =
  "TIME is 2026-11-21T02:00 (in TZ), 2026-11-21T02:00:00Z, the beginning of a day, or how long ago: 7d, 12h, 30min.\n";

/** What `rcdump COMMAND --help` prints. */
export const commandHelp: Readonly<Record<CommandName, string>> = {
  backup: `rcdump backup [-- arguments for the dump program]

Dumps each database that BACKUP_DATABASES names, and removes what KEEP_* does not keep.
\`rcdump --help\` has the settings.
`,
  check: `rcdump check [--json] [-- arguments for the dump program]

Tries out everything a backup needs, dumps nothing, and exits with the code of the first thing that is wrong.
`,
  list: `rcdump list [options]

Committed backups, newest first.

${which}  --since TIME      only those made since then
  --limit N         at most so many
  --all             also what is no backup: damaged, incomplete, left over
  --json            for programs

${times}`,
  verify: `rcdump verify [options] [-- how to reach the server, for --restore]

Reads backups and compares them with their manifests, by default the newest of each database.

${which}  --file PATH       only this one
  --since TIME      all that were made since then
  --all             all
  --deep            decrypt and decompress to the last byte, too
  --restore         restore into a scratch database, dump that, compare, and drop it
  --json            for programs

${times}`,
  restore: `rcdump restore [options] [-- how to reach the server]

Restores a backup, by default the newest, into a database that is empty.

${which}  --at TIME         the newest backup that was begun by then
  --file PATH       this one
  --to NAME         into this database; by default the one it was made of
  --create          create that database
  --swap            restore beside the database, then exchange the names; the old one is kept under a dated name
  --force           into a database that is not empty: MariaDB then drops and replaces the tables that are in the
                    backup; with --swap: end the sessions on it
  --no-verify       do not read the backup once in full before anything is touched
  --unverified      with --file: a dump without a manifest, made by something else
  --yes             do not ask

${times}`,
  prune: `rcdump prune [options]

Removes the backups of this image's engine that KEEP_* does not keep. The newest of each database always stays.

${which}  --dry-run         show each backup with keep or remove and the reason; remove nothing
  --incomplete      also remove uploads that were cut off more than a day ago
  --json            for programs
`,
  status: `rcdump status [options]

The newest backup of each database. Exits with 50 if one is missing, or older than --max-age says.

${which}  --max-age 26h     how old the newest may be
  --json            for programs
  --openmetrics     for Prometheus
`,
};
