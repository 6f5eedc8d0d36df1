import { createCipheriv, createDecipheriv } from "node:crypto";

// How a file key stands in the body of a stanza: ChaCha20-Poly1305 with a zero nonce, as the wrapping key is
// used once (https://c2sp.org/age#native-recipients).
const algorithm = "chacha20-poly1305";
const nonce = Buffer.alloc(12);
const tagLength = 16;
/** Bytes in a file key. */
export const fileKeyLength = 16;

/** Encrypts a file key with a wrapping key of 32 bytes that is used for nothing else. */
export function wrapWithKey(fileKey: Uint8Array, key: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength });
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
}

/**
 * The file key in the body of a stanza, or null if the wrapping key is another one. Throws if the body has
 * not the length of a wrapped file key, which is checked first, against partitioning oracles.
 */
export function unwrapWithKey(body: Uint8Array, key: Uint8Array): Uint8Array | null {
  if (body.length !== fileKeyLength + tagLength) throw new Error("invalid stanza body");
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength });
  decipher.setAuthTag(body.subarray(fileKeyLength));
  const fileKey = decipher.update(body.subarray(0, fileKeyLength));
  try {
    decipher.final();
  } catch {
    return null;
  }
  return fileKey;
}
