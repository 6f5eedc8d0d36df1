import { armor, Decrypter } from "age-encryption";
import { splitLines } from "./entries.ts";
import type { AgeIdentity } from "./header.ts";
import { PassphraseIdentity } from "./passphrase.ts";
import { parseEntries, refuse } from "./refusal.ts";
import { parseSshPrivateKey } from "./ssh-private-key.ts";

const armorLine = "-----BEGIN AGE ENCRYPTED FILE-----";
const versionLine = "age-encryption.org/v1\n";
const writeIdentity = "give the private key: the file that age-keygen wrote, or an ssh private key";

/**
 * The identities in a file: age's (one per line, blank lines and # comments), an ssh private key, or an age
 * identity file that is itself encrypted with a passphrase, binary or armored. Fails with BackupError
 * `configuration`, which names `origin` and the line, if there is none, one is malformed, a public key stands
 * in its place, or the passphrase is missing or does not fit.
 * @param content the file's bytes, or its text; the binary encrypted form needs the bytes
 * @param origin what the user knows the file as
 * @param passphrase of the ssh private key or the encrypted file; not used if there is neither
 */
export async function parseIdentities(
  content: string | Uint8Array,
  origin: string,
  passphrase?: string,
): Promise<AgeIdentity[]> {
  const bytes = Buffer.from(content);
  const text = bytes.toString("utf8");
  const file = encryptedFile(bytes, text, origin);
  if (file === undefined) return parsePlain(text, origin, passphrase);
  if (passphrase === undefined) {
    return refuse(
      `${origin}: the identity file is encrypted with a passphrase`,
      "give its passphrase as well, in DECRYPT_PASSPHRASE_FILE",
    );
  }
  return parsePlain(await decryptFile(file, origin, passphrase), origin, passphrase);
}

/** The identity of a passphrase, for files that are encrypted with one. */
export function passphraseIdentity(passphrase: string): AgeIdentity {
  return new PassphraseIdentity(passphrase);
}

function parsePlain(text: string, origin: string, passphrase: string | undefined): AgeIdentity[] {
  const entries = splitLines(text);
  if (entries.length === 0) refuse(`${origin}: there is no identity in it`, writeIdentity);
  return parseEntries(origin, entries, (entry) => parseIdentity(entry, passphrase));
}

function parseIdentity(text: string, passphrase: string | undefined): AgeIdentity {
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY/.test(text)) return parseSshPrivateKey(text, passphrase);
  if (text.startsWith("AGE-SECRET-KEY-")) return checkAgeIdentity(text);
  if (text.startsWith("AGE-PLUGIN-")) {
    return refuse("this is the identity of an age plugin, which is not supported", writeIdentity);
  }
  if (text.startsWith("age1"))
    return refuse("this is an age recipient (age1...), not an identity", writeIdentity);
  if (/^(ssh|ecdsa|sk)-/.test(text))
    return refuse("this is an ssh public key, not an identity", writeIdentity);
  return refuse("not an identity", writeIdentity);
}

function checkAgeIdentity(text: string): string {
  try {
    new Decrypter().addIdentity(text);
  } catch {
    refuse("malformed age identity", "copy the line again, whole, from what age-keygen wrote");
  }
  return text;
}

/** The bytes of an encrypted identity file, without armor; undefined if it is not encrypted. */
function encryptedFile(bytes: Buffer, text: string, origin: string): Uint8Array | undefined {
  if (text.startsWith(versionLine)) return bytes;
  if (!text.trimStart().startsWith(armorLine)) return undefined;
  try {
    return armor.decode(text);
  } catch {
    return refuse(`${origin}: the armor of the encrypted identity file is malformed`, "copy the file again");
  }
}

async function decryptFile(file: Uint8Array, origin: string, passphrase: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(new PassphraseIdentity(passphrase));
  try {
    return await decrypter.decrypt(file, "text");
  } catch {
    return refuse(
      `${origin}: the identity file cannot be decrypted with the passphrase`,
      "check the passphrase; the file must be encrypted with one, not to recipients",
    );
  }
}
