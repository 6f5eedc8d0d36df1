import { createCipheriv, hkdfSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decryptPayload, encryptPayload } from "../../../src/encryption/payload.ts";
import { collect, flipBit, inPieces, through } from "./streams.ts";

const chunk = 65536;
const sealedChunk = chunk + 16;
const fileKey = randomBytes(16);
const nonce = randomBytes(16);
const encrypt = (plain: Buffer) => through(encryptPayload(fileKey, nonce), plain);
const decrypt = (sealed: Buffer) => collect(decryptPayload(fileKey, nonce), [sealed]);

/** One chunk by the words of the specification, for payloads that no encryption makes. */
function sealChunk(plain: Buffer, counter: number, last: boolean): Buffer {
  const key = Buffer.from(hkdfSync("sha256", fileKey, nonce, "payload", 32));
  const chunkNonce = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, counter, last ? 1 : 0]);
  const cipher = createCipheriv("chacha20-poly1305", key, chunkNonce, { authTagLength: 16 });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

describe.each([0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 1, 1024 * 1024])(
  "a payload of %i bytes",
  (size) => {
    const plain = randomBytes(size);

    test("is encrypted as the specification says", async () => {
      const chunks = size === 0 ? [plain] : [...inPieces(plain, chunk)];
      const sealed = chunks.map((bytes, index) => sealChunk(bytes, index, index === chunks.length - 1));
      expect((await encrypt(plain)).equals(Buffer.concat(sealed))).toBe(true);
    });

    test.each([chunk - 1, chunk, chunk + 1, 15, sealedChunk, 10 * chunk])(
      "comes back when written in pieces of %i bytes",
      async (pieceSize) => {
        const sealed = await through(encryptPayload(fileKey, nonce), ...inPieces(plain, pieceSize));
        const { output, error } = await collect(decryptPayload(fileKey, nonce), inPieces(sealed, pieceSize));
        expect(error).toBeUndefined();
        expect(output.equals(plain)).toBe(true);
      },
    );
  },
);

test("a payload comes back when written byte by byte", async () => {
  const plain = randomBytes(chunk + 1);
  const sealed = await through(encryptPayload(fileKey, nonce), ...inPieces(plain, 1));
  expect(sealed.equals(await encrypt(plain))).toBe(true);
  expect((await through(decryptPayload(fileKey, nonce), ...inPieces(sealed, 1))).equals(plain)).toBe(true);
});

describe("a payload is refused", () => {
  const plain = randomBytes(2 * chunk + 100);

  async function expectRefused(sealed: Buffer, released: Buffer, reason: string): Promise<void> {
    const { output, error } = await decrypt(sealed);
    const message = `age payload is damaged or cut short: ${reason}`;
    expect(error).toMatchObject({ name: "BackupError", operation: "integrity", message });
    expect(output.equals(released)).toBe(true);
  }

  test.each([
    ["to nothing", 0, 0, "it ends within chunk 1"],
    ["within the first tag", 15, 0, "it ends within chunk 1"],
    ["to one tag", 16, 0, "chunk 1 does not authenticate"],
    ["within the first chunk", 1000, 0, "chunk 1 does not authenticate"],
    ["one byte before the end of a chunk", sealedChunk - 1, 0, "chunk 1 does not authenticate"],
    ["to one chunk", sealedChunk, 1, "it ends after a chunk that is not its last"],
    ["one byte into a chunk", sealedChunk + 1, 1, "it ends within chunk 2"],
    ["within a later tag", sealedChunk + 15, 1, "it ends within chunk 2"],
    ["to an empty later chunk", sealedChunk + 16, 1, "its last chunk is empty"],
    ["within a later chunk", sealedChunk + 1000, 1, "chunk 2 does not authenticate"],
    ["to two chunks", 2 * sealedChunk, 2, "it ends after a chunk that is not its last"],
    ["within the last chunk", 2 * sealedChunk + 50, 2, "chunk 3 does not authenticate"],
    ["by its last byte", 2 * sealedChunk + 115, 2, "chunk 3 does not authenticate"],
  ])("when cut %s", async (_name, length, chunksReleased, reason) => {
    const cut = (await encrypt(plain)).subarray(0, length);
    await expectRefused(cut, plain.subarray(0, chunksReleased * chunk), reason);
  });

  test.each([
    ["the first byte", 0, 1],
    ["the first tag", chunk, 1],
    ["the second chunk", sealedChunk, 2],
    ["the last chunk", 2 * sealedChunk, 3],
    ["the last tag", 2 * sealedChunk + 115, 3],
  ])("when a bit is flipped in %s", async (_name, index, number) => {
    const released = plain.subarray(0, (number - 1) * chunk);
    await expectRefused(
      flipBit(await encrypt(plain), index),
      released,
      `chunk ${number} does not authenticate`,
    );
  });

  test("when a byte follows its last chunk", async () => {
    const longer = Buffer.concat([await encrypt(plain), Buffer.of(0)]);
    await expectRefused(longer, plain.subarray(0, 2 * chunk), "chunk 3 does not authenticate");
  });

  test("when a byte follows a last chunk that is full", async () => {
    const full = plain.subarray(0, chunk);
    const longer = Buffer.concat([await encrypt(full), Buffer.of(0)]);
    await expectRefused(longer, full, "data follows its last chunk");
  });

  test("when it is followed by another payload", async () => {
    const full = plain.subarray(0, chunk);
    const sealed = await encrypt(full);
    await expectRefused(Buffer.concat([sealed, sealed]), full, "data follows its last chunk");
  });

  test("when its last chunk is empty and not the only one", async () => {
    const full = plain.subarray(0, chunk);
    const sealed = Buffer.concat([sealChunk(full, 0, false), sealChunk(Buffer.alloc(0), 1, true)]);
    await expectRefused(sealed, full, "its last chunk is empty");
  });

  test("when an empty chunk is not the last", async () => {
    const sealed = sealChunk(Buffer.alloc(0), 0, false);
    await expectRefused(sealed, Buffer.alloc(0), "chunk 1 does not authenticate");
  });

  test("when a chunk is left out", async () => {
    const [first, , last] = [...inPieces(await encrypt(plain), sealedChunk)];
    const without = Buffer.concat([first!, last!]);
    await expectRefused(without, plain.subarray(0, chunk), "chunk 2 does not authenticate");
  });

  test("when two chunks have changed places", async () => {
    const [first, second, last] = [...inPieces(await encrypt(plain), sealedChunk)];
    const swapped = Buffer.concat([second!, first!, last!]);
    await expectRefused(swapped, Buffer.alloc(0), "chunk 1 does not authenticate");
  });

  test.each([
    ["file key", randomBytes(16), nonce],
    ["nonce", fileKey, randomBytes(16)],
  ])("with another %s", async (_name, otherKey, otherNonce) => {
    const { output, error } = await collect(decryptPayload(otherKey, otherNonce), [await encrypt(plain)]);
    expect(error).toMatchObject({
      operation: "integrity",
      message: expect.stringMatching(/chunk 1 does not/),
    });
    expect(output).toHaveLength(0);
  });
});

test.each([
  ["encryption", () => encryptPayload(fileKey, nonce)],
  ["decryption", () => decryptPayload(fileKey, nonce)],
])("%s takes no more than a few chunks that nobody reads", async (name, create) => {
  const input = name === "encryption" ? randomBytes(40 * chunk) : await encrypt(randomBytes(40 * chunk));
  const transform = create();
  let written = 0;
  for (const piece of inPieces(input, chunk)) {
    written += 1;
    if (!transform.write(piece)) break;
  }
  expect(written).toBeLessThan(5);
  expect(transform.writableNeedDrain).toBe(true);
  expect(transform.readableLength).toBeLessThan(5 * chunk);
  transform.destroy();
});
