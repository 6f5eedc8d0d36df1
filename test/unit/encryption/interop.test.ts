import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createDecryption, createEncryption } from "../../../src/encryption/age.ts";
import { parseIdentities, passphraseIdentity } from "../../../src/encryption/identities.ts";
import {
  parseRecipientsFile,
  passphraseRecipient,
  type RecipientKind,
} from "../../../src/encryption/recipients.ts";
import { answerPassphrase, makeKeyDirectory, run, sshKeygen } from "./programs.ts";
import { collect, through } from "./streams.ts";

// What is written is read by the real age and rage, and what they write is read.
vi.setConfig({ testTimeout: 60_000 }); // passphrases are made to take long
const keys = makeKeyDirectory();
afterAll(keys.remove);
const sizes = [0, 1, 65535, 65536, 65537, 1024 * 1024];
const passphrase = "correct horse battery staple";

/** Private and public key files of every kind, `kind` and `kind`.pub. */
beforeAll(() => {
  generateAgeKey("x25519");
  generateAgeKey("hybrid", "-pq");
  sshKeygen(keys.file("ssh-ed25519"), "-t", "ed25519");
  sshKeygen(keys.file("ssh-rsa"), "-t", "rsa", "-b", "2048");
});

function generateAgeKey(kind: string, ...options: string[]): void {
  run("age-keygen", [...options, "-o", keys.file(kind)]);
  writeFileSync(keys.file(`${kind}.pub`), run("age-keygen", ["-y", keys.file(kind)]));
}

function readRecipients(kind: string) {
  const file = keys.file(`${kind}.pub`);
  return parseRecipientsFile(readFileSync(file, "utf8"), file);
}

async function readIdentities(kind: string) {
  return parseIdentities(readFileSync(keys.file(kind)), kind);
}

async function encryptTo(kind: string, plain: Buffer): Promise<Buffer> {
  return through(await createEncryption(readRecipients(kind).map(({ recipient }) => recipient)), plain);
}

// rage 0.12 does not know hybrid recipients; the last test of this file tells when it does.
describe.each<[string, RecipientKind]>([
  ["age", "x25519"],
  ["age", "hybrid"],
  ["age", "ssh-ed25519"],
  ["age", "ssh-rsa"],
  ["rage", "x25519"],
  ["rage", "ssh-ed25519"],
  ["rage", "ssh-rsa"],
])("%s and a recipient of kind %s", (program, kind) => {
  test("the recipient is of that kind", () => {
    expect(readRecipients(kind).map((recipient) => recipient.kind)).toEqual([kind]);
  });

  test.each(sizes)("%i bytes that are encrypted here are decrypted there", async (size) => {
    const plain = randomBytes(size);
    const output = run(program, ["-d", "-i", keys.file(kind)], { input: await encryptTo(kind, plain) });
    expect(output.equals(plain)).toBe(true);
  });

  test.each(sizes)("%i bytes that are encrypted there are decrypted here", async (size) => {
    const plain = randomBytes(size);
    const encrypted = run(program, ["-e", "-R", keys.file(`${kind}.pub`)], { input: plain });
    const output = await through(createDecryption(await readIdentities(kind)), encrypted);
    expect(output.equals(plain)).toBe(true);
  });

  test("a file that is cut short here is refused there", async () => {
    const encrypted = await encryptTo(kind, randomBytes(100_000));
    const input = encrypted.subarray(0, -1);
    expect(() => run(program, ["-d", "-i", keys.file(kind)], { input })).toThrow();
  });
});

test.each(["age", "rage"])("%s decrypts with the key of any recipient", async (program) => {
  const kinds = ["x25519", "ssh-ed25519", "ssh-rsa"];
  const recipients = kinds.flatMap(readRecipients).map(({ recipient }) => recipient);
  const input = await through(await createEncryption(recipients), Buffer.from("hello"));
  for (const kind of kinds)
    expect(run(program, ["-d", "-i", keys.file(kind)], { input }).toString()).toBe("hello");
});

test.each(["age", "rage"])(
  "of a file that %s encrypted to several recipients any one reads",
  async (program) => {
    const kinds = ["x25519", "ssh-ed25519", "ssh-rsa"];
    const options = kinds.flatMap((kind) => ["-R", keys.file(`${kind}.pub`)]);
    const encrypted = run(program, ["-e", ...options], { input: "hello" });
    for (const kind of kinds) {
      expect((await through(createDecryption(await readIdentities(kind)), encrypted)).toString()).toBe(
        "hello",
      );
    }
  },
);

describe("a passphrase", () => {
  const encrypt = async (plain: Buffer) =>
    through(await createEncryption([passphraseRecipient(passphrase).recipient]), plain);
  const decrypt = (encrypted: Buffer) =>
    through(createDecryption([passphraseIdentity(passphrase)]), encrypted);
  const answer = () => answerPassphrase(keys.file("pinentry"), passphrase);

  test.each(sizes)("%i bytes that are encrypted here are decrypted by age and by rage", async (size) => {
    const plain = randomBytes(size);
    const input = await encrypt(plain);
    const age = run("age", ["-d", "-j", "batchpass"], { input, env: { AGE_PASSPHRASE: passphrase } });
    expect(age.equals(plain)).toBe(true);
    expect(run("rage", ["-d"], { input, env: answer() }).equals(plain)).toBe(true);
  });

  test.each(sizes)("%i bytes that age encrypted are decrypted here", async (size) => {
    const plain = randomBytes(size);
    const env = { AGE_PASSPHRASE: passphrase };
    const encrypted = run("age", ["-e", "-j", "batchpass"], { input: plain, env });
    expect((await decrypt(encrypted)).equals(plain)).toBe(true);
  });

  // One size: rage takes a work factor that costs seconds, and the payload is the same as everywhere.
  test("65537 bytes that rage encrypted are decrypted here", async () => {
    const plain = randomBytes(65537);
    const encrypted = run("rage", ["-e", "-p"], { input: plain, env: answer() });
    expect((await decrypt(encrypted)).equals(plain)).toBe(true);
  });
});

test.each([
  ["binary", []],
  ["armored", ["-a"]],
])("an identity file that age encrypted with a passphrase, %s, is read", async (_name, options) => {
  const env = { AGE_PASSPHRASE: passphrase };
  const input = readFileSync(keys.file("x25519"));
  const file = run("age", ["-e", "-j", "batchpass", ...options], { input, env });
  const identities = await parseIdentities(file, "key.age", passphrase);
  const output = await through(createDecryption(identities), await encryptTo("x25519", Buffer.from("hello")));
  expect(output.toString()).toBe("hello");
});

test("rage does not decrypt what is encrypted to a hybrid recipient, so age is the tool for it", async () => {
  const input = await encryptTo("hybrid", Buffer.from("hello"));
  // By a file: it does not read its stdin when it has refused its key.
  const file = keys.file("hybrid.age");
  writeFileSync(file, input);
  expect(() => run("rage", ["-d", "-i", keys.file("hybrid"), file])).toThrow(/identity file contains/);
  const { error } = await collect(createDecryption(await readIdentities("x25519")), [input]);
  expect(error).toMatchObject({ message: "no identity fits: the file is encrypted to mlkem768x25519" });
});
