import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Stanza } from "age-encryption";
import { expect, test } from "vitest";
import { SshEd25519Identity, SshEd25519Recipient } from "../../../src/encryption/ssh-ed25519.ts";

const fileKey = randomBytes(16);
const alice = generate();
const bob = generate();

function generate() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const bytes = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
  return { recipient: new SshEd25519Recipient(bytes), identity: new SshEd25519Identity(privateKey) };
}

test("a stanza has the type, 4 bytes of the fingerprint and the share as arguments, and a body of 32 bytes", () => {
  const [stanza] = alice.recipient.wrapFileKey(fileKey);
  const [type, tag, share] = stanza!.args;
  expect(type).toBe("ssh-ed25519");
  expect(alice.recipient.fingerprint).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
  expect(Buffer.from(alice.recipient.fingerprint.slice(7), "base64").subarray(0, 4)).toEqual(
    Buffer.from(tag!, "base64"),
  );
  expect(Buffer.from(share!, "base64")).toHaveLength(32);
  expect(stanza!.body).toHaveLength(32);
});

test("every wrapping has a share of its own", () => {
  const shares = [1, 2, 3].map(() => alice.recipient.wrapFileKey(fileKey)[0]!.args[2]);
  expect(new Set(shares).size).toBe(3);
});

test("an identity finds its stanza among others", () => {
  const stanzas = [new Stanza(["X25519", "x"], randomBytes(32)), ...bob.recipient.wrapFileKey(fileKey)];
  expect(alice.identity.unwrapFileKey(stanzas)).toBeNull();
  stanzas.push(...alice.recipient.wrapFileKey(fileKey));
  expect(alice.identity.unwrapFileKey(stanzas)).toEqual(fileKey);
});

test("an identity skips a stanza whose tag is its own by chance", () => {
  const own = alice.recipient.wrapFileKey(fileKey)[0]!;
  const foreign = bob.recipient.wrapFileKey(randomBytes(16))[0]!;
  const mistaken = new Stanza([own.args[0]!, own.args[1]!, foreign.args[2]!], foreign.body);
  expect(alice.identity.unwrapFileKey([mistaken])).toBeNull();
  expect(alice.identity.unwrapFileKey([mistaken, own])).toEqual(fileKey);
});

const malformed: [string, (stanza: Stanza) => Stanza, RegExp][] = [
  ["no share", ({ args, body }) => new Stanza(args.slice(0, 2), body), /invalid ssh-ed25519 stanza/],
  [
    "an argument too many",
    ({ args, body }) => new Stanza([...args, "x"], body),
    /invalid ssh-ed25519 stanza/,
  ],
  [
    "a short share",
    ({ args, body }) => new Stanza([...args.slice(0, 2), "AAAA"], body),
    /invalid ssh-ed25519 stanza/,
  ],
  [
    "padding",
    ({ args, body }) => new Stanza([...args.slice(0, 2), `${args[2]}=`], body),
    /invalid ssh-ed25519 stanza/,
  ],
  ["a long body", ({ args, body }) => new Stanza(args, Buffer.concat([body, body])), /invalid stanza body/],
  [
    "a share of small order",
    ({ args, body }) => new Stanza([...args.slice(0, 2), "A".repeat(43)], body),
    /./,
  ],
];

test.each(malformed)(
  "a stanza with %s is malformed, but only to the identity that it names",
  (_name, spoil, message) => {
    const stanza = spoil(alice.recipient.wrapFileKey(fileKey)[0]!);
    expect(() => alice.identity.unwrapFileKey([stanza])).toThrow(message);
    expect(bob.identity.unwrapFileKey([stanza])).toBeNull();
  },
);
