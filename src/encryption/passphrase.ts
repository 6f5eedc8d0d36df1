import { randomBytes, scrypt } from "node:crypto";
import { type Identity, type Recipient, Stanza } from "age-encryption";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { unwrapWithKey, wrapWithKey } from "./file-key.ts";

// The scrypt recipient type, https://c2sp.org/age#the-scrypt-recipient-type. It is done here, and not by
// age-encryption, because that sets a passphrase apart from recipients and computes scrypt on the main thread.
const label = "age-encryption.org/v1/scrypt";
const saltLength = 16;
/** The base-2 logarithm of scrypt's N when encrypting; age's own. Takes 256 MiB and about a second. */
const workFactor = 18;
/** The highest that is decrypted, as in age: 4 GiB. rage goes by the speed of the machine and may write 20. */
const maximumWorkFactor = 22;

/** Wraps file keys with a passphrase. Must be the only recipient of a file. */
export class PassphraseRecipient implements Recipient {
  readonly #passphrase: string;

  constructor(passphrase: string) {
    this.#passphrase = passphrase;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const salt = randomBytes(saltLength);
    const key = await deriveKey(this.#passphrase, salt, workFactor);
    return [new Stanza(["scrypt", encodeBase64(salt), String(workFactor)], wrapWithKey(fileKey, key))];
  }
}

/** Unwraps file keys with a passphrase. Throws on a scrypt stanza that is malformed or not alone. */
export class PassphraseIdentity implements Identity {
  readonly #passphrase: string;

  constructor(passphrase: string) {
    this.#passphrase = passphrase;
  }

  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const stanza = stanzas.find(({ args }) => args[0] === "scrypt");
    if (stanza === undefined) return null;
    if (stanzas.length !== 1) throw new Error("the scrypt stanza is not the only one");
    const { salt, logN } = parseArguments(stanza.args);
    return unwrapWithKey(stanza.body, await deriveKey(this.#passphrase, salt, logN));
  }
}

function parseArguments(args: string[]): { salt: Buffer; logN: number } {
  const [, encodedSalt = "", encodedLogN = ""] = args;
  const salt = decodeBase64(encodedSalt);
  if (args.length !== 3 || salt?.length !== saltLength || !/^[1-9][0-9]*$/.test(encodedLogN)) {
    throw new Error("invalid scrypt stanza");
  }
  const logN = Number(encodedLogN);
  if (logN > maximumWorkFactor) throw new Error(`the scrypt work factor ${encodedLogN} is too high`);
  return { salt, logN };
}

function deriveKey(passphrase: string, salt: Uint8Array, logN: number): Promise<Buffer> {
  const N = 2 ** logN;
  const r = 8;
  const options = { N, r, p: 1, maxmem: 128 * r * (N + 8) };
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(passphrase, Buffer.concat([Buffer.from(label), salt]), 32, options, (error, key) => {
    if (error === null) resolve(key);
    else reject(error);
  });
  return promise;
}
