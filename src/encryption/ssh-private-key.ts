import { createPrivateKey, type KeyObject } from "node:crypto";
import type { Identity } from "age-encryption";
import { parseOpenSshKey } from "./openssh-key.ts";
import { refuse } from "./refusal.ts";
import { SshEd25519Identity } from "./ssh-ed25519.ts";
import { SshRsaIdentity } from "./ssh-rsa.ts";

/**
 * The identity of an ssh private key, in OpenSSH's own format or another PEM (PKCS #1, PKCS #8). Fails with
 * BackupError `configuration` if it is malformed, of a type other than ed25519 and rsa, or protected by
 * another passphrase than the one given.
 */
export function parseSshPrivateKey(pem: string, passphrase: string | undefined): Identity {
  const openSsh = pem.includes("-----BEGIN OPENSSH PRIVATE KEY-----");
  const key = openSsh ? parseOpenSshKey(pem, passphrase) : parsePem(pem, passphrase);
  if (key.asymmetricKeyType === "ed25519") return new SshEd25519Identity(key);
  if (key.asymmetricKeyType === "rsa") return new SshRsaIdentity(key);
  return refuse("a private key of this type cannot decrypt", "use an ssh-ed25519 or ssh-rsa key");
}

function parsePem(pem: string, passphrase: string | undefined): KeyObject {
  const isProtected = pem.includes("ENCRYPTED");
  if (isProtected && passphrase === undefined) {
    return refuse(
      "the private key is protected by a passphrase",
      "give its passphrase as well, in DECRYPT_PASSPHRASE_FILE",
    );
  }
  try {
    return createPrivateKey({ format: "pem", key: pem, ...(isProtected && { passphrase: passphrase! }) });
  } catch {
    if (isProtected) return refuse("malformed private key, or the passphrase does not fit it");
    return refuse("malformed private key", "give the file as it was generated");
  }
}
