import { PassThrough, Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { describe, expect, test, vi } from "vitest";
import { type Compression, chooseCompressor, chooseDecompressor } from "../../src/compression.ts";
import { createEncryption } from "../../src/encryption/age.ts";
import { parseRecipients } from "../../src/encryption/recipients.ts";
import { BackupError } from "../../src/errors.ts";
import { type DumpUnpacking, type Meter, storeDump, type Unpacking, unpack } from "../../src/pipeline.ts";
import type { Command } from "../../src/program.ts";
import { sha256 } from "../fixtures/manifests.ts";
import { flipBit, inPieces, through } from "./encryption/streams.ts";

const env = { PATH: process.env["PATH"] };
const sql = Buffer.from(`--\n${"INSERT INTO t VALUES (1, 'größe');\n".repeat(9000)}-- end\n`);
const marks = { beginning: /^--/, ending: /\n-- end\n$/ };

const measure = (bytes: Buffer) => ({ bytes: bytes.length, sha256: sha256(bytes) });

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);

async function encrypt(bytes: Buffer): Promise<Buffer> {
  const recipients = parseRecipients(recipient, "R").map((named) => named.recipient);
  return through(await createEncryption(recipients), bytes);
}

const compressed = gzipSync(sql);
const encrypted = await encrypt(compressed);

function command(script: string): Command {
  return {
    file: "sh",
    args: ["-c", script],
    env,
    explain: (failure) => new BackupError("integrity", `pg_restore: ${failure.message}`),
  };
}

interface Outcome {
  readonly output: Buffer;
  /** Whether the sink was told that this is all: then a restore would be committed. */
  readonly ended: boolean;
  readonly error: unknown;
}

/** Brings an object back into a sink that notes what happens to it. */
async function bringBack(
  object: Buffer | Readable,
  { dump, ...changes }: Partial<Omit<Unpacking, "dump">> & { dump?: Partial<DumpUnpacking> | undefined } = {},
  { signal = new AbortController().signal, sink }: { signal?: AbortSignal; sink?: Writable } = {},
): Promise<Outcome> {
  const chunks: Buffer[] = [];
  let ended = false;
  const recording = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
    final: (done) => {
      ended = true;
      done();
    },
  });
  const error = await unpack(
    {
      open: () => (Buffer.isBuffer(object) ? Readable.from(inPieces(object, 10_000)) : object),
      stored: measure(encrypted),
      total: encrypted.length,
      identities: [identity],
      sink: () => sink ?? recording,
      ...changes,
      dump: {
        decompressor: chooseDecompressor("gzip", (program) => program === "gzip"),
        plain: measure(sql),
        toSql: undefined,
        marks,
        further: [],
        env,
        ...dump,
      },
    },
    signal,
  ).catch((failure: unknown) => failure);
  return { output: Buffer.concat(chunks), ended, error };
}

test("a backup comes back as it was, and ends", async () => {
  const { output, ended, error } = await bringBack(encrypted);
  expect({ same: output.equals(sql), ended, error }).toEqual({ same: true, ended: true, error: undefined });
});

test("without a manifest nothing is compared", async () => {
  const { ended, error } = await bringBack(encrypted, { stored: undefined, dump: { plain: undefined } });
  expect({ ended, error }).toEqual({ ended: true, error: undefined });
});

test("one that is not encrypted and not compressed passes as it is", async () => {
  const changes = { stored: measure(sql), identities: undefined, dump: { decompressor: undefined } };
  const { output, ended } = await bringBack(sql, changes);
  expect({ same: output.equals(sql), ended }).toEqual({ same: true, ended: true });
});

describe("the sink sees no end", () => {
  /** A digest that fits nothing: what is wrong shows when every byte has passed. */
  const other = (bytes: Buffer) => ({ ...measure(bytes), sha256: sha256("something else") });

  test.for<[title: string, object: Buffer, changes: Parameters<typeof bringBack>[1], message: RegExp]>([
    [
      "if the object's digest is another, which shows at the very end",
      encrypted,
      { stored: other(encrypted) },
      /^the object is not what was backed up: its SHA-256/,
    ],
    [
      "if the dump's digest is another, which shows at the very end",
      encrypted,
      { dump: { plain: other(sql) } },
      /^the dump in it is not what was backed up: its SHA-256/,
    ],
    [
      "if the object is cut off",
      encrypted.subarray(0, -1),
      {},
      /bytes long, and its manifest says|age|chunk|cut/,
    ],
    ["if the object is empty", Buffer.alloc(0), {}, /^the object is 0 bytes long, and its manifest says/],
    [
      "if something stands behind the object",
      Buffer.concat([encrypted, Buffer.from("x")]),
      {},
      /bytes long, and its manifest says|age|chunk|data/,
    ],
    ["if a bit of the last chunk is flipped", flipBit(encrypted, encrypted.length - 1), {}, /./],
    [
      "if the dump is shorter than it was",
      encrypted,
      { dump: { plain: { ...measure(sql), bytes: sql.length + 1 } } },
      /^the dump in it is \d+ bytes long, and its manifest says \d+$/,
    ],
    [
      "if the dump's end is missing",
      encrypted,
      { dump: { marks: { ...marks, ending: /another end$/ } } },
      /^what is stored is no complete dump: its end is missing$/,
    ],
    [
      "if it does not begin as a dump does",
      encrypted,
      { dump: { marks: { beginning: /^PGDMP/ } } },
      /^what is stored is no complete dump: it does not begin as a dump does$/,
    ],
    [
      "if it is not compressed in the way that is said",
      encrypted,
      { dump: { decompressor: chooseDecompressor("zstd", () => false) } },
      /^what is stored cannot be decompressed: /,
    ],
    [
      "if what reads its format fails at last",
      encrypted,
      { dump: { toSql: command("cat; exit 1") } },
      /^pg_restore: sh exited with code 1$/,
    ],
    [
      "if what reads its format stops short without a word",
      encrypted,
      { dump: { toSql: command("head -c 1000") } },
      /^what is stored is no complete dump: its end is missing$/,
    ],
  ])("%s", async ([, object, changes, message]) => {
    const { ended, error } = await bringBack(object, changes);
    expect({ ended, error }).toEqual({
      ended: false,
      error: expect.objectContaining({
        name: "BackupError",
        operation: "integrity",
        message: expect.stringMatching(message),
      }),
    });
  });

  test("if a stage behind fails at last", async () => {
    const failing = new PassThrough({
      flush: (done) => done(new BackupError("restore", "leads out of app")),
    });
    const { ended, error } = await bringBack(encrypted, { dump: { further: [failing] } });
    expect({ ended, error }).toMatchObject({ ended: false, error: { message: "leads out of app" } });
  });

  test("if no identity fits", async () => {
    const changes = { identities: [await generateX25519Identity()] };
    const { ended, error, output } = await bringBack(encrypted, changes);
    expect({ ended, error, bytes: output.length }).toMatchObject({
      ended: false,
      error: { operation: "decrypt" },
      bytes: 0,
    });
  });

  test.for([0, 20_000])("if the store breaks off after %i bytes", async (length) => {
    const broken = Readable.from(
      (function* () {
        yield* inPieces(encrypted.subarray(0, length), 10_000);
        throw new BackupError("remote", "the connection was lost");
      })(),
    );
    const { ended, error } = await bringBack(broken);
    expect({ ended, error }).toMatchObject({
      ended: false,
      error: { operation: "remote", message: "the connection was lost" },
    });
  });

  test("if the run is cancelled, whatever breaks because of it", async () => {
    const abort = new AbortController();
    const reason = new BackupError("terminate", "cancelled by SIGTERM");
    const source = new Readable({ read: () => {} });
    source.push(encrypted.subarray(0, 20_000));
    const changes: Parameters<typeof bringBack>[1] = {
      onStart: () => void setImmediate(() => abort.abort(reason)),
    };
    const { ended, error } = await bringBack(source, changes, { signal: abort.signal });
    expect({ ended, error }).toEqual({ ended: false, error: reason });
  });
});

describe("the dump's own digest", () => {
  test("is of the dump as it was made, before it is turned into SQL", async () => {
    const { output, ended, error } = await bringBack(encrypted, {
      dump: { toSql: command("sed s/größe/size/") },
    });
    expect({ ended, error }).toEqual({ ended: true, error: undefined });
    expect(output.toString()).toBe(sql.toString().replaceAll("größe", "size"));
  });

  test("covers what the program that turns it into SQL has not read", async () => {
    const toSql = command("printf -- '--\\n-- end\\n'");
    expect(await bringBack(encrypted, { dump: { toSql } })).toMatchObject({ ended: true, error: undefined });
    const plain = { ...measure(sql), sha256: sha256("something else") };
    expect(await bringBack(encrypted, { dump: { toSql, plain } })).toMatchObject({
      ended: false,
      error: { operation: "integrity" },
    });
  });
});

test("what the sink fails with is told, and not what breaks because of it", async () => {
  const failure = new BackupError("restore", "relation t exists already");
  const sink = new Writable({ write: (_chunk, _encoding, done) => done(failure) });
  expect((await bringBack(encrypted, {}, { sink })).error).toBe(failure);
});

test("a sink that fails only at the end is told", async () => {
  const failure = new BackupError("restore", "cannot commit");
  const sink = new Writable({ write: (_chunk, _encoding, done) => done(), final: (done) => done(failure) });
  expect((await bringBack(encrypted, {}, { sink })).error).toBe(failure);
});

describe("without the dump", () => {
  /** Reads the object as `rcdump verify` does. */
  async function readOnly(object: Buffer, identities: Unpacking["identities"]): Promise<unknown> {
    let bytes = 0;
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        done();
      },
    });
    return unpack(
      {
        open: () => Readable.from(inPieces(object, 10_000)),
        stored: measure(encrypted),
        total: undefined,
        identities,
        dump: undefined,
        sink: () => sink,
      },
      new AbortController().signal,
    ).then(
      () => bytes,
      (error: unknown) => error,
    );
  }

  test("the object is read, and decrypted if there is a key", async () => {
    expect(await readOnly(encrypted, undefined)).toBe(encrypted.length);
    expect(await readOnly(encrypted, [identity])).toBe(compressed.length);
  });

  test("what is damaged is told with and without a key", async () => {
    const damaged = flipBit(encrypted, encrypted.length - 1);
    expect(await readOnly(damaged, undefined)).toMatchObject({ operation: "integrity" });
    expect(await readOnly(damaged, [identity])).toMatchObject({ operation: "integrity" });
  });
});

test("the meter counts the object and the dump, and says how much is to come", async () => {
  const meters: Meter[] = [];
  await bringBack(encrypted, { onStart: (meter) => void meters.push(meter) });
  const [meter] = meters;
  expect([meter?.stored(), meter?.plain(), meter?.total]).toEqual([
    encrypted.length,
    sql.length,
    encrypted.length,
  ]);
});

describe("who is waited for while a dump is stored", () => {
  const begin = "printf -- '--\\n'";
  const never = (): void => {};

  test.for<[string, string, (note: () => void) => Writable, boolean]>([
    [
      "the dump, if it gives nothing",
      `${begin}; exec tail -f /dev/null`,
      (note) => new Writable({ write: (_chunk, _encoding, done) => (note(), done()) }),
      false,
    ],
    [
      "the store, if it takes nothing",
      `${begin}; exec yes`,
      (note) => new Writable({ write: () => note() }),
      true,
    ],
    [
      "the store, if it has everything and does not finish",
      `${begin}; printf -- '-- end\\n'`,
      (note) => new Writable({ write: (_chunk, _encoding, done) => done(), final: () => note() }),
      true,
    ],
  ])("%s", async ([, script, makeStore, expected]) => {
    const abort = new AbortController();
    const reached = Promise.withResolvers<void>();
    let isStoreAwaited = (): boolean => !expected;
    const dump = { command: command(script), format: "sql", marks, arguments: [] } as const;
    const storing = storeDump(
      {
        dump,
        compressor: undefined,
        recipients: [],
        open: async () => makeStore(reached.resolve),
        onStart: (_meter, isAwaited) => void (isStoreAwaited = isAwaited),
      },
      abort.signal,
    );
    storing.catch(never);
    await reached.promise;
    await vi.waitFor(() => expect(isStoreAwaited()).toBe(expected));
    abort.abort(new Error("enough"));
    await expect(storing).rejects.toThrow("enough");
  });
});

const level = 1;
describe.for<[string, Compression, string[]]>([
  ["compressed by a program", { format: "gzip", level }, ["gzip"]],
  ["compressed in this process", { format: "gzip", level }, []],
  ["as it is", { format: "none" }, []],
])("what is looked at when a dump begins, which is stored %s", ([, compression, installed]) => {
  /** Stores a dump. */
  function store(script: string, onBeginning: (signal: AbortSignal) => Promise<void>) {
    const state = { ended: false };
    const sink = new Writable({
      write: (_chunk, _encoding, done) => done(),
      final: (done) => (void (state.ended = true), done()),
    });
    const storing = storeDump(
      {
        dump: { command: command(script), format: "sql", marks, arguments: [] },
        compressor: chooseCompressor(compression, (program) => installed.includes(program)),
        recipients: [],
        open: async () => sink,
        onBeginning,
      },
      new AbortController().signal,
    );
    storing.catch(() => {});
    return { storing, state };
  }
  const whole = "printf -- '--\\n'; sleep 0.1; printf -- '\\n-- end\\n'";

  test("is looked at once, and the dump has no end before that has", async () => {
    const seen = Promise.withResolvers<void>();
    const look = vi.fn(() => seen.promise);
    const { storing, state } = store(whole, look);
    await expect(Promise.race([storing, delay(500, "waits")])).resolves.toBe("waits");
    expect(state.ended).toBe(false);
    seen.resolve();
    await storing;
    expect(state.ended).toBe(true);
    expect(look).toHaveBeenCalledTimes(1);
  });

  test("ends the dump at once if it fails", async () => {
    const failure = new BackupError("dump", "not like this");
    const { storing, state } = store("printf -- '--\\n'; exec sleep 60", () => Promise.reject(failure));
    await expect(storing).rejects.toBe(failure);
    expect(state.ended).toBe(false);
  });

  test("is not waited for if the dump fails", async () => {
    let isGivenUp = false;
    const look = (signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => (void (isGivenUp = true), reject(new Error("given up"))));
      });
    const { storing, state } = store("printf -- '--\\n'; exit 1", look);
    await expect(storing).rejects.toThrow("sh");
    expect([state.ended, isGivenUp]).toEqual([false, true]);
  });

  test("is not looked at if nothing comes", async () => {
    const look = vi.fn(async () => {});
    await expect(store("exit 1", look).storing).rejects.toThrow("sh");
    expect(look).not.toHaveBeenCalled();
  });
});
