import { createHash, createPublicKey, hkdfSync, type KeyObject } from "node:crypto";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { type Identity, type Recipient, Stanza } from "age-encryption";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { unwrapWithKey, wrapWithKey } from "./file-key.ts";
import { encodeStrings, sshFingerprint, sshTag } from "./ssh-wire.ts";

// age's ssh-ed25519 stanza: X25519 with the Ed25519 key's point on the Montgomery curve, tweaked by a hash of
// the ssh key. Source: https://github.com/FiloSottile/age/blob/v1.3.1/agessh/agessh.go
const type = "ssh-ed25519";
const label = "age-encryption.org/v1/ssh-ed25519";

/** Wraps file keys for an Ed25519 key of OpenSSH. */
export class SshEd25519Recipient implements Recipient {
  readonly fingerprint: string;
  readonly #wire: Buffer;
  readonly #point: Uint8Array;

  /**
   * Throws if the bytes are no point of the curve, or one of small order, with which there is no secret.
   * @param publicKey the 32 bytes of the public key
   */
  constructor(publicKey: Uint8Array) {
    if (ed25519.Point.fromBytes(publicKey).isSmallOrder()) throw new Error("the point has small order");
    this.#wire = encodeStrings(type, publicKey);
    this.#point = ed25519.utils.toMontgomery(publicKey);
    this.fingerprint = sshFingerprint(this.#wire);
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const ephemeral = x25519.keygen();
    const share = ephemeral.publicKey;
    const secret = x25519.getSharedSecret(ephemeral.secretKey, this.#point);
    const body = wrapWithKey(fileKey, wrappingKey(secret, share, this.#point, this.#wire));
    return [new Stanza([type, sshTag(this.#wire), encodeBase64(share)], body)];
  }
}

/** Unwraps file keys with an Ed25519 private key of OpenSSH. Throws on a malformed stanza that names it. */
export class SshEd25519Identity implements Identity {
  readonly #wire: Buffer;
  readonly #point: Uint8Array;
  readonly #scalar: Buffer;

  constructor(privateKey: KeyObject) {
    const publicKey = Buffer.from(createPublicKey(privateKey).export({ format: "jwk" }).x!, "base64url");
    const seed = Buffer.from(privateKey.export({ format: "jwk" }).d!, "base64url");
    this.#wire = encodeStrings(type, publicKey);
    this.#point = ed25519.utils.toMontgomery(publicKey);
    // RFC 8032, section 5.1.5; X25519 clamps it.
    this.#scalar = createHash("sha512").update(seed).digest().subarray(0, 32);
  }

  unwrapFileKey(stanzas: Stanza[]): Uint8Array | null {
    for (const stanza of stanzas) {
      if (stanza.args[0] !== type || stanza.args[1] !== sshTag(this.#wire)) continue;
      const share = decodeBase64(stanza.args[2] ?? "");
      if (stanza.args.length !== 3 || share?.length !== 32) throw new Error("invalid ssh-ed25519 stanza");
      const secret = x25519.getSharedSecret(this.#scalar, share);
      const fileKey = unwrapWithKey(stanza.body, wrappingKey(secret, share, this.#point, this.#wire));
      if (fileKey !== null) return fileKey;
    }
    return null;
  }
}

function wrappingKey(secret: Uint8Array, share: Uint8Array, point: Uint8Array, wire: Uint8Array): Uint8Array {
  const tweak = new Uint8Array(hkdfSync("sha256", new Uint8Array(), wire, label, 32));
  const tweaked = x25519.getSharedSecret(tweak, secret);
  return new Uint8Array(hkdfSync("sha256", tweaked, Buffer.concat([share, point]), label, 32));
}
