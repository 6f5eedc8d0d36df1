import type { AgeIdentity } from "./encryption/age.ts";
import { parseIdentities, passphraseIdentity } from "./encryption/identities.ts";
import {
  type NamedRecipient,
  parseRecipients,
  parseRecipientsFile,
  passphraseRecipient,
} from "./encryption/recipients.ts";
import type { Environment } from "./environment.ts";
import { BackupError } from "./errors.ts";

/** Where the predecessor's users have their passwords: the file's content goes into the client's own variable. */
const secretFiles = { PGPASSWORD_FILE: "PGPASSWORD", MYSQL_PWD_FILE: "MYSQL_PWD" } as const;

/** A setting for keys that is there but empty must never come to mean "no encryption". */
export function readRecipients(
  environment: Environment,
  readFile: (path: string) => string,
): NamedRecipient[] {
  const {
    ENCRYPT_RECIPIENTS: list,
    ENCRYPT_RECIPIENTS_FILE: file,
    ENCRYPT_PASSPHRASE_FILE: passphraseFile,
  } = environment;
  const recipients: NamedRecipient[] = [];
  if (list !== undefined) recipients.push(...parseRecipients(list, "ENCRYPT_RECIPIENTS"));
  if (file !== undefined)
    recipients.push(
      ...parseRecipientsFile(
        readNamedFile("ENCRYPT_RECIPIENTS_FILE", file, readFile),
        `ENCRYPT_RECIPIENTS_FILE (${file})`,
      ),
    );
  if (passphraseFile === undefined) return recipients;
  if (recipients.length > 0)
    throw new BackupError("configuration", "ENCRYPT_PASSPHRASE_FILE is set together with recipients", {
      hint: "an age file has either a passphrase or recipients: unset one of them",
    });
  return [passphraseRecipient(readSecret("ENCRYPT_PASSPHRASE_FILE", passphraseFile, readFile))];
}

/**
 * What backups are decrypted with. A passphrase opens the identity file if that is protected, and backups made with
 * ENCRYPT_PASSPHRASE_FILE. Empty if neither setting is there.
 * @throws BackupError `configuration` for a file that holds no identity
 */
export async function readIdentities(
  environment: Environment,
  readFile: (path: string) => Uint8Array,
): Promise<AgeIdentity[]> {
  const { DECRYPT_IDENTITY_FILE: file, DECRYPT_PASSPHRASE_FILE: passphraseFile } = environment;
  const passphrase = passphraseFile
    ? readSecret("DECRYPT_PASSPHRASE_FILE", passphraseFile, (path) => decodeText(readFile(path)))
    : undefined;
  const identities = file
    ? await parseIdentities(
        readNamedFile("DECRYPT_IDENTITY_FILE", file, readFile),
        `DECRYPT_IDENTITY_FILE (${file})`,
        passphrase,
      )
    : [];
  return passphrase === undefined ? identities : [...identities, passphraseIdentity(passphrase)];
}

/** The secrets that come from files, by the variable that they are handed on in. */
export function readSecrets(
  environment: Environment,
  readFile: (path: string) => string,
): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const [setting, target] of Object.entries(secretFiles)) {
    const path = environment[setting];
    if (path) secrets[target] = readSecret(setting, path, readFile);
  }
  return secrets;
}

/**
 * The text of a file in UTF-8, without a byte order mark: a passphrase that was read otherwise could not be typed.
 * @throws TypeError for what is no UTF-8
 */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** The only line of a file, whatever ends it: editors, YAML and `kubectl create secret` disagree about final newlines. */
function readSecret(setting: string, path: string, readFile: (path: string) => string): string {
  const secret = readNamedFile(setting, path, readFile).replace(/(\r?\n)+$/, "");
  if (secret === "")
    throw new BackupError("configuration", `${setting} names ${path}, which is empty`, {
      hint: "write the secret into it",
    });
  if (/[\r\n]/.test(secret))
    throw new BackupError("configuration", `${setting} names ${path}, which has several lines`, {
      hint: "write the secret alone into it, on one line",
    });
  return secret;
}

/** Why a file cannot be read, and what to do if it is not the usual. */
const unreadable: Readonly<Record<string, [reason: string, hint?: string]>> = {
  ENOENT: ["which does not exist"],
  EACCES: ["which may not be read"],
  EISDIR: ["which is a folder"],
  ERR_ENCODING_INVALID_ENCODED_DATA: ["which is no text in UTF-8", "save it in UTF-8"],
};

function readNamedFile<Content>(setting: string, path: string, readFile: (path: string) => Content): Content {
  if (path === "")
    throw new BackupError("configuration", `${setting} is set but empty`, {
      hint: "write the path of the file, or unset it",
    });
  try {
    return readFile(path);
  } catch (cause) {
    const code = String((cause as NodeJS.ErrnoException).code);
    const [reason, hint = "mount the file there and let the user this runs as read it, or correct the path"] =
      unreadable[code] ?? ["which cannot be read"];
    throw new BackupError("configuration", `${setting} names ${path}, ${reason}`, { hint, cause });
  }
}
