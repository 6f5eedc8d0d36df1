import type { AgeRecipient } from "./header.ts";

/** The kinds of recipient: age's own, its two for hardware tokens, ssh keys, and a passphrase. */
export type RecipientKind =
  | "x25519"
  | "hybrid"
  | "tag"
  | "hybrid-tag"
  | "ssh-ed25519"
  | "ssh-rsa"
  | "passphrase";

/** A recipient and what the manifest says of it. */
export interface NamedRecipient {
  readonly recipient: AgeRecipient;
  readonly kind: RecipientKind;
  /**
   * Public, at most 100 characters. The recipient itself for x25519 and tag; `age1pq1…` or `age1tagpq1…` and
   * the first 32 hexadecimal digits of the recipient's SHA-256 for the hybrid ones; what `ssh-keygen -l`
   * prints for ssh keys; `passphrase` for a passphrase.
   */
  readonly fingerprint: string;
}
