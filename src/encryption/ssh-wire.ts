import { createHash } from "node:crypto";
import { encodeBase64 } from "./base64.ts";

/** Reads the data types of RFC 4251, section 5. Throws a RangeError where the bytes end too early. */
export class WireReader {
  #rest: Buffer;

  constructor(bytes: Uint8Array) {
    this.#rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whatever has not been read. */
  get rest(): Buffer {
    return this.#rest;
  }

  uint32(): number {
    const value = this.#rest.readUInt32BE(0);
    this.#rest = this.#rest.subarray(4);
    return value;
  }

  /** A string, or the two's complement big-endian bytes of an mpint. */
  string(): Buffer {
    const length = this.uint32();
    if (length > this.#rest.length) throw new RangeError("the bytes end within a string");
    const value = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return value;
  }
}

/** Strings as RFC 4251 has them, one after the other. */
export function encodeStrings(...strings: (string | Uint8Array)[]): Buffer {
  const parts = strings.flatMap((string) => {
    const bytes = Buffer.from(string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

/** The bytes of a positive mpint: the number without leading zeros, but with one before a high first bit. */
export function encodePositive(unsigned: Uint8Array): Buffer {
  const start = unsigned.findIndex((byte) => byte !== 0);
  const bytes = Buffer.from(unsigned.subarray(start === -1 ? unsigned.length : start));
  return bytes.length > 0 && bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

/** The fingerprint of a public key in wire format, as `ssh-keygen -l` prints it. */
export function sshFingerprint(wire: Uint8Array): string {
  return `SHA256:${encodeBase64(createHash("sha256").update(wire).digest())}`;
}

/** What names the key in age's ssh stanzas: the first 4 bytes of the hash that the fingerprint has whole. */
export function sshTag(wire: Uint8Array): string {
  return encodeBase64(createHash("sha256").update(wire).digest().subarray(0, 4));
}
