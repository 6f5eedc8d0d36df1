/** What `--help` prints. */
export const help = `rcdump backs up PostgreSQL and MariaDB/MySQL to any store rclone knows.

  rcdump [arguments for pg_dump or mariadb-dump]
  rcdump backup [-- arguments for the dump program]
  rcdump check [--json] [-- arguments for the dump program]
                        tries out database, rights, store and keys, and dumps nothing

What to back up
  BACKUP_DATABASES      names, globs and exclusions: app,crm  *  app_*,!app_test
  BACKUP_ALL            true: the whole server in one dump, instead
  BACKUP_GLOBALS        true: PostgreSQL's roles and tablespaces too, as a backup of their own
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
  ENCRYPT_RECIPIENTS    age and ssh public keys; or ENCRYPT_RECIPIENTS_FILE, ENCRYPT_PASSPHRASE_FILE
  PGPASSWORD_FILE       a file with the password; MYSQL_PWD_FILE for MariaDB
  TZ                    the time zone of dates in file names (UTC)

The database is reached by its own client's settings (PGHOST, PGUSER, ..., MYSQL_HOST, --user, option files),
the store by rclone's (RCLONE_CONFIG_STORE_TYPE, ...).
`;
