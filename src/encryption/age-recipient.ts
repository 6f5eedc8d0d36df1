import { createHash } from "node:crypto";
import { Encrypter } from "age-encryption";
import type { NamedRecipient } from "./named-recipient.ts";
import { refuse } from "./refusal.ts";

/** The types that age-encryption encrypts to; the part before the last 1 is the Bech32 prefix. */
const types = [
  { prefix: "age", kind: "x25519", long: false },
  { prefix: "age1pq", kind: "hybrid", long: true },
  { prefix: "age1tag", kind: "tag", long: false },
  { prefix: "age1tagpq", kind: "hybrid-tag", long: true },
] as const;

/**
 * The recipient that an `age1...` string is. Fails with BackupError `configuration` if it is mistyped, or
 * needs a plugin.
 */
export function parseAgeRecipient(text: string): NamedRecipient {
  if (/\s/.test(text)) {
    return refuse(
      "something follows the age recipient",
      "write one on a line, and comments on lines of their own",
    );
  }
  const prefix = text.slice(0, text.lastIndexOf("1"));
  const type = types.find((candidate) => candidate.prefix === prefix);
  if (type === undefined) {
    return refuse(
      "malformed age recipient, or one of a plugin, which is not supported",
      "use a recipient that age-keygen prints, or an ssh public key",
    );
  }
  checkEncoding(text);
  const fingerprint = type.long ? `${prefix}1…${digest(text)}` : text;
  return { recipient: text, kind: type.kind, fingerprint };
}

function checkEncoding(text: string): void {
  try {
    new Encrypter().addRecipient(text);
  } catch {
    refuse("malformed age recipient", "copy it again, whole, from what age-keygen printed");
  }
}

/** 128 bits of `age-keygen -y FILE | tr -d '\n' | sha256sum`. */
function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
