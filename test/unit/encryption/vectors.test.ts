import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import * as vectors from "cctv-age";
import { describe, expect, test } from "vitest";
import { createDecryption } from "../../../src/encryption/age.ts";
import { passphraseIdentity } from "../../../src/encryption/identities.ts";
import { collect, inPieces } from "./streams.ts";

// The public test vectors of the age format, https://github.com/C2SP/CCTV/tree/main/age
interface Vector {
  readonly name: string;
  readonly fields: ReadonlyMap<string, string[]>;
  readonly file: Buffer;
}

const all = Object.entries(vectors).map(([name, content]) => parseVector(name, Buffer.from(content)));
const binary = all.filter(({ fields }) => !fields.has("armored"));
/** The error of each expectation; `success` has none. */
const failures: Record<string, object | undefined> = {
  success: undefined,
  "no match": { operation: "decrypt", message: expect.stringMatching(/^no identity fits: /) },
  "HMAC failure": {
    operation: "integrity",
    message: expect.stringMatching(/^age header .*: invalid header HMAC$/),
  },
  "header failure": {
    operation: "integrity",
    message: expect.stringMatching(/^age header (?!.*invalid header HMAC$)/),
  },
  "payload failure": { operation: "integrity", message: expect.stringMatching(/^age payload /) },
};

function parseVector(name: string, content: Buffer): Vector {
  const end = content.indexOf("\n\n");
  const fields = new Map<string, string[]>();
  for (const line of content.toString("utf8", 0, end).split("\n")) {
    const [key = "", value = ""] = line.split(": ", 2);
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  const body = content.subarray(end + 2);
  return { name, fields, file: fields.has("compressed") ? inflateSync(body) : body };
}

function identities({ fields }: Vector) {
  return [...(fields.get("identity") ?? []), ...(fields.get("passphrase") ?? []).map(passphraseIdentity)];
}

async function check(vector: Vector, input: Iterable<Buffer>): Promise<void> {
  const { output, error } = await collect(createDecryption(identities(vector)), input);
  const expected = failures[vector.fields.get("expect")![0]!];
  if (expected === undefined) expect(error).toBeUndefined();
  else expect(error).toMatchObject({ name: "BackupError", ...expected });
  const payload = vector.fields.get("payload")?.[0];
  // Also where decryption fails in the end: what comes out before must be the authenticated chunks, no more.
  if (payload === undefined) expect(output).toHaveLength(0);
  else expect(createHash("sha256").update(output).digest("hex")).toBe(payload);
}

test("there are 143 vectors: 110 binary ones, and 33 armored ones, which are not read", () => {
  expect(all).toHaveLength(143);
  expect(binary).toHaveLength(110);
});

test("the binary vectors are 19 that succeed and 91 that fail, in the four ways that are told apart", () => {
  const counts = Object.keys(failures).map((expectation) => [
    expectation,
    binary.filter(({ fields }) => fields.get("expect")?.[0] === expectation).length,
  ]);
  expect(Object.fromEntries(counts)).toEqual({
    success: 19,
    "no match": 12,
    "HMAC failure": 1,
    "header failure": 60,
    "payload failure": 18,
  });
});

describe.each(
  binary.map((vector) => [`${vector.name}: ${vector.fields.get("expect")?.[0]}`, vector] as const),
)("%s", (_name, vector) => {
  test("in one buffer", () => check(vector, [vector.file]));

  test("in buffers of 1000 bytes", () => check(vector, inPieces(vector.file, 1000)));
});

test.each(all.filter(({ fields }) => fields.has("armored")).map((vector) => [vector.name, vector] as const))(
  "%s: armored, and refused",
  async (_name, vector) => {
    const { output, error } = await collect(createDecryption(identities(vector)), [vector.file]);
    expect(error).toMatchObject({ operation: "integrity" });
    expect(output).toHaveLength(0);
  },
);
