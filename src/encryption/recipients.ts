import { BackupError } from "../errors.ts";
import { parseAgeRecipient } from "./age-recipient.ts";
import { splitEntries, splitLines } from "./entries.ts";
import type { NamedRecipient } from "./named-recipient.ts";
import { PassphraseRecipient } from "./passphrase.ts";
import { refusePrivateKey } from "./private-key.ts";
import { type Entry, parseEntries, refuse } from "./refusal.ts";
import { parseSshPublicKey } from "./ssh-public-key.ts";
import { SshEd25519Recipient } from "./ssh-ed25519.ts";

export type { NamedRecipient, RecipientKind } from "./named-recipient.ts";

/**
 * The recipients in a setting, with white space or commas between them; an ssh key may have its comment. One
 * that is named twice counts once. Fails with BackupError `configuration`, which names `origin` and the
 * number of the entry, on anything that is no recipient, and if there is none: no recipient never means no
 * encryption.
 * @param origin what the user knows the text as, such as `ENCRYPT_RECIPIENTS`
 */
export function parseRecipients(text: string, origin: string): NamedRecipient[] {
  return parseAll(splitEntries(text), origin);
}

/**
 * The recipients in a file of age's format: one per line, blank lines and # comments. Otherwise as
 * {@link parseRecipients}, with the number of the line.
 * @param origin what the user knows the file as, such as `ENCRYPT_RECIPIENTS_FILE (/run/recipients)`
 */
export function parseRecipientsFile(text: string, origin: string): NamedRecipient[] {
  return parseAll(splitLines(text), origin);
}

/**
 * The recipient of a passphrase, which must be the only one of a file. Fails with BackupError `configuration`
 * on an empty passphrase, and on a line break, which nobody could type when age or rage ask for it.
 */
export function passphraseRecipient(passphrase: string): NamedRecipient {
  if (passphrase === "") refuse("the passphrase is empty", "write at least 4 or 5 random words");
  if (/[\r\n]/.test(passphrase)) {
    refuse("the passphrase has more than one line", "write it on one line, age and rage ask for no more");
  }
  return { recipient: new PassphraseRecipient(passphrase), kind: "passphrase", fingerprint: "passphrase" };
}

function parseAll(entries: Entry[], origin: string): NamedRecipient[] {
  if (entries.length === 0) {
    throw new BackupError("configuration", `${origin}: there is no recipient in it`, {
      hint: "write an age recipient (age1...) or an ssh public key, or unset it to back up without encryption",
    });
  }
  const recipients = parseEntries(origin, entries, parseRecipient);
  return [...new Map(recipients.map((recipient) => [recipient.fingerprint, recipient])).values()];
}

function parseRecipient(text: string): NamedRecipient {
  refusePrivateKey(text);
  if (text.startsWith("age1")) return parseAgeRecipient(text);
  if (/^(ssh|ecdsa|sk)-/.test(text)) {
    const recipient = parseSshPublicKey(text);
    const kind = recipient instanceof SshEd25519Recipient ? "ssh-ed25519" : "ssh-rsa";
    return { recipient, kind, fingerprint: recipient.fingerprint };
  }
  return refuse(
    "not a recipient",
    "write an age recipient (age1...) or an ssh public key (ssh-ed25519 AAAA..., ssh-rsa AAAA...)",
  );
}
