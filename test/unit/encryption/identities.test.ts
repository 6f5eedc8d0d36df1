import { readFileSync } from "node:fs";
import {
  armor,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDecryption, createEncryption } from "../../../src/encryption/age.ts";
import { parseIdentities } from "../../../src/encryption/identities.ts";
import { parseRecipients } from "../../../src/encryption/recipients.ts";
import { makeKeyDirectory, sshKeygen } from "./programs.ts";
import { through } from "./streams.ts";

const keys = makeKeyDirectory();
afterAll(keys.remove);
const identity = await generateX25519Identity();
const hybridIdentity = await generateHybridIdentity();
const recipient = await identityToRecipient(identity);
const passphrase = "correct horse";

/** Whether the identities of `content` decrypt what is encrypted to `recipients`. */
async function decrypts(content: string | Uint8Array, recipients: string, secret?: string): Promise<boolean> {
  const identities = await parseIdentities(content, "KEY_FILE (/run/key)", secret);
  const encryption = await createEncryption(parseRecipients(recipients, "R").map((named) => named.recipient));
  const output = await through(createDecryption(identities), await through(encryption, Buffer.from("hello")));
  return output.toString() === "hello";
}

function refuses(
  content: string | Uint8Array,
  message: string,
  hint?: string,
  secret?: string,
): Promise<void> {
  return expect(parseIdentities(content, "KEY_FILE (/run/key)", secret)).rejects.toMatchObject({
    name: "BackupError",
    operation: "configuration",
    message: `KEY_FILE (/run/key): ${message}`,
    hint,
  });
}

/** A key that ssh-keygen made; the file's text and its public line. */
function sshKey(name: string, ...options: string[]) {
  sshKeygen(keys.file(name), ...options);
  return {
    secret: readFileSync(keys.file(name), "utf8"),
    line: readFileSync(keys.file(`${name}.pub`), "utf8"),
  };
}

describe("age identity files", () => {
  test("have one identity a line, blank lines and comments, and may come from Windows", async () => {
    const text = `\uFEFF# created\r\n# public key: ${recipient}\r\n\r\n${hybridIdentity}\r\n${identity}\r\n`;
    expect(await parseIdentities(text, "KEY_FILE")).toEqual([hybridIdentity, identity]);
    expect(await decrypts(text, recipient)).toBe(true);
    expect(await decrypts(Buffer.from(text), await identityToRecipient(hybridIdentity))).toBe(true);
  });

  const writeIdentity = "give the private key: the file that age-keygen wrote, or an ssh private key";
  const copyAgain = "copy the line again, whole, from what age-keygen wrote";

  test.each([
    ["an empty file", "", "there is no identity in it", writeIdentity],
    ["only comments", "# nothing\n", "there is no identity in it", writeIdentity],
    [
      "an age recipient",
      recipient,
      "line 1: this is an age recipient (age1...), not an identity",
      writeIdentity,
    ],
    [
      "an ssh public key",
      "\nssh-ed25519 AAAA alice",
      "line 2: this is an ssh public key, not an identity",
      writeIdentity,
    ],
    [
      "an identity of a plugin",
      "AGE-PLUGIN-YUBIKEY-1QQQQ",
      "line 1: this is the identity of an age plugin, which is not supported",
      writeIdentity,
    ],
    ["a mistyped identity", `${identity.slice(0, -1)}B`, "line 1: malformed age identity", copyAgain],
    ["a mistyped hybrid identity", hybridIdentity.slice(0, -4), "line 1: malformed age identity", copyAgain],
    ["any other word", `# key\nhunter2`, "line 2: not an identity", writeIdentity],
  ])("are refused if there is %s", (_name, text, message, hint) => refuses(text, message, hint));
});

describe("ssh private keys", () => {
  test.each([
    ["ed25519", ["-t", "ed25519"]],
    ["ed25519, PKCS #8", ["-t", "ed25519", "-m", "PKCS8"]],
    ["rsa", ["-t", "rsa", "-b", "2048"]],
    ["rsa of 4096 bits", ["-t", "rsa", "-b", "4096"]],
    ["rsa, PEM", ["-t", "rsa", "-b", "2048", "-m", "PEM"]],
    ["rsa, PKCS #8", ["-t", "rsa", "-b", "2048", "-m", "PKCS8"]],
  ])("are read: %s", async (name, options) => {
    const { secret, line } = sshKey(`plain ${name}`.replace(/\W/g, "-"), ...options);
    expect(await decrypts(secret, line)).toBe(true);
    expect(await decrypts(`\uFEFF${secret.replaceAll("\n", "\r\n")}`, line)).toBe(true);
    expect(await decrypts(`  ${secret}`, line)).toBe(true);
  });

  const fits = "malformed private key, or the passphrase does not fit it";
  test.each([
    ["aes256-ctr", ["-t", "ed25519"], "the passphrase does not fit the ssh private key"],
    ["aes128-ctr", ["-t", "ed25519", "-Z", "aes128-ctr"], "the passphrase does not fit the ssh private key"],
    ["aes192-ctr", ["-t", "ed25519", "-Z", "aes192-ctr"], "the passphrase does not fit the ssh private key"],
    ["aes128-cbc", ["-t", "ed25519", "-Z", "aes128-cbc"], "the passphrase does not fit the ssh private key"],
    ["aes192-cbc", ["-t", "ed25519", "-Z", "aes192-cbc"], "the passphrase does not fit the ssh private key"],
    ["aes256-cbc", ["-t", "ed25519", "-Z", "aes256-cbc"], "the passphrase does not fit the ssh private key"],
    ["rsa", ["-t", "rsa", "-b", "2048"], "the passphrase does not fit the ssh private key"],
    ["rsa PEM", ["-t", "rsa", "-b", "2048", "-m", "PEM"], fits],
    ["rsa PKCS8", ["-t", "rsa", "-b", "2048", "-m", "PKCS8"], fits],
  ])("with a passphrase are read: %s", async (name, options, wrong) => {
    const { secret, line } = sshKey(
      `protected ${name}`.replace(/\W/g, "-"),
      ...options,
      "-N",
      passphrase,
      "-a",
      "1",
    );
    expect(await decrypts(secret, line, passphrase)).toBe(true);
    await refuses(secret, `line 1: ${wrong}`, undefined, "battery staple");
    const kind = secret.includes("OPENSSH") ? "ssh private key" : "private key";
    await refuses(
      secret,
      `line 1: the ${kind} is protected by a passphrase`,
      "give its passphrase as well, in DECRYPT_PASSPHRASE_FILE",
    );
  });

  test("with a passphrase in a cipher that is not supported are refused", async () => {
    const { secret } = sshKey(
      "gcm",
      "-t",
      "ed25519",
      "-Z",
      "aes256-gcm@openssh.com",
      "-N",
      passphrase,
      "-a",
      "1",
    );
    const message = "line 1: the ssh private key is encrypted with a cipher that is not supported";
    await refuses(secret, message, "encrypt it anew with `ssh-keygen -p -Z aes256-ctr -f FILE`", passphrase);
  });

  test("of other types are refused", async () => {
    const use = "use an ssh-ed25519 or ssh-rsa key";
    const { secret } = sshKey("ecdsa", "-t", "ecdsa");
    await refuses(secret, "line 1: an ssh private key of this type cannot decrypt", use);
    const pem = sshKey("ecdsa-pem", "-t", "ecdsa", "-m", "PEM").secret;
    await refuses(pem, "line 1: a private key of this type cannot decrypt", use);
  });

  describe("that are damaged are refused:", () => {
    const wrote = "give the file as ssh-keygen wrote it";
    let secret = "";
    beforeAll(() => {
      secret = sshKey("damaged", "-t", "ed25519").secret;
    });

    test.each([
      ["without their end", () => secret.slice(0, 200)],
      ["without their middle", () => secret.replace(/\n.{70}\n.{70}\n/, "\n")],
      ["with other content", () => secret.replace(/\n[^-]*\n-/, "\nAAAA\n-")],
      ["of a later version", () => rewrite(secret, (bytes) => bytes.write("openssh-key-v2"))],
      // After the magic, "none" and "none" as strings of 8 bytes, and an empty string of 4.
      ["with two keys", () => rewrite(secret, (bytes) => bytes.writeUInt32BE(2, 15 + 8 + 8 + 4))],
      [
        // The two equal numbers before the private part, by which a wrong passphrase is noticed.
        "with check numbers that differ",
        () => rewrite(secret, (bytes) => bytes.writeUInt32BE(7, bytes.lastIndexOf("ssh-ed25519") - 12)),
      ],
    ])("%s", (_name, text) => refuses(text(), "line 1: malformed ssh private key", wrote));

    test("with a key derivation of no rounds", async () => {
      const key = sshKey("rounds", "-t", "ed25519", "-N", passphrase, "-a", "1").secret;
      // After the magic, "aes256-ctr", "bcrypt", and within the options the salt of 16 bytes.
      const text = rewrite(key, (bytes) => bytes.writeUInt32BE(0, 15 + 14 + 10 + 4 + 20));
      await refuses(text, "line 1: malformed ssh private key", wrote, passphrase);
    });

    test("PEM", async () => {
      const text = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
      await refuses(text, "line 1: malformed private key", "give the file as it was generated");
    });
  });

  /** The same key file after a change of its bytes. */
  function rewrite(pem: string, change: (bytes: Buffer) => void): string {
    const [begin, ...lines] = pem.trim().split("\n");
    const bytes = Buffer.from(lines.slice(0, -1).join(""), "base64");
    change(bytes);
    return [begin, bytes.toString("base64"), lines.at(-1)].join("\n");
  }
});

describe("encrypted identity files", () => {
  async function encrypted(content: string): Promise<Uint8Array> {
    const encrypter = new Encrypter();
    encrypter.setPassphrase(passphrase);
    encrypter.setScryptWorkFactor(2);
    return encrypter.encrypt(content);
  }

  test("are read in binary, armored, and as armored text", async () => {
    const file = await encrypted(`# key\n${identity}\n`);
    expect(await decrypts(file, recipient, passphrase)).toBe(true);
    expect(await decrypts(Buffer.from(armor.encode(file)), recipient, passphrase)).toBe(true);
    expect(await decrypts(`\n${armor.encode(file)}`, recipient, passphrase)).toBe(true);
  });

  test("without a passphrase are refused", async () => {
    const message = "the identity file is encrypted with a passphrase";
    await refuses(
      await encrypted(identity),
      message,
      "give its passphrase as well, in DECRYPT_PASSPHRASE_FILE",
    );
  });

  const check = "check the passphrase; the file must be encrypted with one, not to recipients";
  const cannot = "the identity file cannot be decrypted with the passphrase";

  test("with another passphrase are refused", async () => {
    await refuses(await encrypted(identity), cannot, check, "battery staple");
  });

  test("that are cut short are refused", async () => {
    await refuses((await encrypted(identity)).subarray(0, -1), cannot, check, passphrase);
  });

  test("that are encrypted to a recipient are refused", async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    await refuses(await encrypter.encrypt(identity), cannot, check, passphrase);
  });

  test("whose armor is damaged are refused", async () => {
    const text = armor.encode(await encrypted(identity)).replace("-----END", "----END");
    await refuses(
      text,
      "the armor of the encrypted identity file is malformed",
      "copy the file again",
      passphrase,
    );
  });

  test("that hold a public key are refused", async () => {
    const message = "line 1: this is an age recipient (age1...), not an identity";
    const hint = "give the private key: the file that age-keygen wrote, or an ssh private key";
    await refuses(await encrypted(recipient), message, hint, passphrase);
  });
});
