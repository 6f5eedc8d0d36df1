import { Decrypter, Encrypter, type Identity, type Recipient } from "age-encryption";
import { BackupError } from "../errors.ts";
import { PassphraseRecipient } from "./passphrase.ts";

/** What a file can be encrypted to: an `age1...` string, or an implementation of age-encryption's interface. */
export type AgeRecipient = string | Recipient;
/** What a file can be decrypted with: an `AGE-SECRET-KEY-...` string, or an implementation. */
export type AgeIdentity = string | Identity;

/**
 * The longest header that is written or read, in bytes. The format has no limit; this one keeps a file that
 * is no age file from being read into memory, and has room for 600 hybrid recipients.
 */
export const maximumHeaderLength = 1024 * 1024;

const versionLine = "age-encryption.org/v1\n";
const armorLine = "-----BEGIN AGE ENCRYPTED FILE-----";
/** The last line of a header: the base64 of 32 bytes. */
const macFormat = /^--- [A-Za-z0-9+/]{43}$/;
/** Bytes that an encryption of nothing has after its header: the payload nonce and one empty chunk. */
const emptyPayloadLength = 16 + 16;

/**
 * Makes a file key and the header that wraps it for all recipients, its MAC and final newline included.
 * Fails with BackupError `configuration` if there is no recipient, or one that cannot be encrypted to.
 */
export async function createHeader(
  recipients: readonly AgeRecipient[],
): Promise<{ fileKey: Uint8Array; header: Buffer }> {
  checkRecipients(recipients);
  const witness = new FileKeyWitness();
  const file = await encryptNothing([witness, ...recipients]);
  const header = Buffer.from(file.subarray(0, file.length - emptyPayloadLength));
  if (header.length > maximumHeaderLength) {
    throw new BackupError(
      "configuration",
      `too many recipients: their age header has ${header.length} bytes`,
      {
        hint: `name fewer, the header may have ${maximumHeaderLength} bytes`,
      },
    );
  }
  return { fileKey: witness.fileKey, header };
}

/**
 * The length of the header that `bytes`, the beginning of a file, starts with, or undefined if more bytes are
 * needed to tell. Fails with BackupError `integrity` as soon as they cannot be the beginning of an age file.
 */
export function headerLength(bytes: Buffer): number | undefined {
  checkVersion(bytes);
  const macLine = bytes.indexOf("\n---");
  const newline = macLine === -1 ? -1 : bytes.indexOf("\n", macLine + 1);
  if (newline !== -1) {
    if (!macFormat.test(bytes.toString("latin1", macLine + 1, newline)))
      throw invalidHeader("its MAC is malformed");
    return newline + 1;
  }
  if (bytes.length <= maximumHeaderLength) return undefined;
  throw invalidHeader(`it does not end within ${maximumHeaderLength} bytes`);
}

/**
 * The file key that a header wraps, unwrapped with the first identity that fits. Fails with BackupError
 * `decrypt` if none does, and `integrity` if the header is malformed or does not match its MAC.
 * @param header all of the header, final newline included
 */
export async function openHeader(
  header: Uint8Array,
  identities: readonly AgeIdentity[],
): Promise<Uint8Array> {
  const end = new EndOfIdentities();
  const decrypter = new Decrypter();
  for (const identity of [...identities, end]) decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (cause) {
    if (end.stanzaTypes === undefined) throw invalidHeader((cause as Error).message, cause);
    throw new BackupError("decrypt", `no identity fits: the file is encrypted to ${end.stanzaTypes}`, {
      hint: "give the identity (the private key) or the passphrase of one of its recipients",
    });
  }
}

/** The error for a file whose header is not as the format wants it. */
export function invalidHeader(reason: string, cause?: unknown): BackupError {
  return new BackupError("integrity", `age header is damaged or not valid: ${reason}`, { cause });
}

/** Sees the file key that age-encryption made, and adds no stanza. */
class FileKeyWitness implements Recipient {
  fileKey = new Uint8Array();

  wrapFileKey(fileKey: Uint8Array): [] {
    this.fileKey = Uint8Array.from(fileKey);
    return [];
  }
}

/** Stands after all identities: being asked means that none before it fitted. */
class EndOfIdentities implements Identity {
  stanzaTypes: string | undefined;

  unwrapFileKey(stanzas: Parameters<Identity["unwrapFileKey"]>[0]): null {
    this.stanzaTypes = stanzas.map((stanza) => stanza.args[0]).join(", ");
    return null;
  }
}

function checkRecipients(recipients: readonly AgeRecipient[]): void {
  if (recipients.length === 0) {
    throw new BackupError("configuration", "there is no recipient to encrypt to");
  }
  if (recipients.length > 1 && recipients.some((recipient) => recipient instanceof PassphraseRecipient)) {
    throw new BackupError("configuration", "a passphrase cannot stand beside other recipients", {
      hint: "use either the passphrase or the recipients, age files allow no mixture",
    });
  }
}

async function encryptNothing(recipients: readonly AgeRecipient[]): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  try {
    for (const recipient of recipients) encrypter.addRecipient(recipient);
    return await encrypter.encrypt(new Uint8Array());
  } catch (cause) {
    throw new BackupError("configuration", "a recipient cannot be encrypted to: its key is not valid", {
      hint: "copy the recipient again from where it was generated",
      cause,
    });
  }
}

function checkVersion(bytes: Buffer): void {
  const start = bytes.toString("latin1", 0, versionLine.length);
  if (versionLine.startsWith(start)) return;
  if (armorLine.startsWith(start)) {
    throw new BackupError("integrity", "the file is armored, this reads binary age files only", {
      hint: "decrypt it with age or rage, which read both",
    });
  }
  throw invalidHeader(`the file does not start with "${versionLine.trim()}"`);
}
