/**
 * What is measured. Commands are bash's, and find what differs between engines and stores in variables:
 * `$DUMP` the dump program with its arguments, `$LOAD` the client that runs SQL in the database `new`, `$CREATE` what creates that,
 * `$RCDUMP` and `$REACH` rcdump and its arguments for reaching the server, `$STORE` the folder in the store, `$SPOOL` one on disk,
 * `$RECIPIENT` and `$IDENTITY` the key, `$BENCH` the folder of this file.
 */
export interface Candidate {
  /** What tables call it. */
  readonly name: string;
  readonly title: string;
  readonly command: string;
  /** Bytes of the plain dump, where it is not the part's database that is dumped. */
  readonly plainBytes?: number;
}

const encrypted = "ENCRYPT_RECIPIENTS=$RECIPIENT $RCDUMP backup $REACH";
const age = "age -r $RECIPIENT";
const rage = "rage -r $RECIPIENT";

/** Making backups. `a` is the limit: nobody stores a dump sooner than the server has given it out. */
export const backups: readonly Candidate[] = [
  { name: "a", title: "the dump alone, thrown away", command: "$DUMP >/dev/null" },
  {
    name: "b",
    title: "the predecessor: gzip, rage, a file, then rclone",
    command: `$DUMP | gzip | ${rage} >$SPOOL/dump.sql.gz.age && rclone copy $SPOOL/dump.sql.gz.age $STORE && rm $SPOOL/dump.sql.gz.age`,
  },
  {
    name: "c",
    title: "the same, streamed",
    command: `$DUMP | gzip | ${rage} | rclone rcat $STORE/dump.sql.gz.age`,
  },
  { name: "d", title: "pigz, age", command: `$DUMP | pigz | ${age} | rclone rcat $STORE/dump.sql.gz.age` },
  {
    name: "d2",
    title: "igzip, age",
    command: `$DUMP | igzip -3 | ${age} | rclone rcat $STORE/dump.sql.gz.age`,
  },
  {
    name: "d3",
    title: "igzip, rage",
    command: `$DUMP | igzip -3 | ${rage} | rclone rcat $STORE/dump.sql.gz.age`,
  },
  {
    name: "e",
    title: "zstd, age",
    command: `$DUMP | zstd -T0 | ${age} | rclone rcat $STORE/dump.sql.zst.age`,
  },
  { name: "f", title: "rcdump, defaults, encrypted", command: encrypted },
  { name: "g", title: "rcdump, zstd, encrypted", command: `BACKUP_COMPRESSION=zstd ${encrypted}` },
  { name: "h", title: "rcdump, not encrypted", command: "$RCDUMP backup $REACH" },
];

/** Storing what is there already, which is what a store can do at the best. The file is one that `f` has made. */
export const copy: Candidate = {
  name: "s",
  title: "rclone copyto of f's file",
  command: "rclone copyto $SPOOL/made $STORE/dump.sql.gz.age",
};

/** Makes that file. */
export const makeFile = `UPLOAD_PREFIX=backups/made ${encrypted} && rclone copyto "$STORE/made/$(rclone lsf $STORE/made --exclude '*.json')" $SPOOL/made && rclone purge $STORE/made`;

/** Makes what is read and restored below: by hand in both ways, and by rcdump. */
export const makeBackups = [
  `$DUMP | gzip | ${rage} | rclone rcat $STORE/gzip.age`,
  `$DUMP | igzip -3 | ${age} | rclone rcat $STORE/igzip.age`,
  encrypted,
].join(" && ");

const readAsPredecessor = "rclone cat $STORE/gzip.age | rage -d -i $IDENTITY | gunzip";
const readQuickly = "rclone cat $STORE/igzip.age | age -d -i $IDENTITY | igzip -d";

/** Reading backups to the last byte of their SQL. */
export const readings: readonly Candidate[] = [
  { name: "i", title: "rage, gunzip", command: `${readAsPredecessor} >/dev/null` },
  { name: "j", title: "age, igzip", command: `${readQuickly} >/dev/null` },
  {
    name: "k",
    title: "rcdump verify --deep",
    command: "DECRYPT_IDENTITY_FILE=$IDENTITY $RCDUMP verify --deep",
  },
];

const restore =
  "DECRYPT_IDENTITY_FILE=$IDENTITY $RCDUMP restore --database $DATABASE --to new --create --yes";

/** Restoring them into a new database. */
export const restores: readonly Candidate[] = [
  {
    name: "l",
    title: "rage, gunzip, the client",
    command: `$CREATE && ${readAsPredecessor} | $LOAD >/dev/null`,
  },
  { name: "m", title: "age, igzip, the client", command: `$CREATE && ${readQuickly} | $LOAD >/dev/null` },
  {
    name: "n",
    title: "rcdump restore --no-verify",
    command: `${restore} --no-verify $REACH`,
  },
  {
    name: "o",
    title: "rcdump restore, reads all of it first",
    command: `${restore} $REACH`,
  },
];

/** Dumps of any size, as fast as they are taken: what rcdump does where the server is not the limit. */
export const sizes: readonly Candidate[] = [0.1, 1, 5].map((gigabytes) => ({
  name: `${gigabytes} GB`,
  title: "rcdump, defaults, encrypted",
  command: `PATH=$BENCH/generator:$PATH PLAIN=${gigabytes * 1e9} ${encrypted}`,
  plainBytes: gigabytes * 1e9,
}));

/** Makes what such dumps consist of. */
export const makeBlock = "{ $DUMP || true; } | head -c 100000000 >$SPOOL/block";

/** Two hundred databases in one run. */
export const concurrencies: readonly Candidate[] = [1, 2, 4].map((count) => ({
  name: `${count}`,
  title: `BACKUP_CONCURRENCY=${count}`,
  command: `BACKUP_DATABASES='small_*' BACKUP_CONCURRENCY=${count} ${encrypted}`,
}));

/** Makes them, each with a hundred rows. */
export const makeSmallDatabases = `for each in small_{1..200}; do
  createdb $each && psql -Xq -d $each -c 'CREATE TABLE rows AS SELECT n, md5(n::text) AS text FROM generate_series(1, 100) n'
done`;

/** Looking at many backups. */
export const surveys: readonly Candidate[] = [
  { name: "list", title: "rcdump list --json", command: "$RCDUMP list --json" },
  {
    name: "status",
    title: "rcdump status",
    command: "env -u BACKUP_DATABASES $RCDUMP status --max-age 100000h",
  },
  {
    name: "prune",
    title: "rcdump prune --dry-run",
    command: "KEEP_DAILY=7 KEEP_WEEKLY=5 $RCDUMP prune --dry-run",
  },
];

/** Puts ten thousand backups into the store. */
export const makeHistory =
  "node $BENCH/history.ts $SPOOL/history && rclone copy --transfers 32 $SPOOL/history $STORE && rm -r $SPOOL/history";
