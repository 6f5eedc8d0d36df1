import { describe, expect, test } from "vitest";
import { type Config, parseConfig } from "../../src/config.ts";
import { BackupError } from "../../src/errors.ts";

type Variables = Record<string, string | undefined>;

const good: Variables = { BACKUP_ENGINE: "postgres", BACKUP_DATABASES: "app" };
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/** Files by path; an error code for those that cannot be read. */
function reader(files: Record<string, string | { code: string }>): (path: string) => string {
  return (path) => {
    const file = files[path] ?? { code: "ENOENT" };
    if (typeof file === "string") return file;
    throw Object.assign(new Error(`${file.code}: ${path}`), file);
  };
}

function parse(variables: Variables, files: Parameters<typeof reader>[0] = {}): Config {
  return parseConfig({ ...good, ...variables }, reader(files));
}

function problems(variables: Variables, files: Parameters<typeof reader>[0] = {}): string[] {
  try {
    parse(variables, files);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    expect(error.operation).toBe("configuration");
    const [heading, ...listed] = error.message.split("\n  - ");
    expect(heading).toMatch(
      listed.length === 1
        ? /^there is a problem with/
        : new RegExp(`^there are ${listed.length} problems with`),
    );
    return listed;
  }
  return [];
}

test("what is set to nothing has its default", () => {
  const empty = [
    "BACKUP_ALL",
    "BACKUP_GLOBALS",
    "BACKUP_SHARD",
    "BACKUP_FILE_NAME",
    "BACKUP_COMPRESSION",
    "BACKUP_CONCURRENCY",
  ];
  const more = ["BACKUP_COMPRESSION_LEVEL", "BACKUP_OVERWRITE", "BACKUP_SPOOL_DIR", "BACKUP_WAIT", "TZ"];
  const names = [...empty, ...more, "REMOTE_NAME", "UPLOAD_PREFIX", "PGPASSWORD_FILE", "RCLONE_DRY_RUN"];
  const variables = Object.fromEntries(names.map((name) => [name, ""]));
  const { environment, ...config } = parse(variables);
  expect(config).toEqual({
    engine: "postgres",
    databases: ["app"],
    globals: false,
    fileName: undefined,
    timeZone: "UTC",
    remote: "store:",
    recipients: [],
    compression: { format: "gzip", level: 2 },
    concurrency: 1,
    overwrite: true,
    spoolFolder: undefined,
    wait: 0,
  });
  expect(environment).toMatchObject(variables);
});

describe("each setting", () => {
  test.for<[variables: Variables, config: Partial<Config>]>([
    [{ BACKUP_ENGINE: "MariaDB" }, { engine: "mariadb" }],
    [{ BACKUP_DATABASES: " app , b c,!x " }, { databases: ["app", "b c", "!x"] }],
    [{ BACKUP_DATABASES: undefined, BACKUP_ALL: "yes" }, { databases: undefined }],
    [{ BACKUP_ALL: "off" }, { databases: ["app"] }],
    [{ BACKUP_GLOBALS: "1" }, { globals: true }],
    [{ BACKUP_SHARD: "1/4" }, { shard: { index: 1, count: 4 } }],
    [{ BACKUP_OVERWRITE: "FALSE" }, { overwrite: false }],
    [{ BACKUP_COMPRESSION: "ZSTD" }, { compression: { format: "zstd", level: 2 } }],
    [
      { BACKUP_COMPRESSION: "zstd", BACKUP_COMPRESSION_LEVEL: "19" },
      { compression: { format: "zstd", level: 19 } },
    ],
    [{ BACKUP_COMPRESSION_LEVEL: "9" }, { compression: { format: "gzip", level: 9 } }],
    [{ BACKUP_COMPRESSION: "none" }, { compression: { format: "none" } }],
    [{ BACKUP_CONCURRENCY: "64" }, { concurrency: 64 }],
    [{ BACKUP_SPOOL_DIR: "/spool" }, { spoolFolder: "/spool" }],
    [{ BACKUP_WAIT: "120" }, { wait: 120 }],
    [{ BACKUP_TIMEOUT: "3600" }, { timeout: 3600 }],
    [{ BACKUP_TIMEOUT: "" }, { timeout: undefined }],
    [{ TZ: ":Europe/Berlin" }, { timeZone: "Europe/Berlin" }],
    [{ REMOTE_NAME: "s3", UPLOAD_PREFIX: "bucket" }, { remote: "s3:bucket" }],
    [{ BACKUP_DATABASES: "a,b", BACKUP_FILE_NAME: "${DB}" }, { fileName: "${DB}" }],
    [{ BACKUP_DATABASES: undefined, BACKUP_ALL: "true", BACKUP_FILE_NAME: "x" }, { fileName: "x" }],
  ])("%j", ([variables, config]) => {
    expect(parse(variables)).toMatchObject(config);
  });
});

describe("secrets", () => {
  test.for<[content: string, secret: string]>([
    ["hunter2", "hunter2"],
    ["hunter2\n", "hunter2"],
    ["hunter2\r\n", "hunter2"],
    [" hunter 2 ", " hunter 2 "],
    ['"hunter2"', '"hunter2"'],
    ["hunter2\n\r\n\n", "hunter2"],
    ["hünter\u00a02\n", "hünter\u00a02"],
  ])("%j is %j, for the client's own variable", ([content, secret]) => {
    const files = { "/run/p": content };
    expect(parse({ PGPASSWORD_FILE: "/run/p", PGPASSWORD: "other" }, files).environment).toMatchObject({
      PGPASSWORD: secret,
    });
    expect(parse({ MYSQL_PWD_FILE: "/run/p" }, files).environment).toMatchObject({ MYSQL_PWD: secret });
  });

  test("without a file the environment stays as it is, but for the language", () => {
    expect(parse({ PGPASSWORD: "own", LC_ALL: "de_DE.UTF-8" }).environment).toEqual({
      ...good,
      PGPASSWORD: "own",
      LC_ALL: "C",
    });
  });

  test.for<[content: string | { code: string }, what: string]>([
    ["", "which is empty; write the secret into it"],
    ["\n", "which is empty; write the secret into it"],
    ["a\nb\n", "which has several lines; write the secret alone into it, on one line"],
    ["a\rb", "which has several lines; write the secret alone into it, on one line"],
    [
      { code: "ENOENT" },
      "which does not exist; mount the file there and let the user this runs as read it, or correct the path",
    ],
    [
      { code: "EACCES" },
      "which may not be read; mount the file there and let the user this runs as read it, or correct the path",
    ],
    [
      { code: "EIO" },
      "which cannot be read; mount the file there and let the user this runs as read it, or correct the path",
    ],
  ])("a file with %j: %s", ([content, what]) => {
    expect(problems({ PGPASSWORD_FILE: "/run/p" }, { "/run/p": content })).toEqual([
      `PGPASSWORD_FILE names /run/p, ${what}`,
    ]);
  });
});

describe("encryption", () => {
  const kinds = (variables: Variables, files = {}): string[] =>
    parse(variables, files).recipients.map(({ kind }) => kind);

  test("takes recipients from the setting, a file, and both", () => {
    const files = { "/run/r": `# ops\n${recipient}\n` };
    expect(kinds({ ENCRYPT_RECIPIENTS: recipient })).toHaveLength(1);
    expect(kinds({ ENCRYPT_RECIPIENTS_FILE: "/run/r" }, files)).toHaveLength(1);
    expect(
      kinds({ ENCRYPT_RECIPIENTS: recipient, ENCRYPT_RECIPIENTS_FILE: "/run/r" }, files).length,
    ).toBeGreaterThan(0);
  });

  test("takes a passphrase from a file", () => {
    expect(kinds({ ENCRYPT_PASSPHRASE_FILE: "/run/p" }, { "/run/p": "correct horse\n" })).toEqual([
      "passphrase",
    ]);
  });

  test.for<[variables: Variables, problem: RegExp]>([
    [{ ENCRYPT_RECIPIENTS: "" }, /^ENCRYPT_RECIPIENTS: there is no recipient in it; /],
    [{ ENCRYPT_RECIPIENTS: "\n# none\n" }, /^ENCRYPT_RECIPIENTS: there is no recipient in it; /],
    [{ ENCRYPT_RECIPIENTS_FILE: "" }, /^ENCRYPT_RECIPIENTS_FILE is set but empty; write the path/],
    [
      { ENCRYPT_RECIPIENTS_FILE: "/run/empty" },
      /^ENCRYPT_RECIPIENTS_FILE \(\/run\/empty\): there is no recipient/,
    ],
    [{ ENCRYPT_PASSPHRASE_FILE: "" }, /^ENCRYPT_PASSPHRASE_FILE is set but empty; write the path/],
    [
      { ENCRYPT_PASSPHRASE_FILE: "/run/empty" },
      /^ENCRYPT_PASSPHRASE_FILE names \/run\/empty, which is empty; /,
    ],
    [
      { ENCRYPT_RECIPIENTS: recipient, ENCRYPT_PASSPHRASE_FILE: "/run/p" },
      /^ENCRYPT_PASSPHRASE_FILE is set together with recipients; .*unset one of them$/,
    ],
  ])("is never switched off by a mistake: %j", ([variables, problem]) => {
    const listed = problems(variables, { "/run/empty": "", "/run/p": "correct horse" });
    expect(listed).toHaveLength(1);
    expect(listed[0]).toMatch(problem);
  });
});

describe("slips of the pen", () => {
  test.for<[name: string, meant: string]>([
    ["BACKUP_DATABASE", "BACKUP_DATABASES"],
    ["BACKUP_FILENAME", "BACKUP_FILE_NAME"],
    ["BACKUP_OVERWITE", "BACKUP_OVERWRITE"],
    ["ENCRYPT_RECIPIENT", "ENCRYPT_RECIPIENTS"],
    ["ENCRYPT_RECIPIENT_FILE", "ENCRYPT_RECIPIENTS_FILE"],
    ["ENCRYPT_PASPHRASE_FILE", "ENCRYPT_PASSPHRASE_FILE"],
    ["DECRYPT_IDENTITY_FIL", "DECRYPT_IDENTITY_FILE"],
    ["DECRYPT_IDENTITIY_FILE", "DECRYPT_IDENTITY_FILE"],
    ["DECRYPT_PASPHRASE_FILE", "DECRYPT_PASSPHRASE_FILE"],
  ])("%s", ([name, meant]) => {
    expect(problems({ [name]: "x" })).toEqual([`${name} is no setting; did you mean ${meant}?`]);
  });

  test("names that are nobody's are none", () => {
    expect(problems({ BACKUP_OWNER: "me", KEEP_CALM: "yes", PGUSRE: "x" })).toEqual([]);
  });
});

describe("for what is stored already", () => {
  const stored = (variables: Variables): Config =>
    parseConfig({ BACKUP_ENGINE: "postgres", ...variables }, reader({}), "stored");

  test.for<[title: string, variables: Variables]>([
    ["which databases are dumped", {}],
    ["which databases are dumped, even as nothing", { BACKUP_DATABASES: "" }],
    ["recipients that can be read", { ENCRYPT_RECIPIENTS: "none", ENCRYPT_RECIPIENTS_FILE: "/nonexistent" }],
    ["a passphrase that can be read", { ENCRYPT_PASSPHRASE_FILE: "/nonexistent" }],
  ])("it need not be said %s", ([, variables]) => {
    expect(stored(variables)).toMatchObject({ engine: "postgres", remote: "store:", recipients: [] });
    expect(() => parseConfig({ BACKUP_ENGINE: "postgres", ...variables }, reader({}))).toThrow(BackupError);
  });

  test.for<[variables: Variables, problem: string]>([
    [{ BACKUP_ENGINE: undefined }, "BACKUP_ENGINE is not set; write postgres or mariadb"],
    [{ REMOTE_NAME: "a/b" }, "REMOTE_NAME"],
    [{ TZ: "Nowhere" }, "TZ"],
    [{ PGPASSWORD_FILE: "/nonexistent" }, "PGPASSWORD_FILE names /nonexistent, which does not exist"],
    [{ BACKUP_DATABSES: "app" }, "BACKUP_DATABSES is no setting; did you mean BACKUP_DATABASES?"],
    [{ RCLONE_DRY_RUN: "true" }, "RCLONE_DRY_RUN is set"],
  ])("what it goes by is read as always: %j", ([variables, problem]) => {
    expect(() => stored(variables)).toThrow(problem);
  });
});

describe("modes in which rclone only pretends", () => {
  test.for(["true", "TRUE", "1", "yes"])("RCLONE_DRY_RUN=%s is refused", (value) => {
    expect(problems({ RCLONE_DRY_RUN: value })).toEqual([
      "RCLONE_DRY_RUN is set, with which rclone stores nothing and reports success; unset it",
    ]);
  });

  test.for(["", "false", "False", "0"])("RCLONE_DRY_RUN=%j is none", (value) => {
    expect(problems({ RCLONE_DRY_RUN: value })).toEqual([]);
  });
});

test("all problems are reported, each once", () => {
  const listed = problems({
    BACKUP_ENGINE: "oracle",
    BACKUP_DATABASES: "a,,b",
    BACKUP_FILE_NAME: "/x",
    BACKUP_WAIT: "soon",
    BACKUP_TIMEOUT: "1h",
    BACKUP_SHARD: "4/4",
    TZ: "Nowhere",
    REMOTE_NAME: "a/b",
    ENCRYPT_RECIPIENTS: "x",
    MYSQL_PWD_FILE: "/run/none",
    BACKUP_COMPRESSION_LEVEL: "10",
    BACKUP_GLOBAL: "true",
  });
  expect(listed.map((problem) => problem.split(/[ :]/)[0] ?? "").toSorted()).toEqual([
    "BACKUP_COMPRESSION_LEVEL",
    "BACKUP_DATABASES",
    "BACKUP_ENGINE",
    "BACKUP_FILE_NAME",
    "BACKUP_GLOBAL",
    "BACKUP_SHARD",
    "BACKUP_TIMEOUT",
    "BACKUP_WAIT",
    "ENCRYPT_RECIPIENTS",
    "MYSQL_PWD_FILE",
    "REMOTE_NAME",
    "TZ",
  ]);
});

test("no problem shows a secret", () => {
  const secrets = ["hunter2-a", "hunter2-b", "AGE-SECRET-KEY-1QQQQQQQQQQ"];
  const listed = problems(
    {
      PGPASSWORD: "hunter2-a",
      PGPASSWORD_FILE: "/run/two",
      ENCRYPT_RECIPIENTS: "AGE-SECRET-KEY-1QQQQQQQQQQ",
      REMOTE_NAME: ":s3,secret_access_key=hunter2-b,endpoint=http://h:1:x",
    },
    { "/run/two": "hunter2-a\nhunter2-b" },
  );
  expect(listed).toHaveLength(3);
  for (const secret of secrets) expect(listed.join("\n")).not.toContain(secret);
});
