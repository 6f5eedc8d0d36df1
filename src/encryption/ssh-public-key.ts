import { createPublicKey } from "node:crypto";
import { decodeBase64 } from "./base64.ts";
import { refuse } from "./refusal.ts";
import { SshEd25519Recipient } from "./ssh-ed25519.ts";
import { SshRsaRecipient } from "./ssh-rsa.ts";
import { WireReader } from "./ssh-wire.ts";

/** Bits that an RSA modulus needs at least, as age demands. */
const minimumModulusLength = 2048;
const otherKey = "use an ssh-ed25519 or ssh-rsa key, or an age recipient (age1...)";
const copyAgain = "copy the line again from the .pub file, whole";

/**
 * The recipient for a line of an OpenSSH .pub file: type, base64, comment. Fails with BackupError
 * `configuration` on a type that cannot be encrypted to, a malformed key, or RSA of less than 2048 bits.
 */
export function parseSshPublicKey(line: string): SshEd25519Recipient | SshRsaRecipient {
  const [type = "", base64 = ""] = line.split(/\s+/);
  if (type !== "ssh-ed25519" && type !== "ssh-rsa") {
    return refuse(`${sshTypeName(type)} cannot be encrypted to`, otherKey);
  }
  const fields = readFields(type, base64);
  if (fields === undefined) return refuse(`malformed ${type} key`, copyAgain);
  return type === "ssh-ed25519" ? ed25519Recipient(fields) : rsaRecipient(fields);
}

/** The fields after the type, or undefined if the key is malformed. RFC 4253, section 6.6. */
function readFields(type: "ssh-ed25519" | "ssh-rsa", base64: string): Buffer[] | undefined {
  const wire = decodeBase64(base64.replace(/={1,2}$/, ""));
  if (wire === undefined) return undefined;
  const reader = new WireReader(wire);
  try {
    if (reader.string().toString("latin1") !== type) return undefined;
    const fields = type === "ssh-ed25519" ? [reader.string()] : [reader.string(), reader.string()];
    return reader.rest.length === 0 ? fields : undefined;
  } catch {
    return undefined;
  }
}

function ed25519Recipient([publicKey]: Buffer[]): SshEd25519Recipient {
  try {
    return new SshEd25519Recipient(publicKey!);
  } catch {
    return refuse("malformed ssh-ed25519 key", copyAgain);
  }
}

function rsaRecipient([e, n]: Buffer[]): SshRsaRecipient {
  const exponent = BigInt(`0x0${e!.toString("hex")}`);
  // With exponent 1 the body of the stanza would be the padded file key itself.
  if (exponent < 3n || exponent % 2n === 0n) return refuse("malformed ssh-rsa key", copyAgain);
  const bits = BigInt(`0x0${n!.toString("hex")}`).toString(2).length;
  if (bits < minimumModulusLength) {
    return refuse(`the ssh-rsa key has ${bits} bits, which is too weak`, `${otherKey}; rsa from 2048 bits`);
  }
  const jwk = { kty: "RSA", e: e!.toString("base64url"), n: n!.toString("base64url") };
  return new SshRsaRecipient(createPublicKey({ format: "jwk", key: jwk }));
}

/** How a message calls a type of ssh key; what is no known type is not repeated. */
function sshTypeName(type: string): string {
  if (type.startsWith("sk-")) return "an ssh key on a security token (sk-...)";
  if (type.startsWith("ecdsa-")) return "an ecdsa ssh key";
  return "an ssh key of this type";
}
