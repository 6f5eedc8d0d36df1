import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  armor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { describe, expect, test } from "vitest";
import { createDecryption, createEncryption } from "../../../src/encryption/age.ts";
import { passphraseIdentity } from "../../../src/encryption/identities.ts";
import { passphraseRecipient } from "../../../src/encryption/recipients.ts";
import { collect, flipBit, inPieces, through } from "./streams.ts";

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const otherIdentity = await generateX25519Identity();
const plain = randomBytes(100_000);
const encrypted = await through(await createEncryption([recipient]), plain);
const headerLength = encrypted.indexOf("\n", encrypted.indexOf("\n---") + 1) + 1;
const payloadStart = headerLength + 16;

const decrypt = (file: Buffer, identities = [identity]) => collect(createDecryption(identities), [file]);

describe("encryption", () => {
  test("writes a file that age-encryption decrypts", async () => {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    expect(Buffer.from(await decrypter.decrypt(encrypted)).equals(plain)).toBe(true);
  });

  test("writes for every recipient", async () => {
    const hybrid = await generateHybridIdentity();
    const recipients = [recipient, await identityToRecipient(hybrid)];
    const file = await through(await createEncryption(recipients), plain);
    for (const one of [identity, hybrid]) {
      expect((await decrypt(file, [one])).output.equals(plain)).toBe(true);
    }
  });

  test("uses a fresh file key and a fresh nonce for every file", async () => {
    const files = await Promise.all(
      Array.from({ length: 4 }, async () => through(await createEncryption([recipient]), plain)),
    );
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const fileKeys = await Promise.all(
      files.map((file) => decrypter.decryptHeader(file.subarray(0, headerLength))),
    );
    expect(new Set(fileKeys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(4);
    const nonces = files.map((file) => file.toString("hex", headerLength, payloadStart));
    expect(new Set(nonces).size).toBe(4);
  });

  test("writes header and nonce even if the source fails at once, and no last chunk", async () => {
    const encryption = await createEncryption([recipient]);
    const output: Buffer[] = [];
    encryption.on("data", (data: Buffer) => output.push(data));
    const failure = new Error("the dump failed");
    const source = new Readable({ read: (): void => void source.destroy(failure) });
    await expect(pipeline(source, encryption)).rejects.toBe(failure);
    expect((await decrypt(Buffer.concat(output))).error).toMatchObject({ operation: "integrity" });
  });

  test("without a recipient is refused", async () => {
    await expect(createEncryption([])).rejects.toMatchObject({
      operation: "configuration",
      message: "there is no recipient to encrypt to",
    });
  });

  test("to a passphrase and another recipient is refused", async () => {
    const passphrase = passphraseRecipient("correct horse").recipient;
    await expect(createEncryption([recipient, passphrase])).rejects.toMatchObject({
      operation: "configuration",
      message: "a passphrase cannot stand beside other recipients",
    });
  });

  test("to a recipient that is well written but no key is refused", async () => {
    // The point zero, with which every shared secret is zero.
    const zero = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z";
    await expect(createEncryption([zero])).rejects.toMatchObject({
      operation: "configuration",
      message: "a recipient cannot be encrypted to: its key is not valid",
    });
  });

  test("to so many recipients that the header could not be read is refused", async () => {
    const stanza = { args: ["test"], body: new Uint8Array(800_000) };
    await expect(createEncryption([{ wrapFileKey: () => [stanza] }])).rejects.toMatchObject({
      operation: "configuration",
      message: expect.stringMatching(/^too many recipients: their age header has 10\d{5} bytes$/),
    });
  });
});

describe("decryption", () => {
  test("reads a file that age-encryption encrypted", async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const file = Buffer.from(await encrypter.encrypt(plain));
    expect((await decrypt(file)).output.equals(plain)).toBe(true);
  });

  test.each([1, 2, 16, 17, 1000, 65536])("reads a file in buffers of %i bytes", async (size) => {
    const { output, error } = await collect(createDecryption([identity]), inPieces(encrypted, size));
    expect(error).toBeUndefined();
    expect(output.equals(plain)).toBe(true);
  });

  test("reads a file that is divided at any byte of its front", async () => {
    for (let end = 1; end < payloadStart + 20; end += 1) {
      const parts = [encrypted.subarray(0, end), encrypted.subarray(end)];
      expect((await through(createDecryption([identity]), ...parts)).equals(plain)).toBe(true);
    }
  });

  test("uses whichever identity fits", async () => {
    const identities = [otherIdentity, passphraseIdentity("x"), identity] as string[];
    expect((await decrypt(encrypted, identities)).output.equals(plain)).toBe(true);
  });

  test.each([
    ["another identity", [otherIdentity]],
    ["no identity", []],
  ])("with %s says what the file is encrypted to", async (_name, identities) => {
    expect(await decrypt(encrypted, identities)).toMatchObject({
      output: Buffer.alloc(0),
      error: { operation: "decrypt", message: "no identity fits: the file is encrypted to X25519" },
    });
  });

  test("with another passphrase says that none fits", async () => {
    const encrypter = new Encrypter();
    encrypter.setPassphrase("correct horse");
    encrypter.setScryptWorkFactor(2);
    const file = Buffer.from(await encrypter.encrypt(plain));
    const { error } = await collect(createDecryption([passphraseIdentity("battery staple")]), [file]);
    expect(error).toMatchObject({
      operation: "decrypt",
      message: "no identity fits: the file is encrypted to scrypt",
    });
    expect(String(error)).not.toContain("battery");
  });

  test("refuses a file that is cut within its front, wherever that is", async () => {
    for (let end = 0; end < payloadStart; end += 1) {
      const { output, error } = await decrypt(encrypted.subarray(0, end));
      expect(error).toMatchObject({
        operation: "integrity",
        message: "age header is damaged or not valid: the file ends within it",
      });
      expect(output).toHaveLength(0);
    }
  });

  test("refuses a file with a flipped bit, whichever byte of its front it is in", async () => {
    for (let index = 0; index < payloadStart + 20; index += 1) {
      const { output, error } = await decrypt(flipBit(encrypted, index));
      // Bits of the stanza decide whether an identity fits at all.
      expect(error).toMatchObject({ operation: expect.stringMatching(/^(integrity|decrypt)$/) });
      expect(output).toHaveLength(0);
    }
  });

  test("refuses a file whose MAC does not fit", async () => {
    const altered = Buffer.from(encrypted);
    altered.write(
      altered.toString("latin1", headerLength - 10, headerLength - 9) === "A" ? "B" : "A",
      headerLength - 10,
    );
    const { error } = await decrypt(altered);
    expect(error).toMatchObject({
      operation: "integrity",
      message: expect.stringMatching(/invalid header HMAC$/),
    });
  });

  test.each([
    ["a flipped bit in the payload nonce", () => flipBit(encrypted, headerLength), 0],
    ["a flipped bit in its last byte", () => flipBit(encrypted, encrypted.length - 1), 65536],
    ["its last byte missing", () => encrypted.subarray(0, -1), 65536],
    ["a byte too many", () => Buffer.concat([encrypted, Buffer.of(0)]), 65536],
  ])("refuses a file with %s", async (_name, file, released) => {
    const { output, error } = await decrypt(file());
    expect(error).toMatchObject({
      operation: "integrity",
      message: expect.stringMatching(/^age payload is damaged/),
    });
    expect(output.equals(plain.subarray(0, released))).toBe(true);
  });

  test.each([
    ["gzip", Buffer.from([0x1f, 0x8b, 8, 0])],
    ["a later version of age", Buffer.from("age-encryption.org/v2\n")],
    ["SQL", Buffer.from("-- PostgreSQL database dump\n")],
  ])("refuses %s before it has read more than its first bytes", async (_name, file) => {
    const decryption = createDecryption([identity]);
    const failed = new Promise((resolve) => decryption.once("error", resolve));
    decryption.write(file);
    expect(await failed).toMatchObject({
      operation: "integrity",
      message: 'age header is damaged or not valid: the file does not start with "age-encryption.org/v1"',
    });
  });

  test("refuses an armored file and says what reads it", async () => {
    const { error } = await decrypt(Buffer.from(armor.encode(encrypted)));
    expect(error).toMatchObject({
      operation: "integrity",
      message: "the file is armored, this reads binary age files only",
      hint: "decrypt it with age or rage, which read both",
    });
  });

  test("refuses a header that does not end, without reading on for ever", async () => {
    const endless = function* () {
      yield Buffer.from("age-encryption.org/v1\n");
      for (;;) yield Buffer.alloc(65536, "a");
    };
    const { error } = await collect(createDecryption([identity]), endless());
    expect(error).toMatchObject({
      operation: "integrity",
      message: "age header is damaged or not valid: it does not end within 1048576 bytes",
    });
  });
});
