import { randomBytes } from "node:crypto";
import { Transform } from "node:stream";
import { createHeader, headerLength, invalidHeader, openHeader } from "./header.ts";
import type { AgeIdentity, AgeRecipient } from "./header.ts";
import { encryptPayload, PayloadDecryption, payloadNonceLength, pushAll } from "./payload.ts";
import type { PayloadCipher } from "./payload.ts";

export type { AgeIdentity, AgeRecipient } from "./header.ts";

/**
 * A transform that turns plain bytes into one binary age file, https://c2sp.org/age, with a file key of its
 * own: to be used for one file. Fails with BackupError `configuration` if there is no recipient, one that
 * cannot be encrypted to, or a passphrase beside another recipient.
 */
export async function createEncryption(recipients: readonly AgeRecipient[]): Promise<Transform> {
  const { fileKey, header } = await createHeader(recipients);
  const nonce = randomBytes(payloadNonceLength);
  const encryption = encryptPayload(fileKey, nonce);
  encryption.push(Buffer.concat([header, nonce]));
  return encryption;
}

/**
 * A transform that turns one binary age file into its plain bytes; nothing comes out before it is
 * authenticated. Fails with BackupError `decrypt` if no identity fits, and `integrity` if the file was
 * altered or cut short, is none, or goes on after its end.
 */
export function createDecryption(identities: readonly AgeIdentity[]): Transform {
  const front = new Front();
  let payload: PayloadCipher | undefined;

  /** Returns the bytes of the payload that were read along with the header, if it is complete. */
  async function open(data: Buffer): Promise<Buffer> {
    const parts = front.add(data);
    if (parts === undefined) return Buffer.alloc(0);
    payload = new PayloadDecryption(await openHeader(parts.header, identities), parts.nonce);
    return parts.rest;
  }

  return new Transform({
    transform(data: Buffer, _encoding, done) {
      const decrypt = (rest: Buffer) => done(pushAll(this, () => payload?.update(rest) ?? []));
      if (payload === undefined) open(data).then(decrypt, done);
      else decrypt(data);
    },
    flush(done) {
      const cipher = payload;
      if (cipher === undefined) done(invalidHeader("the file ends within it"));
      else done(pushAll(this, () => cipher.final()));
    },
  });
}

/** Collects the beginning of a file until its header and the payload's nonce are complete. */
class Front {
  #bytes = Buffer.alloc(0);

  add(data: Buffer): { header: Buffer; nonce: Buffer; rest: Buffer } | undefined {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    const end = headerLength(this.#bytes);
    if (end === undefined || this.#bytes.length < end + payloadNonceLength) return undefined;
    const start = end + payloadNonceLength;
    return {
      header: this.#bytes.subarray(0, end),
      nonce: this.#bytes.subarray(end, start),
      rest: this.#bytes.subarray(start),
    };
  }
}
