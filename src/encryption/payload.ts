import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { Transform } from "node:stream";
import { BackupError } from "../errors.ts";
import { Blocks } from "./blocks.ts";

// The payload of an age file, https://c2sp.org/age#payload: the STREAM construction over ChaCha20-Poly1305.
const algorithm = "chacha20-poly1305";
/** Plain bytes in a chunk; only the last chunk has fewer. */
const chunkLength = 64 * 1024;
/** Bytes of the Poly1305 tag at the end of every encrypted chunk. */
const tagLength = 16;
/** Bytes of the nonce that stands between header and payload. */
export const payloadNonceLength = 16;

/** One direction of the payload cipher, fed with buffers of any size. */
export interface PayloadCipher {
  /** Takes the next bytes and yields the chunks that are ready, maybe none. */
  update(data: Buffer): Iterable<Buffer>;
  /** Yields the last chunk. To be called once, at the end of the input. */
  final(): Iterable<Buffer>;
}

/**
 * A transform that encrypts a payload: plain bytes in, encrypted chunks out. Nonce and header are the caller's
 * to write before it.
 * @param fileKey 16 bytes, fresh for every file
 * @param nonce {@link payloadNonceLength} random bytes, fresh for every payload
 */
export function encryptPayload(fileKey: Uint8Array, nonce: Uint8Array): Transform {
  return throughCipher(new PayloadEncryption(fileKey, nonce));
}

/**
 * A transform that decrypts a payload: what follows the nonce in, plain bytes out. A chunk is passed on only
 * once it is authenticated. Fails with BackupError `integrity` if the payload was altered or cut short, or if
 * anything follows its last chunk; what came out before that is then a prefix of the plain bytes.
 */
export function decryptPayload(fileKey: Uint8Array, nonce: Uint8Array): Transform {
  return throughCipher(new PayloadDecryption(fileKey, nonce));
}

/** The cipher behind {@link encryptPayload}. */
export class PayloadEncryption implements PayloadCipher {
  readonly #key: Buffer;
  readonly #nonce = new ChunkNonce();
  readonly #chunks = new Blocks(chunkLength);

  constructor(fileKey: Uint8Array, nonce: Uint8Array) {
    this.#key = payloadKey(fileKey, nonce);
  }

  *update(data: Buffer): Generator<Buffer> {
    for (const chunk of this.#chunks.cut(data)) yield this.#seal(chunk, false);
  }

  *final(): Generator<Buffer> {
    yield this.#seal(this.#chunks.last(), true);
  }

  #seal(chunk: Buffer, last: boolean): Buffer {
    const cipher = createCipheriv(algorithm, this.#key, this.#nonce.next(last), { authTagLength: tagLength });
    const encrypted = cipher.update(chunk);
    cipher.final();
    return Buffer.concat([encrypted, cipher.getAuthTag()]);
  }
}

/** The cipher behind {@link decryptPayload}. */
export class PayloadDecryption implements PayloadCipher {
  readonly #key: Buffer;
  readonly #nonce = new ChunkNonce();
  readonly #chunks = new Blocks(chunkLength + tagLength);

  constructor(fileKey: Uint8Array, nonce: Uint8Array) {
    this.#key = payloadKey(fileKey, nonce);
  }

  *update(data: Buffer): Generator<Buffer> {
    for (const chunk of this.#chunks.cut(data)) yield* this.#open(chunk, false);
  }

  *final(): Generator<Buffer> {
    yield* this.#open(this.#chunks.last(), true);
  }

  *#open(chunk: Buffer, last: boolean): Generator<Buffer> {
    const nonce = this.#nonce.next(last);
    if (chunk.length < tagLength) throw damaged(`it ends within chunk ${this.#nonce.count}`);
    if (chunk.length === tagLength && this.#nonce.count > 1) throw damaged("its last chunk is empty");
    const plain = decryptChunk(this.#key, nonce, chunk);
    if (plain === undefined) yield* this.#openMisplaced(chunk, last);
    else yield plain;
  }

  /** A full chunk that stands in the wrong place is good in itself, and tells what happened to the file. */
  *#openMisplaced(chunk: Buffer, last: boolean): Generator<Buffer> {
    const full = chunk.length === chunkLength + tagLength;
    const plain = full ? decryptChunk(this.#key, this.#nonce.current(!last), chunk) : undefined;
    if (plain === undefined) throw damaged(`chunk ${this.#nonce.count} does not authenticate`);
    yield plain;
    throw damaged(last ? "it ends after a chunk that is not its last" : "data follows its last chunk");
  }
}

/** The plain bytes of a chunk, or undefined if it does not authenticate. */
function decryptChunk(key: Buffer, nonce: Buffer, chunk: Buffer): Buffer | undefined {
  const end = chunk.length - tagLength;
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength });
  decipher.setAuthTag(chunk.subarray(end));
  const plain = decipher.update(chunk.subarray(0, end));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plain;
}

/** The nonce of a chunk: an 11-byte big-endian counter, then 1 for the last chunk and 0 for all others. */
class ChunkNonce {
  readonly #bytes = Buffer.alloc(12);
  /** How many nonces were handed out, which is the number of the current chunk, from 1. */
  count = 0;

  next(last: boolean): Buffer {
    this.count += 1;
    return this.current(last);
  }

  current(last: boolean): Buffer {
    this.#bytes.writeUIntBE(this.count - 1, 5, 6); // 2^48 chunks are 16 EiB
    this.#bytes[11] = last ? 1 : 0;
    return this.#bytes;
  }
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", fileKey, nonce, "payload", 32));
}

function damaged(reason: string): BackupError {
  return new BackupError("integrity", `age payload is damaged or cut short: ${reason}`);
}

function throughCipher(cipher: PayloadCipher): Transform {
  return new Transform({
    transform(data: Buffer, _encoding, done) {
      done(pushAll(this, () => cipher.update(data)));
    },
    flush(done) {
      done(pushAll(this, () => cipher.final()));
    },
  });
}

/** Pushes chunk by chunk; returns what the cipher throws, which would end the process within a transform. */
export function pushAll(stream: Transform, chunks: () => Iterable<Buffer>): Error | null {
  try {
    for (const chunk of chunks()) stream.push(chunk);
    return null;
  } catch (error) {
    return error as Error;
  }
}
