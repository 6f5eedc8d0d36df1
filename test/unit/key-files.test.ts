import { readFileSync, writeFileSync } from "node:fs";
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, describe, expect, test } from "vitest";
import { createDecryption, createEncryption } from "../../src/encryption/age.ts";
import { parseRecipients } from "../../src/encryption/recipients.ts";
import { readIdentities } from "../../src/key-files.ts";
import { makeKeyDirectory, sshKeygen } from "./encryption/programs.ts";
import { through } from "./encryption/streams.ts";

const keys = makeKeyDirectory();
afterAll(keys.remove);

const passphrase = "correct horse";
const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);

/** A file with this content, and its path. */
function file(name: string, content: string | Uint8Array): string {
  writeFileSync(keys.file(name), content);
  return keys.file(name);
}

const passphraseFile = file("passphrase", `${passphrase}\n`);
const wrongPassphraseFile = file("wrong", "wrong horse\n");

/** What age -p makes of something, with less work. */
async function protect(text: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(10);
  return encrypter.encrypt(text);
}

const identityFile = file("identity", `# created: today\n# public key: ${recipient}\n${identity}\n`);
const protectedBytes = await protect(`${identity}\n`);
const protectedFile = file("identity.age", protectedBytes);
const armoredFile = file("identity.armored", armor.encode(protectedBytes));

function sshKey(name: string, ...options: string[]): { file: string; line: string } {
  sshKeygen(keys.file(name), ...options);
  return { file: keys.file(name), line: readFileSync(keys.file(`${name}.pub`), "utf8") };
}

const ed25519 = sshKey("ed25519", "-t", "ed25519");
const rsa = sshKey("rsa", "-t", "rsa", "-b", "2048");
const ecdsa = sshKey("ecdsa", "-t", "ecdsa");
const protectedEd25519 = sshKey("protected-ed25519", "-t", "ed25519", "-N", passphrase, "-a", "4");
const protectedPem = sshKey("protected-rsa", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", passphrase);

const read = (variables: Record<string, string | undefined>) =>
  readIdentities(variables, (path) => readFileSync(path));

async function encryptTo(line: string): Promise<Buffer> {
  const encryption = await createEncryption(parseRecipients(line, "R").map((named) => named.recipient));
  return through(encryption, Buffer.from("hello"));
}

/** Whether the settings' identities read what is encrypted to the recipient, or with the passphrase. */
async function decrypts(variables: Record<string, string>, to: string | undefined): Promise<boolean> {
  const object = to === undefined ? Buffer.from(await protect("hello")) : await encryptTo(to);
  return (await through(createDecryption(await read(variables)), object)).toString() === "hello";
}

describe("what is encrypted is read", () => {
  const protectedBy = { DECRYPT_PASSPHRASE_FILE: passphraseFile };

  test.for<[title: string, variables: Record<string, string>, to: string | undefined]>([
    ["age's identity file", { DECRYPT_IDENTITY_FILE: identityFile }, recipient],
    ["one that a passphrase protects", { DECRYPT_IDENTITY_FILE: protectedFile, ...protectedBy }, recipient],
    ["one that is protected and armored", { DECRYPT_IDENTITY_FILE: armoredFile, ...protectedBy }, recipient],
    ["an ssh-ed25519 key", { DECRYPT_IDENTITY_FILE: ed25519.file }, ed25519.line],
    ["an ssh-rsa key", { DECRYPT_IDENTITY_FILE: rsa.file }, rsa.line],
    [
      "an ssh-ed25519 key that a passphrase protects",
      { DECRYPT_IDENTITY_FILE: protectedEd25519.file, ...protectedBy },
      protectedEd25519.line,
    ],
    [
      "an ssh-rsa key in PEM that a passphrase protects",
      { DECRYPT_IDENTITY_FILE: protectedPem.file, ...protectedBy },
      protectedPem.line,
    ],
    ["a passphrase", protectedBy, undefined],
    [
      "a passphrase beside an identity file that needs none",
      { DECRYPT_IDENTITY_FILE: identityFile, ...protectedBy },
      undefined,
    ],
    [
      "an identity file beside a passphrase that it does not need",
      { DECRYPT_IDENTITY_FILE: identityFile, ...protectedBy },
      recipient,
    ],
    [
      "the passphrase that protects an identity file",
      { DECRYPT_IDENTITY_FILE: protectedFile, ...protectedBy },
      undefined,
    ],
  ])("with %s", async ([, variables, to]) => {
    expect(await decrypts(variables, to)).toBe(true);
  });
});

test.for<[title: string, variables: Record<string, string | undefined>]>([
  ["are not set", {}],
  ["are set to nothing", { DECRYPT_IDENTITY_FILE: "", DECRYPT_PASSPHRASE_FILE: "" }],
  ["are others", { ENCRYPT_PASSPHRASE_FILE: passphraseFile, ENCRYPT_RECIPIENTS: recipient }],
])("there is no identity where the settings %s", async ([, variables]) => {
  expect(await read(variables)).toEqual([]);
});

describe("it is refused, by the setting's name and the file's", () => {
  const empty = file("empty", "");
  const lines = file("lines", "one\ntwo\n");
  const latin1 = file("latin1", Buffer.from("Köln am Rhein", "latin1"));
  const publicKey = file("public", `${recipient}\n`);
  const bad = file("bad", `${identity.slice(0, -1)}\n`);
  const words = file("words", "my private key\n");
  const broken = file("broken", armor.encode(protectedBytes).replace("-----END", "----END"));
  const mountIt = "mount the file there and let the user this runs as read it, or correct the path";

  test.for<[title: string, variables: Record<string, string>, message: string, hint?: string]>([
    [
      "a file that is not there",
      { DECRYPT_IDENTITY_FILE: "/nonexistent/key" },
      "DECRYPT_IDENTITY_FILE names /nonexistent/key, which does not exist",
      mountIt,
    ],
    [
      "a folder",
      { DECRYPT_PASSPHRASE_FILE: keys.path },
      `DECRYPT_PASSPHRASE_FILE names ${keys.path}, which is a folder`,
      mountIt,
    ],
    [
      "an empty passphrase",
      { DECRYPT_PASSPHRASE_FILE: empty },
      `DECRYPT_PASSPHRASE_FILE names ${empty}, which is empty`,
      "write the secret into it",
    ],
    [
      "a passphrase of several lines",
      { DECRYPT_PASSPHRASE_FILE: lines },
      `DECRYPT_PASSPHRASE_FILE names ${lines}, which has several lines`,
      "write the secret alone into it, on one line",
    ],
    [
      "a passphrase in another encoding, which nobody could type as it would be read",
      { DECRYPT_PASSPHRASE_FILE: latin1 },
      `DECRYPT_PASSPHRASE_FILE names ${latin1}, which is no text in UTF-8`,
      "save it in UTF-8",
    ],
    [
      "an empty identity file",
      { DECRYPT_IDENTITY_FILE: empty },
      `DECRYPT_IDENTITY_FILE (${empty}): there is no identity in it`,
    ],
    [
      "an age public key",
      { DECRYPT_IDENTITY_FILE: publicKey },
      `DECRYPT_IDENTITY_FILE (${publicKey}): line 1: this is an age recipient (age1...), not an identity`,
    ],
    [
      "an ssh public key",
      { DECRYPT_IDENTITY_FILE: `${ed25519.file}.pub` },
      `DECRYPT_IDENTITY_FILE (${ed25519.file}.pub): line 1: this is an ssh public key, not an identity`,
    ],
    [
      "a malformed identity",
      { DECRYPT_IDENTITY_FILE: bad },
      `DECRYPT_IDENTITY_FILE (${bad}): line 1: malformed age identity`,
    ],
    [
      "something else",
      { DECRYPT_IDENTITY_FILE: words },
      `DECRYPT_IDENTITY_FILE (${words}): line 1: not an identity`,
    ],
    [
      "a protected identity file without its passphrase",
      { DECRYPT_IDENTITY_FILE: protectedFile },
      `DECRYPT_IDENTITY_FILE (${protectedFile}): the identity file is encrypted with a passphrase`,
      "give its passphrase as well, in DECRYPT_PASSPHRASE_FILE",
    ],
    [
      "a protected identity file with another passphrase",
      { DECRYPT_IDENTITY_FILE: protectedFile, DECRYPT_PASSPHRASE_FILE: wrongPassphraseFile },
      `DECRYPT_IDENTITY_FILE (${protectedFile}): the identity file cannot be decrypted with the passphrase`,
    ],
    [
      "a protected identity file whose armor is broken",
      { DECRYPT_IDENTITY_FILE: broken, DECRYPT_PASSPHRASE_FILE: passphraseFile },
      `DECRYPT_IDENTITY_FILE (${broken}): the armor of the encrypted identity file is malformed`,
      "copy the file again",
    ],
  ])("%s", async ([, variables, message, hint]) => {
    await expect(read(variables)).rejects.toMatchObject({
      name: "BackupError",
      operation: "configuration",
      message,
      ...(hint !== undefined && { hint }),
    });
  });

  test.for<[title: string, variables: Record<string, string>, message: RegExp]>([
    [
      "a protected ssh key without its passphrase",
      { DECRYPT_IDENTITY_FILE: protectedEd25519.file },
      /passphrase/,
    ],
    [
      "a protected ssh key with another passphrase",
      { DECRYPT_IDENTITY_FILE: protectedEd25519.file, DECRYPT_PASSPHRASE_FILE: wrongPassphraseFile },
      /passphrase/,
    ],
    [
      "a protected PEM key without its passphrase",
      { DECRYPT_IDENTITY_FILE: protectedPem.file },
      /passphrase/,
    ],
    [
      "a protected PEM key with another passphrase",
      { DECRYPT_IDENTITY_FILE: protectedPem.file, DECRYPT_PASSPHRASE_FILE: wrongPassphraseFile },
      /passphrase does not fit/,
    ],
    ["an ssh key of another type", { DECRYPT_IDENTITY_FILE: ecdsa.file }, /type/],
  ])("%s", async ([, variables, message]) => {
    await expect(read(variables)).rejects.toMatchObject({
      operation: "configuration",
      message: expect.stringMatching(message),
    });
    await expect(read(variables)).rejects.toThrow(
      `DECRYPT_IDENTITY_FILE (${variables["DECRYPT_IDENTITY_FILE"]})`,
    );
  });

  test("without any secret in the message", async () => {
    const messages = await Promise.all(
      [bad, words, lines].flatMap((path) =>
        ["DECRYPT_IDENTITY_FILE", "DECRYPT_PASSPHRASE_FILE"].map((setting) =>
          read({ [setting]: path }).then(
            () => "",
            (error: unknown) => JSON.stringify(error) + String(error),
          ),
        ),
      ),
    );
    expect(messages.join("\n")).not.toMatch(/AGE-SECRET|my private|two/);
  });
});
