import { randomBytes } from "node:crypto";
import { Readable, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  chooseCompressor,
  chooseDecompressor,
  type Compression,
  type CompressionFormat,
  explainDecompression,
} from "../../src/compression.ts";
import { BackupError } from "../../src/errors.ts";
import { storeDump, unpack } from "../../src/pipeline.ts";
import { flipBit, inPieces } from "./encryption/streams.ts";

const env = { PATH: process.env["PATH"] };
const noSignal = new AbortController().signal;

/** Compresses as a backup does, by the only program that is there. */
async function compress(compression: Compression, program: string, plain: Buffer): Promise<Buffer> {
  const compressor = chooseCompressor(compression, (name) => name === program);
  expect(compressor?.program).toBe(program);
  const chunks: Buffer[] = [];
  const command = {
    file: "printf",
    args: ["%s", plain.toString()],
    env,
    explain: (failure: Error) => failure,
  };
  await storeDump(
    {
      dump: { command, format: "sql", marks: { beginning: /^/ }, arguments: [] },
      compressor,
      recipients: [],
      open: async () => writeTo(chunks),
    },
    noSignal,
  );
  return Buffer.concat(chunks);
}

interface Result {
  readonly output: Buffer;
  /** Whether the sink was told that this is all. */
  readonly ended: boolean;
  readonly error: unknown;
}

/** Decompresses as a restore does, by the only program that is there; nothing is known of the dump. */
async function decompress(format: CompressionFormat, program: string, object: Buffer): Promise<Result> {
  const decompressor = chooseDecompressor(format, (name) => name === program);
  expect(decompressor?.program).toBe(program);
  const chunks: Buffer[] = [];
  let ended = false;
  const error = await unpack(
    {
      open: () => Readable.from(inPieces(object, 20_000)),
      stored: undefined,
      total: undefined,
      identities: undefined,
      dump: { decompressor, plain: undefined, toSql: undefined, marks: { beginning: /^/ }, further: [], env },
      sink: () => writeTo(chunks, () => (ended = true)),
    },
    noSignal,
  ).catch((failure: unknown) => failure);
  return { output: Buffer.concat(chunks), ended, error };
}

function writeTo(chunks: Buffer[], onEnd: () => void = () => {}): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
    final: (done) => {
      onEnd();
      done();
    },
  });
}

const plain = Buffer.from(`--\n${randomBytes(45_000).toString("base64")}`);
const makers: [format: "gzip" | "zstd", level: number, program: string][] = [
  ["gzip", 1, "igzip"],
  ["gzip", 6, "pigz"],
  ["gzip", 9, "gzip"],
  ["gzip", 3, "node"],
  ["zstd", 3, "zstd"],
  ["zstd", 19, "zstd"],
  ["zstd", 3, "node"],
];
const readers: [format: "gzip" | "zstd", program: string][] = [
  ["gzip", "igzip"],
  ["gzip", "pigz"],
  ["gzip", "gzip"],
  ["gzip", "node"],
  ["zstd", "zstd"],
  ["zstd", "node"],
];

describe.for(makers)("%s at level %i by %s", ([format, level, program]) => {
  test("is read by each program that there is, and by Node", async () => {
    const object = await compress({ format, level }, program, plain);
    expect(object.length).toBeLessThan(plain.length);
    for (const [, reader] of readers.filter(([known]) => known === format)) {
      const { output, ended, error } = await decompress(format, reader, object);
      expect({ same: output.equals(plain), ended, error }, reader).toEqual({
        same: true,
        ended: true,
        error: undefined,
      });
    }
  });

  test("has a checksum in it, by which each of them knows a bit that was flipped", async () => {
    const object = flipBit(await compress({ format, level }, program, plain), 30_000);
    for (const [, reader] of readers.filter(([known]) => known === format))
      expectRefusal(await decompress(format, reader, object), reader);
  });
});

/** What is damaged is told, and the sink never learns that anything came to an end. */
function expectRefusal({ ended, error }: Result, title: string): void {
  expect({ ended, error }, title).toEqual({
    ended: false,
    error: expect.objectContaining({
      name: "BackupError",
      operation: "integrity",
      message: expect.stringMatching(/^what is stored cannot be decompressed: \w/),
    }),
  });
}

describe.for(readers)("%s by %s", ([format, program]) => {
  test("that is cut off anywhere is refused", async () => {
    const object = await compress({ format, level: 3 }, "node", plain);
    for (const length of [1, 9, 1000, 20_000, object.length - 9, object.length - 4, object.length - 1])
      expectRefusal(await decompress(format, program, object.subarray(0, length)), `${length} bytes`);
  });

  test("that is something else is refused", async () => {
    expectRefusal(await decompress(format, program, plain), "plain text");
    expectRefusal(await decompress(format, program, randomBytes(5000)), "noise");
  });

  test("of several members gives all of them", async () => {
    const object = await compress({ format, level: 3 }, "node", plain);
    const { output, error } = await decompress(format, program, Buffer.concat([object, object]));
    expect(error).toBeUndefined();
    expect(output.equals(Buffer.concat([plain, plain]))).toBe(true);
  });
});

describe("the choice of a decompressor", () => {
  test.for<[format: CompressionFormat, installed: string[], program: string | undefined]>([
    ["gzip", ["gzip", "pigz", "igzip"], "igzip"],
    ["gzip", ["gzip", "pigz", "zstd"], "pigz"],
    ["gzip", ["gzip"], "gzip"],
    ["gzip", ["zstd"], "node"],
    ["zstd", ["zstd", "gzip"], "zstd"],
    ["zstd", ["gzip"], "node"],
    ["none", ["gzip", "zstd"], undefined],
  ])("for %s of %j: %s", ([format, installed, program]) => {
    expect(chooseDecompressor(format, (name) => installed.includes(name))?.program).toBe(program);
  });
});

describe("what broke in Node's own", () => {
  test("is said as the programs' failures are", () => {
    const error = Object.assign(new Error("incorrect data check"), { code: "Z_DATA_ERROR" });
    expect(explainDecompression(error)).toMatchObject({
      operation: "integrity",
      message: "what is stored cannot be decompressed: incorrect data check",
    });
  });

  test.for([
    undefined,
    null,
    new Error("Z_DATA_ERROR"),
    Object.assign(new Error("x"), { code: "ENOENT" }),
    new BackupError("restore", "x"),
  ])("is nothing else: %s", (error) => {
    expect(explainDecompression(error)).toBe(error);
  });
});
