import { Writable } from "node:stream";
import { gzipSync } from "node:zlib";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import pino from "pino";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { createEncryption } from "../../src/encryption/age.ts";
import { parseRecipients } from "../../src/encryption/recipients.ts";
import { Postgres } from "../../src/engines/postgres.ts";
import { BackupError } from "../../src/errors.ts";
import { Progress } from "../../src/progress.ts";
import {
  identitiesFor,
  readObject,
  readSql,
  type StoredDump,
  storedDump,
  unverifiedDump,
} from "../../src/stored-dump.ts";
import { describeContent, sha256 } from "../fixtures/manifests.ts";
import { MemoryRemote } from "../fixtures/memory-remote.ts";
import { flipBit, through } from "./encryption/streams.ts";

const sql = Buffer.from(`--\n${"SELECT 1;\n".repeat(2000)}-- end\n`);
const marks = { beginning: /^--/, ending: /\n-- end\n$/ };
const identity = await generateX25519Identity();
const recipients = parseRecipients(await identityToRecipient(identity), "R");
const object = await through(
  await createEncryption(recipients.map((named) => named.recipient)),
  gzipSync(sql),
);
const measure = (bytes: Buffer) => ({ bytes: bytes.length, sha256: sha256(bytes) });
const dump: StoredDump = {
  path: "a/app.sql.gz.age",
  database: "app",
  format: "sql",
  compression: "gzip",
  encrypted: true,
  recipients: ["age1someone"],
  stored: measure(object),
  plain: measure(sql),
};

/** A context with a remote in which an object lies, and what progress showed of it. */
function setUp(content: Buffer = object): { context: Context; tracked: string[] } {
  const remote = new MemoryRemote({ atomic: true });
  remote.place(dump.path, content);
  const env = { PATH: process.env["PATH"] };
  const tracked: string[] = [];
  const progress = new Progress({ write: () => {} });
  progress.track = (name, activity, { total }) => {
    tracked.push(`${activity} ${name} of ${total}`);
    return () => void tracked.push("done");
  };
  const context: Context = {
    config: parseConfig({ ...env, BACKUP_ENGINE: "postgres" }, () => "", "stored"),
    engine: new Postgres(env, []),
    remote,
    log: pino({ enabled: false }),
    progress,
    startedAt: new Date(0),
    now: () => new Date(0),
    isInstalled: () => false,
    vanishing: () => undefined,
    signal: new AbortController().signal,
    identities: async () => [identity],
    ask: async () => undefined,
    print: () => {},
  };
  return { context, tracked };
}

/** Reads the SQL of a dump; what came, and whether that was all. */
async function read(of: StoredDump, context: Context) {
  const chunks: Buffer[] = [];
  let ended = false;
  const error = await readSql(context, of, {
    identities: [identity],
    load: { toSql: undefined, marks },
    sink: () =>
      new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          chunks.push(chunk);
          done();
        },
        final: (done) => {
          ended = true;
          done();
        },
      }),
  }).catch((failure: unknown) => failure);
  return { same: Buffer.concat(chunks).equals(sql), ended, error };
}

describe("a dump in the remote", () => {
  test("gives its SQL", async () => {
    const { context, tracked } = setUp();
    expect(await read(dump, context)).toEqual({ same: true, ended: true, error: undefined });
    expect(tracked).toEqual([`restoring ${dump.path} of ${sql.length}`, "done"]);
  });

  test("of which nothing is known gives it as well", async () => {
    const { context, tracked } = setUp();
    const unknown = unverifiedDump(dump.path);
    expect(await read(unknown, context)).toEqual({ same: true, ended: true, error: undefined });
    expect(tracked[0]).toBe(`restoring ${dump.path} of undefined`);
  });

  test("that is damaged is told by its path, and does not come to its end", async () => {
    const { context, tracked } = setUp(flipBit(object, object.length - 1));
    expect(await read(dump, context)).toMatchObject({
      ended: false,
      error: { operation: "integrity", message: expect.stringMatching(/^a\/app\.sql\.gz\.age: /) },
    });
    expect(tracked.at(-1)).toBe("done");
  });

  test("that no identity fits is told by its path", async () => {
    const { context } = setUp();
    const identities = [await generateX25519Identity()];
    const reading = readSql(context, dump, { identities, load: { toSql: undefined, marks } });
    await expect(reading).rejects.toMatchObject({
      operation: "decrypt",
      message: expect.stringMatching(/^a\/app\.sql\.gz\.age: .* \(age1someone\)$/),
    });
  });

  test("is read without any sink to its end", async () => {
    const { context, tracked } = setUp();
    await readSql(context, dump, { identities: [identity], load: { toSql: undefined, marks } });
    expect(tracked).toEqual([`reading ${dump.path} of ${object.length}`, "done"]);
    const cut = { ...marks, ending: /another end$/ };
    await expect(
      readSql(context, dump, { identities: [identity], load: { toSql: undefined, marks: cut } }),
    ).rejects.toThrow("a/app.sql.gz.age: what is stored is no complete dump: its end is missing");
  });

  test("an error of another kind stays as it is", async () => {
    const { context } = setUp();
    const failure = new BackupError("restore", "no");
    const sink = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done(failure) });
    await expect(
      readSql(context, dump, { identities: [identity], load: { toSql: undefined, marks }, sink }),
    ).rejects.toBe(failure);
  });
});

describe("an object", () => {
  test("is compared with its manifest, with a key and without one", async () => {
    const { context, tracked } = setUp();
    await readObject(context, dump);
    await readObject(context, dump, [identity]);
    expect(tracked[0]).toBe(`reading ${dump.path} of ${object.length}`);
    const other = setUp(Buffer.concat([object, Buffer.from("x")]));
    await expect(readObject(other.context, dump)).rejects.toMatchObject({
      operation: "integrity",
      message: `${dump.path}: the object is ${object.length + 1} bytes long, and its manifest says ${object.length}`,
    });
  });

  test("that is not encrypted needs no key that fits", async () => {
    const plain: StoredDump = { ...dump, compression: "none", encrypted: false, stored: measure(sql) };
    await readObject(setUp(sql).context, plain, [await generateX25519Identity()]);
  });
});

describe("identities", () => {
  const plain: StoredDump = { ...dump, encrypted: false };
  const never = async (): Promise<never> => {
    throw new Error("the key was read");
  };

  test("are not read where no dump is encrypted", async () => {
    const { context } = setUp();
    expect(await identitiesFor({ ...context, identities: never }, [plain, plain])).toEqual([]);
    expect(await identitiesFor({ ...context, identities: never }, [])).toEqual([]);
  });

  test("are read where one is", async () => {
    expect(await identitiesFor(setUp().context, [plain, dump])).toEqual([identity]);
  });

  test("are missing where there are none, and the dump that needs them is told", async () => {
    const context: Context = { ...setUp().context, identities: async () => [] };
    await expect(identitiesFor(context, [plain, dump])).rejects.toMatchObject({
      operation: "decrypt",
      message: "a/app.sql.gz.age is encrypted, and there is nothing to decrypt it with",
      hint: expect.stringContaining("DECRYPT_IDENTITY_FILE"),
    });
  });
});

describe("what is known of a dump", () => {
  test.for([
    [["age1qqqq"], true],
    [[], false],
  ] as const)("by a manifest with the recipients %j: encrypted is %s", ([listed, encrypted]) => {
    const manifest = { ...describeContent("content"), recipients: [...listed], readBack: true };
    expect(storedDump({ path: "x", manifest, startedAt: new Date(0), checksum: "", bytes: 7 })).toEqual({
      path: "x",
      database: manifest.database,
      format: "sql",
      compression: "gzip",
      encrypted,
      recipients: [...listed],
      stored: manifest.stored,
      plain: manifest.plain,
    });
  });

  test("by its name alone", () => {
    expect(unverifiedDump("a/x.dump.zst.age")).toEqual({
      path: "a/x.dump.zst.age",
      format: "custom",
      compression: "zstd",
      encrypted: true,
      recipients: [],
      stored: undefined,
      plain: undefined,
    });
  });

  test("by a name that says nothing is nothing", () => {
    expect(() => unverifiedDump("backup.bak")).toThrow(
      expect.objectContaining({
        operation: "configuration",
        message: "backup.bak is not named like a dump",
        hint: expect.stringMatching(/\.sql, \.dump or \.tar/),
      }),
    );
  });
});
