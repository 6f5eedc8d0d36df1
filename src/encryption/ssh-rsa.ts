import { constants, createPublicKey, type KeyObject, privateDecrypt, publicEncrypt } from "node:crypto";
import { type Identity, type Recipient, Stanza } from "age-encryption";
import { fileKeyLength } from "./file-key.ts";
import { encodePositive, encodeStrings, sshFingerprint, sshTag } from "./ssh-wire.ts";

// age's ssh-rsa stanza: RSA-OAEP with SHA-256.
// Source: https://github.com/FiloSottile/age/blob/v1.3.1/agessh/agessh.go
const type = "ssh-rsa";
const padding = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: "sha256",
  oaepLabel: Buffer.from("age-encryption.org/v1/ssh-rsa"),
};

/** Wraps file keys for an RSA key of OpenSSH. */
export class SshRsaRecipient implements Recipient {
  readonly fingerprint: string;
  readonly #key: KeyObject;
  readonly #tag: string;

  constructor(publicKey: KeyObject) {
    const wire = encodePublicKey(publicKey);
    this.#key = publicKey;
    this.#tag = sshTag(wire);
    this.fingerprint = sshFingerprint(wire);
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    return [new Stanza([type, this.#tag], publicEncrypt({ key: this.#key, ...padding }, fileKey))];
  }
}

/** Unwraps file keys with an RSA private key of OpenSSH. Throws on a malformed stanza that names it. */
export class SshRsaIdentity implements Identity {
  readonly #key: KeyObject;
  readonly #tag: string;

  constructor(privateKey: KeyObject) {
    this.#key = privateKey;
    this.#tag = sshTag(encodePublicKey(createPublicKey(privateKey)));
  }

  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
    const stanza = stanzas.find(({ args }) => args[0] === type && args[1] === this.#tag);
    if (stanza === undefined) return null;
    if (stanza.args.length !== 2) throw new Error("invalid ssh-rsa stanza");
    const fileKey = privateDecrypt({ key: this.#key, ...padding }, stanza.body);
    if (fileKey.length !== fileKeyLength) throw new Error("invalid ssh-rsa stanza body");
    return fileKey;
  }
}

/** RFC 4253, section 6.6: the type, the exponent, the modulus. */
function encodePublicKey(key: KeyObject): Buffer {
  const { e, n } = key.export({ format: "jwk" });
  return encodeStrings(type, ...[e, n].map((number) => encodePositive(Buffer.from(number!, "base64url"))));
}
