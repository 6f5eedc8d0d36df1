import { createDecipheriv, createPrivateKey, type KeyObject, type webcrypto } from "node:crypto";
import bcrypt from "bcrypt-pbkdf";
import { refuse } from "./refusal.ts";
import { WireReader } from "./ssh-wire.ts";

// The format of OpenSSH private keys:
// https://github.com/openssh/openssh-portable/blob/V_10_0/PROTOCOL.key
const magic = "openssh-key-v1\0";
/** Bytes of key and of IV of the ciphers that are decrypted; OpenSSH's default is aes256-ctr. */
const ciphers: Readonly<Record<string, { name: string; key: number; iv: number }>> = {
  "aes128-cbc": { name: "aes-128-cbc", key: 16, iv: 16 },
  "aes192-cbc": { name: "aes-192-cbc", key: 24, iv: 16 },
  "aes256-cbc": { name: "aes-256-cbc", key: 32, iv: 16 },
  "aes128-ctr": { name: "aes-128-ctr", key: 16, iv: 16 },
  "aes192-ctr": { name: "aes-192-ctr", key: 24, iv: 16 },
  "aes256-ctr": { name: "aes-256-ctr", key: 32, iv: 16 },
};

/** The unencrypted front of a private key file, and what it encloses. */
interface Container {
  readonly cipher: string;
  readonly kdf: string;
  readonly kdfOptions: Buffer;
  readonly secret: Buffer;
}

/**
 * The private key in a file that `ssh-keygen` wrote. Fails with BackupError `configuration` if it is
 * malformed, of a type other than ed25519 and rsa, or protected by another passphrase than the one given.
 */
export function parseOpenSshKey(pem: string, passphrase: string | undefined): KeyObject {
  const container = orMalformed(() => readContainer(pem));
  const plain = container.cipher === "none" ? container.secret : decrypt(container, passphrase);
  const reader = new WireReader(plain);
  if (orMalformed(() => reader.uint32() !== reader.uint32())) {
    return container.cipher === "none"
      ? malformed()
      : refuse("the passphrase does not fit the ssh private key");
  }
  const jwk = orMalformed(() => readPrivateKey(reader));
  if (jwk === undefined) {
    return refuse("an ssh private key of this type cannot decrypt", "use an ssh-ed25519 or ssh-rsa key");
  }
  return orMalformed(() => createPrivateKey({ format: "jwk", key: jwk }));
}

function readContainer(pem: string): Container {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*)-----END OPENSSH PRIVATE KEY-----/.exec(
    pem,
  )?.[1];
  const bytes = Buffer.from(base64 ?? "", "base64");
  if (bytes.toString("latin1", 0, magic.length) !== magic) throw new Error("no magic");
  const reader = new WireReader(bytes.subarray(magic.length));
  const cipher = reader.string().toString("latin1");
  const kdf = reader.string().toString("latin1");
  const kdfOptions = reader.string();
  if (reader.uint32() !== 1) throw new Error("not one key");
  reader.string(); // the public key, which the private part repeats
  return { cipher, kdf, kdfOptions, secret: reader.string() };
}

function decrypt({ cipher, kdf, kdfOptions, secret }: Container, passphrase: string | undefined): Buffer {
  const algorithm = ciphers[cipher];
  if (algorithm === undefined || kdf !== "bcrypt") {
    return refuse(
      "the ssh private key is encrypted with a cipher that is not supported",
      "encrypt it anew with `ssh-keygen -p -Z aes256-ctr -f FILE`",
    );
  }
  if (passphrase === undefined) {
    return refuse(
      "the ssh private key is protected by a passphrase",
      "give its passphrase as well, in DECRYPT_PASSPHRASE_FILE",
    );
  }
  return orMalformed(() => {
    const options = new WireReader(kdfOptions);
    const material = deriveKey(passphrase, options.string(), options.uint32(), algorithm.key + algorithm.iv);
    const key = material.subarray(0, algorithm.key);
    const decipher = createDecipheriv(algorithm.name, key, material.subarray(algorithm.key));
    decipher.setAutoPadding(false);
    return Buffer.concat([decipher.update(secret), decipher.final()]);
  });
}

function deriveKey(passphrase: string, salt: Buffer, rounds: number, length: number): Buffer {
  const secret = Buffer.from(passphrase);
  const key = Buffer.alloc(length);
  const status = bcrypt.pbkdf(secret, secret.length, salt, salt.length, key, length, rounds);
  if (status !== 0) throw new Error("bcrypt_pbkdf failed");
  return key;
}

/** The key as JSON web key, which node:crypto reads, or undefined if it is of another type. */
function readPrivateKey(reader: WireReader): webcrypto.JsonWebKey | undefined {
  const type = reader.string().toString("latin1");
  if (type === "ssh-ed25519") {
    const x = reader.string();
    const seed = reader.string().subarray(0, 32);
    return { kty: "OKP", crv: "Ed25519", x: x.toString("base64url"), d: seed.toString("base64url") };
  }
  return type === "ssh-rsa" ? readRsaKey(reader) : undefined;
}

function readRsaKey(reader: WireReader): webcrypto.JsonWebKey {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () =>
    BigInt(`0x0${reader.string().toString("hex")}`),
  );
  const numbers = { n, e, d, p, q, dp: d! % (p! - 1n), dq: d! % (q! - 1n), qi };
  const fields = Object.entries(numbers).map(([name, number]) => [name, encodeNumber(number!)]);
  return { kty: "RSA", ...Object.fromEntries(fields) };
}

function encodeNumber(number: bigint): string {
  const digits = number.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex").toString("base64url");
}

function orMalformed<T>(read: () => T): T {
  try {
    return read();
  } catch {
    return malformed();
  }
}

function malformed(): never {
  return refuse("malformed ssh private key", "give the file as ssh-keygen wrote it");
}
