import { generateKeyPairSync, publicEncrypt, constants, randomBytes, type KeyObject } from "node:crypto";
import { Stanza } from "age-encryption";
import { expect, test } from "vitest";
import { SshRsaIdentity, SshRsaRecipient } from "../../../src/encryption/ssh-rsa.ts";

const fileKey = randomBytes(16);
const alice = generate();
const bob = generate();

function generate() {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { publicKey, recipient: new SshRsaRecipient(publicKey), identity: new SshRsaIdentity(privateKey) };
}

function seal(publicKey: KeyObject, secret: Uint8Array, label = "age-encryption.org/v1/ssh-rsa"): Buffer {
  const padding = {
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: "sha256",
    oaepLabel: Buffer.from(label),
  };
  return publicEncrypt({ key: publicKey, ...padding }, secret);
}

test("an identity finds its stanza among those of other keys", () => {
  const stanzas = bob.recipient.wrapFileKey(fileKey);
  expect(alice.identity.unwrapFileKey(stanzas)).toBeNull();
  stanzas.push(...alice.recipient.wrapFileKey(fileKey));
  expect(alice.identity.unwrapFileKey(stanzas)).toEqual(fileKey);
});

const malformed: [string, (stanza: Stanza) => Stanza, RegExp][] = [
  ["an argument too many", ({ args, body }) => new Stanza([...args, "x"], body), /invalid ssh-rsa stanza/],
  [
    "a file key of 17 bytes",
    ({ args }) => new Stanza(args, seal(alice.publicKey, randomBytes(17))),
    /invalid ssh-rsa stanza body/,
  ],
  ["another label", ({ args }) => new Stanza(args, seal(alice.publicKey, fileKey, "x")), /oaep/i],
  ["a short body", ({ args, body }) => new Stanza(args, body.subarray(1)), /./],
];

test.each(malformed)(
  "a stanza with %s is malformed, but only to the identity that it names",
  (_name, spoil, message) => {
    const stanza = spoil(alice.recipient.wrapFileKey(fileKey)[0]!);
    expect(() => alice.identity.unwrapFileKey([stanza])).toThrow(message);
    expect(bob.identity.unwrapFileKey([stanza])).toBeNull();
  },
);
