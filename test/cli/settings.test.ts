/** Bad input in the settings: each is refused by name, with what to write instead, before anything is connected to. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rcdump, type Variables } from "../fixtures/cli.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { localStore } from "../fixtures/store.ts";
import { startSilent, type TcpServer } from "../fixtures/tcp.ts";

const store = localStore();
const files = temporaryFolder("settings");
const password = "opensesame-9f31";
const privateKey = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

/** Stands where the database would be, to see that nobody calls. */
let server: TcpServer;

beforeAll(async () => {
  server = await startSilent();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A file with this text, and its path. */
function file(name: string, text: string | Buffer): string {
  writeFileSync(join(files, name), text);
  return join(files, name);
}

/** Runs with good settings but for these, and returns the problems that are listed. */
async function problemsWith(variables: Variables, args: string[] = []): Promise<string[]> {
  const before = { connections: server.connections(), stored: store.snapshot() };
  const settings = {
    ...store.env,
    BACKUP_ENGINE: "postgres",
    BACKUP_DATABASES: "app",
    PGHOST: "127.0.0.1",
    PGPORT: String(server.port),
    PGPASSWORD: password,
    ...variables,
  };
  const { exitCode, message, stdout } = await rcdump(settings, args, { secrets: [privateKey] });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect({ connections: server.connections(), stored: store.snapshot() }).toEqual(before);
  const [heading, ...problems] = message.split("\n  - ");
  expect(heading).toBe(
    problems.length === 1
      ? "there is a problem with the settings"
      : `there are ${problems.length} problems with the settings`,
  );
  return problems;
}

const notSet =
  "BACKUP_DATABASES is not set; name the databases, separated by commas, or * for each of them, or set BACKUP_ALL=true for one dump of the whole server";
const noPlaceholder =
  "BACKUP_FILE_NAME has no ${DB}, so that several databases would be written to one file; put ${DB} into it";
const noRecipient =
  "there is no recipient in it; write an age recipient (age1...) or an ssh public key, or unset it to back up without encryption";
const mountIt = "mount the file there and let the user this runs as read it, or correct the path";

describe.concurrent("what to back up", () => {
  test.for<[title: string, variables: Variables, problem: string]>([
    ["no databases are named", { BACKUP_DATABASES: undefined }, notSet],
    ["the list of databases is empty", { BACKUP_DATABASES: "" }, notSet],
    [
      "the databases are named in both ways",
      { BACKUP_ALL: "true" },
      "BACKUP_DATABASES and BACKUP_ALL are both set; keep BACKUP_DATABASES for one file a database, or BACKUP_ALL=true for one file with all of them",
    ],
    [
      "the whole server and its roles are wanted",
      { BACKUP_DATABASES: undefined, BACKUP_ALL: "true", BACKUP_GLOBALS: "true" },
      "BACKUP_GLOBALS and BACKUP_ALL are both set; a dump of the whole server has roles and tablespaces in it: unset BACKUP_GLOBALS",
    ],
    [
      "one dump of the whole server is to be divided",
      { BACKUP_DATABASES: undefined, BACKUP_ALL: "true", BACKUP_SHARD: "0/4" },
      "BACKUP_SHARD and BACKUP_ALL are both set; one dump of the whole server cannot be divided: unset BACKUP_SHARD, or write BACKUP_DATABASES=* instead of BACKUP_ALL",
    ],
    [
      "shards are counted from 1",
      { BACKUP_SHARD: "4/4" },
      'BACKUP_SHARD is "4/4"; write INDEX/COUNT, counted from 0: 0/4, 1/4, 2/4 and 3/4 for four runs',
    ],
    [
      "a shard is a number",
      { BACKUP_SHARD: "1" },
      'BACKUP_SHARD is "1"; write INDEX/COUNT, counted from 0: 0/4, 1/4, 2/4 and 3/4 for four runs',
    ],
    [
      "Kubernetes did not fill in the shard",
      { BACKUP_SHARD: "$(JOB_COMPLETION_INDEX)/4" },
      "BACKUP_SHARD is \"$(JOB_COMPLETION_INDEX)/4\"; Kubernetes fills in only what env lists before it: list the index there, from the field metadata.annotations['batch.kubernetes.io/job-completion-index']",
    ],
    [
      "roles are wanted of MariaDB",
      { BACKUP_ENGINE: "mariadb", BACKUP_GLOBALS: "true" },
      "BACKUP_GLOBALS is for PostgreSQL only; unset it, and name mysql in BACKUP_DATABASES for the accounts",
    ],
    [
      "a name in the list is empty",
      { BACKUP_DATABASES: "app,,crm" },
      "BACKUP_DATABASES has an empty name between its commas; remove the extra comma",
    ],
    [
      "the list only excludes",
      { BACKUP_DATABASES: "!app" },
      "BACKUP_DATABASES only excludes; write *, before the exclusions",
    ],
    [
      "an exclusion has no name",
      { BACKUP_DATABASES: "app,!" },
      "BACKUP_DATABASES has a lone !; write the name to exclude after it",
    ],
    [
      "the engine is not named",
      { BACKUP_ENGINE: undefined },
      "BACKUP_ENGINE is not set; write postgres or mariadb",
    ],
    [
      "there is no such engine",
      { BACKUP_ENGINE: "oracle" },
      'BACKUP_ENGINE is "oracle"; write postgres, mariadb',
    ],
    [
      "a switch is neither true nor false",
      { BACKUP_GLOBALS: "maybe" },
      'BACKUP_GLOBALS is "maybe"; write true or false',
    ],
  ])("refused: %s", async ([, variables, problem]) => {
    expect(await problemsWith(variables)).toEqual([problem]);
  });
});

describe.concurrent("file names", () => {
  test.for<[title: string, variables: Variables, problem: string]>([
    [
      "two databases and no $DB",
      { BACKUP_DATABASES: "app,crm", BACKUP_FILE_NAME: "nightly-%F" },
      noPlaceholder,
    ],
    ["a glob and no $DB", { BACKUP_DATABASES: "app_*", BACKUP_FILE_NAME: "nightly" }, noPlaceholder],
    ["roles, a database and no $DB", { BACKUP_GLOBALS: "true", BACKUP_FILE_NAME: "nightly" }, noPlaceholder],
    [
      "a .. segment",
      { BACKUP_FILE_NAME: "a/../${DB}" },
      "BACKUP_FILE_NAME has a .. segment; write the folder itself",
    ],
    [
      "a leading /",
      { BACKUP_FILE_NAME: "/backups/${DB}" },
      "BACKUP_FILE_NAME begins with /; write a path within the remote, and put a folder in UPLOAD_PREFIX",
    ],
    [
      "a folder",
      { BACKUP_FILE_NAME: "backups/" },
      "BACKUP_FILE_NAME names a folder; add a file name, for instance ${DB}-%F",
    ],
    [
      "an unknown date directive",
      { BACKUP_FILE_NAME: "${DB}-%Q" },
      "BACKUP_FILE_NAME has the unknown date directive %Q; write %% for a percent sign, or a directive of strftime such as %Y-%m-%d",
    ],
    [
      "a lone % at the end",
      { BACKUP_FILE_NAME: "${DB}-100%" },
      "BACKUP_FILE_NAME ends in a lone %; write %% for a percent sign",
    ],
    [
      "a bad time zone",
      { TZ: "Mars/Olympus" },
      'TZ is "Mars/Olympus", which is no time zone; write one such as UTC or Europe/Berlin',
    ],
  ])("refused: %s", async ([, variables, problem]) => {
    expect(await problemsWith(variables)).toEqual([problem]);
  });
});

describe.concurrent("encryption is never switched off by a mistake", () => {
  const keyFile = file("identity.txt", `# created: 2026-01-01\n${privateKey}\n`);
  const commentFile = file("comments.txt", "# nobody\n\n");
  const garbageFile = file("garbage.txt", "garbage\nmore of it\n");
  const isPrivate =
    "this is an age private key (AGE-SECRET-KEY-1...), not a recipient; give the public half: `age-keygen -y FILE` prints it";

  test.for<[title: string, variables: Variables, problem: string]>([
    ["an empty ENCRYPT_RECIPIENTS", { ENCRYPT_RECIPIENTS: "" }, `ENCRYPT_RECIPIENTS: ${noRecipient}`],
    ["a blank ENCRYPT_RECIPIENTS", { ENCRYPT_RECIPIENTS: " \n" }, `ENCRYPT_RECIPIENTS: ${noRecipient}`],
    [
      "an empty ENCRYPT_RECIPIENTS_FILE",
      { ENCRYPT_RECIPIENTS_FILE: "" },
      "ENCRYPT_RECIPIENTS_FILE is set but empty; write the path of the file, or unset it",
    ],
    [
      "a recipients file without recipients",
      { ENCRYPT_RECIPIENTS_FILE: commentFile },
      `ENCRYPT_RECIPIENTS_FILE (${commentFile}): ${noRecipient}`,
    ],
    [
      "a recipients file with something else in it",
      { ENCRYPT_RECIPIENTS_FILE: garbageFile },
      `ENCRYPT_RECIPIENTS_FILE (${garbageFile}): line 1: not a recipient; line 2: not a recipient; write an age recipient (age1...) or an ssh public key (ssh-ed25519 AAAA..., ssh-rsa AAAA...)`,
    ],
    [
      "a recipients file that is not there",
      { ENCRYPT_RECIPIENTS_FILE: "/nonexistent" },
      `ENCRYPT_RECIPIENTS_FILE names /nonexistent, which does not exist; ${mountIt}`,
    ],
    [
      "a recipients file that is a folder",
      { ENCRYPT_RECIPIENTS_FILE: files },
      `ENCRYPT_RECIPIENTS_FILE names ${files}, which is a folder; ${mountIt}`,
    ],
    [
      "a malformed recipient",
      { ENCRYPT_RECIPIENTS: "age1nonsense" },
      "ENCRYPT_RECIPIENTS: entry 1: malformed age recipient; copy it again, whole, from what age-keygen printed",
    ],
    [
      "a private key as a recipient",
      { ENCRYPT_RECIPIENTS: privateKey },
      `ENCRYPT_RECIPIENTS: entry 1: ${isPrivate}`,
    ],
    [
      "a private key as a recipients file",
      { ENCRYPT_RECIPIENTS_FILE: keyFile },
      `ENCRYPT_RECIPIENTS_FILE (${keyFile}): line 2: ${isPrivate}`,
    ],
    [
      "an empty ENCRYPT_PASSPHRASE_FILE",
      { ENCRYPT_PASSPHRASE_FILE: "" },
      "ENCRYPT_PASSPHRASE_FILE is set but empty; write the path of the file, or unset it",
    ],
    [
      "a misspelt setting",
      { ENCRYPT_RECIPIENT: "age1..." },
      "ENCRYPT_RECIPIENT is no setting; did you mean ENCRYPT_RECIPIENTS?",
    ],
  ])("refused: %s", async ([, variables, problem]) => {
    expect(await problemsWith(variables)).toEqual([problem]);
  });
});

describe.concurrent("secret files", () => {
  const empty = file("empty", "");
  const newline = file("newline", "\n");
  const latin1 = file("latin1", Buffer.from("Köln am Rhein", "latin1"));
  const twoLines = file("two-lines", "first-secret\nsecond-secret\n");

  test.for<[title: string, variables: Variables, problem: string]>([
    [
      "a missing one",
      { PGPASSWORD_FILE: "/nonexistent" },
      `PGPASSWORD_FILE names /nonexistent, which does not exist; ${mountIt}`,
    ],
    ["a folder", { PGPASSWORD_FILE: files }, `PGPASSWORD_FILE names ${files}, which is a folder; ${mountIt}`],
    [
      "an empty one",
      { PGPASSWORD_FILE: empty },
      `PGPASSWORD_FILE names ${empty}, which is empty; write the secret into it`,
    ],
    [
      "one with a final newline only",
      { MYSQL_PWD_FILE: newline },
      `MYSQL_PWD_FILE names ${newline}, which is empty; write the secret into it`,
    ],
    [
      "one with two lines",
      { PGPASSWORD_FILE: twoLines },
      `PGPASSWORD_FILE names ${twoLines}, which has several lines; write the secret alone into it, on one line`,
    ],
    [
      "one in another encoding, whose passphrase nobody could type",
      { ENCRYPT_PASSPHRASE_FILE: latin1 },
      `ENCRYPT_PASSPHRASE_FILE names ${latin1}, which is no text in UTF-8; save it in UTF-8`,
    ],
  ])("refused: %s", async ([, variables, problem]) => {
    expect(await problemsWith(variables)).toEqual([problem]);
  });
});

describe.concurrent("the remote", () => {
  const unquoted =
    'REMOTE_NAME is a connection string with an unquoted : in a value; put such a value in double quotes, as in :s3,endpoint="https://host:9000"';

  test.for<[title: string, variables: Variables, problem: string]>([
    [
      "an unquoted URL in a connection string",
      { REMOTE_NAME: ":s3,provider=Other,endpoint=http://store:9000:bucket" },
      unquoted,
    ],
    [
      "what is no remote's name",
      { REMOTE_NAME: "backups/daily" },
      'REMOTE_NAME is "backups/daily", which is no remote\'s name; write the name of a remote such as store, a connection string such as :s3,env_auth, or an absolute path',
    ],
    [
      "RCLONE_DRY_RUN",
      { RCLONE_DRY_RUN: "true" },
      "RCLONE_DRY_RUN is set, with which rclone stores nothing and reports success; unset it",
    ],
    [
      "RCLONE_INTERACTIVE",
      { RCLONE_INTERACTIVE: "1" },
      "RCLONE_INTERACTIVE is set, with which rclone stores nothing and reports success; unset it",
    ],
  ])("refused: %s", async ([, variables, problem]) => {
    expect(await problemsWith(variables)).toEqual([problem]);
  });

  test("RCLONE_PROGRESS, which is for a person at rclone's own terminal, spoils no answer", async () => {
    const variables = { ...store.env, BACKUP_ENGINE: "postgres", RCLONE_PROGRESS: "true" };
    expect(await rcdump(variables, ["list", "--json"])).toMatchObject({ exitCode: 0, message: "" });
  });

  test("an unquoted URL is refused without the secret beside it", async () => {
    const secret = "bucket-secret-77aa";
    const { message } = await rcdump(
      {
        BACKUP_ENGINE: "postgres",
        BACKUP_DATABASES: "app",
        REMOTE_NAME: `:s3,secret_access_key=${secret},endpoint=http://store:9000:bucket`,
      },
      [],
      { secrets: [secret] },
    );
    expect(message).toContain(unquoted);
  });
});

describe.concurrent("how", () => {
  test.for<[title: string, variables: Variables, problem: string]>([
    [
      "an unknown compression",
      { BACKUP_COMPRESSION: "xz" },
      'BACKUP_COMPRESSION is "xz"; write gzip, zstd, none',
    ],
    [
      "a level that gzip does not have",
      { BACKUP_COMPRESSION_LEVEL: "12" },
      "BACKUP_COMPRESSION_LEVEL is 12; write a whole number from 1 to 9 for gzip",
    ],
    [
      "a level of nothing",
      { BACKUP_COMPRESSION: "none", BACKUP_COMPRESSION_LEVEL: "3" },
      "BACKUP_COMPRESSION_LEVEL is set, but BACKUP_COMPRESSION is none; unset one of them",
    ],
    [
      "no concurrency",
      { BACKUP_CONCURRENCY: "0" },
      'BACKUP_CONCURRENCY is "0"; write a whole number from 1 to 64',
    ],
    ["a negative wait", { BACKUP_WAIT: "-1" }, 'BACKUP_WAIT is "-1"; write whole seconds from 0 to 86400'],
    [
      "a relative spool folder",
      { BACKUP_SPOOL_DIR: "spool" },
      "BACKUP_SPOOL_DIR is no absolute path; write one that begins with /",
    ],
  ])("refused: %s", async ([, variables, problem]) => {
    expect(await problemsWith(variables)).toEqual([problem]);
  });
});

test("a misspelt setting is reported beside what it leaves unset", async () => {
  expect(await problemsWith({ BACKUP_DATABASES: undefined, BACKUP_DATABASE: "app" })).toEqual([
    notSet,
    "BACKUP_DATABASE is no setting; did you mean BACKUP_DATABASES?",
  ]);
});

test("several problems are reported together", async () => {
  const folder = join(files, "no-secret");
  mkdirSync(folder);
  const problems = await problemsWith({
    BACKUP_DATABASES: undefined,
    BACKUP_FILE_NAME: "/../%Q",
    TZ: "Nowhere",
    ENCRYPT_RECIPIENTS: "",
    RCLONE_DRY_RUN: "true",
    PGPASSWORD_FILE: folder,
    REMOTE_NAME: "a/b",
  });
  expect(problems.map((problem) => problem.split(/[ :]/)[0])).toEqual([
    "BACKUP_FILE_NAME",
    "BACKUP_FILE_NAME",
    "BACKUP_FILE_NAME",
    "TZ",
    "BACKUP_DATABASES",
    "RCLONE_DRY_RUN",
    "REMOTE_NAME",
    "ENCRYPT_RECIPIENTS",
    "PGPASSWORD_FILE",
  ]);
});
