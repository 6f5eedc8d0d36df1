import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BackupError } from "../../../src/errors.ts";
import {
  parseRecipients,
  parseRecipientsFile,
  passphraseRecipient,
} from "../../../src/encryption/recipients.ts";
import { createHeader } from "../../../src/encryption/header.ts";
import { encodeStrings } from "../../../src/encryption/ssh-wire.ts";
import { makeKeyDirectory, run, sshKeygen } from "./programs.ts";

const keys = makeKeyDirectory();
afterAll(keys.remove);
const identity = await generateX25519Identity();
const hybridIdentity = await generateHybridIdentity();
const alice = await identityToRecipient(identity);
const bob = await identityToRecipient(await generateX25519Identity());
const hybrid = await identityToRecipient(hybridIdentity);
let ed25519 = "";
let rsa = "";

beforeAll(() => {
  sshKeygen(keys.file("ed25519"), "-t", "ed25519");
  sshKeygen(keys.file("rsa"), "-t", "rsa", "-b", "2048");
  ed25519 = readFileSync(keys.file("ed25519.pub"), "utf8").trim();
  rsa = readFileSync(keys.file("rsa.pub"), "utf8").trim();
});

/** What `ssh-keygen -l` prints. */
function printedFingerprint(name: string): string {
  return run("ssh-keygen", ["-l", "-f", keys.file(`${name}.pub`)])
    .toString()
    .split(" ")[1]!;
}

function fingerprints(text: string, parse = parseRecipients): string[] {
  return parse(text, "ENCRYPT_RECIPIENTS").map(({ fingerprint }) => fingerprint);
}

/** The 32 bytes of a public key that is good. */
function ed25519Point(): Buffer {
  return Buffer.from(ed25519.split(" ")[1]!, "base64").subarray(-32);
}

/** BIP 173, without its limit of 90 characters. */
function bech32(prefix: string, bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const words = (bits.match(/.{1,5}/g) ?? []).map((word) => Number.parseInt(word.padEnd(5, "0"), 2));
  const codes = [...Buffer.from(prefix)];
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  const sum = [...expanded, ...words, 0, 0, 0, 0, 0, 0].reduce((state, word) => {
    const shifted = ((state & 0x1ffffff) << 5) ^ word;
    return generators.reduce(
      (next, generator, bit) => (((state >> 25) >> bit) & 1 ? next ^ generator : next),
      shifted,
    );
  }, 1);
  const checksum = [25, 20, 15, 10, 5, 0].map((shift) => ((sum ^ 1) >> shift) & 31);
  const alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  return `${prefix}1${[...words, ...checksum].map((word) => alphabet[word]).join("")}`;
}

function refusal(work: () => unknown): BackupError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(BackupError);
    expect(error).toMatchObject({ operation: "configuration" });
    return error as BackupError;
  }
  throw new Error("was not refused");
}

const refuseEntry = (text: string) => refusal(() => parseRecipients(text, "ENCRYPT_RECIPIENTS"));
const refuseFile = (text: string) =>
  refusal(() => parseRecipientsFile(text, "ENCRYPT_RECIPIENTS_FILE (/run/r)"));

/** A line of a .pub file with these fields after the type. */
function sshLine(type: string, ...fields: Uint8Array[]): string {
  return `${type} ${encodeStrings(type, ...fields).toString("base64")} mallory@example.org`;
}

describe("fingerprints", () => {
  test("of x25519 are the recipient", () => {
    expect(parseRecipients(alice, "X")).toEqual([{ recipient: alice, kind: "x25519", fingerprint: alice }]);
  });

  test("of hybrid are short, and anyone can compute them", () => {
    const sum = run("sha256sum", [], { input: hybrid }).toString().slice(0, 32);
    expect(parseRecipients(hybrid, "X")).toEqual([
      { recipient: hybrid, kind: "hybrid", fingerprint: `age1pq1…${sum}` },
    ]);
  });

  test("of tags for hardware tokens are the recipient, and short if it is hybrid", async () => {
    // The recipient of age-plugin-tagtest, the test plugin in age 1.3.
    const tag = "age1tag1qwe0kafsjrar4txm6heqnhpfuggzr0gvznz7fvygxrlq90u5mq2pysxtw6h";
    const [named] = parseRecipients(tag, "X");
    expect(named).toEqual({ recipient: tag, kind: "tag", fingerprint: tag });
    const { header } = await createHeader([named!.recipient]);
    expect(header.toString()).toContain("\n-> p256tag ");
    expect(parseRecipients(bech32("age1tagpq", Buffer.alloc(1249, 7)), "X")).toMatchObject([
      { kind: "hybrid-tag", fingerprint: expect.stringMatching(/^age1tagpq1…[0-9a-f]{32}$/) },
    ]);
  });

  test("of ssh keys are what ssh-keygen prints", () => {
    expect(fingerprints(`${ed25519}\n${rsa}`)).toEqual([
      printedFingerprint("ed25519"),
      printedFingerprint("rsa"),
    ]);
    expect(parseRecipients(`${ed25519}\n${rsa}`, "X").map(({ kind }) => kind)).toEqual([
      "ssh-ed25519",
      "ssh-rsa",
    ]);
  });

  test("of a passphrase do not show it", () => {
    expect(passphraseRecipient("correct horse")).toMatchObject({
      kind: "passphrase",
      fingerprint: "passphrase",
    });
    expect(JSON.stringify(passphraseRecipient("correct horse"))).not.toContain("correct");
  });
});

describe("a setting", () => {
  test.each([" ", "\n", "\t", ",", ", ", " ,\n\n , ", "\r\n"])("has %j between recipients", (separator) => {
    expect(fingerprints(`${alice}${separator}${bob}`)).toEqual([alice, bob]);
  });

  test("has white space and commas around recipients", () => {
    expect(fingerprints(`\n , ${alice},\n`)).toEqual([alice]);
  });

  test.each([
    ["with a comment and a comma", () => `${ed25519}, ${alice}`],
    ["with a comment and a new line", () => `${ed25519}\n${alice}`],
    ["with a comment of several words", () => `${ed25519} her laptop (2026)\n${alice}`],
    ["with a comment and the next recipient on the same line", () => `${ed25519} ${alice}`],
    ["without a comment", () => `${withoutComment(ed25519)} ${alice}`],
    ["without a comment, and a comma", () => `${withoutComment(ed25519)},${alice}`],
    ["with a new line after its type, as YAML may fold it", () => `${ed25519.replace(" ", "\n")}\n${alice}`],
  ])("has an ssh key %s", (_name, text) => {
    expect(fingerprints(text())).toEqual([printedFingerprint("ed25519"), alice]);
  });

  test("has two ssh keys on one line", () => {
    const both = [printedFingerprint("ed25519"), printedFingerprint("rsa")];
    expect(fingerprints(`${ed25519} ${rsa}`)).toEqual(both);
    expect(fingerprints(`${withoutComment(ed25519)} ${withoutComment(rsa)}`)).toEqual(both);
  });

  test("has lines that are comments", () => {
    expect(fingerprints(`# alice, and bob\n${alice}\n  # ${bob}\n`)).toEqual([alice]);
  });

  test("that names a recipient twice names it once", () => {
    expect(fingerprints(`${alice} ${bob} ${alice}`)).toEqual([alice, bob]);
    expect(fingerprints(`${ed25519}, ${withoutComment(ed25519)}`)).toHaveLength(1);
  });

  function withoutComment(line: string): string {
    return line.split(" ").slice(0, 2).join(" ");
  }
});

describe("a file", () => {
  test("has one recipient a line, blank lines and comments", () => {
    const text = `# who may read\n\n${alice}\n   \n${ed25519}\n#${bob}\n${rsa}`;
    expect(fingerprints(text, parseRecipientsFile)).toEqual([
      alice,
      printedFingerprint("ed25519"),
      printedFingerprint("rsa"),
    ]);
  });

  test("may come from Windows", () => {
    const text = `\uFEFF# who may read\r\n${alice}\r\n\r\n${ed25519}\r\n`;
    expect(fingerprints(text, parseRecipientsFile)).toEqual([alice, printedFingerprint("ed25519")]);
  });

  test("that names a recipient twice names it once", () => {
    expect(fingerprints(`${alice}\n${alice}\n`, parseRecipientsFile)).toEqual([alice]);
  });

  test.each([bob, "# alice"])("with %s behind a recipient is refused", (rest) => {
    const error = refuseFile(`${alice} ${rest}`);
    expect(error.message).toBe(
      "ENCRYPT_RECIPIENTS_FILE (/run/r): line 1: something follows the age recipient",
    );
    expect(error.hint).toBe("write one on a line, and comments on lines of their own");
  });
});

describe("no recipient is refused and does not mean no encryption", () => {
  test.each(["", " ", "\n", ",", "# nobody\n", " , ,\n"])("in the setting %j", (text) => {
    const error = refuseEntry(text);
    expect(error.message).toBe("ENCRYPT_RECIPIENTS: there is no recipient in it");
    expect(error.hint).toBe(
      "write an age recipient (age1...) or an ssh public key, or unset it to back up without encryption",
    );
  });

  test.each(["", "\n\n", "# nobody\n", "\uFEFF", "\r\n"])("in the file %j", (text) => {
    expect(refuseFile(text).message).toBe("ENCRYPT_RECIPIENTS_FILE (/run/r): there is no recipient in it");
  });
});

describe("a private key is refused by name, and not repeated:", () => {
  const pem = (type: "pkcs1" | "pkcs8") =>
    generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "pem", type });
  const ageKeygen = "give the public half: `age-keygen -y FILE` prints it";
  const pubFile = "give the public half: the .pub file beside it";
  const sshKeygenHint = "give the public half: `ssh-keygen -y -f FILE` prints it";

  test.each([
    ["x25519", () => identity, "an age private key (AGE-SECRET-KEY-1...)", ageKeygen],
    [
      "x25519 in lower case",
      () => identity.toLowerCase(),
      "an age private key (AGE-SECRET-KEY-1...)",
      ageKeygen,
    ],
    ["x25519, damaged", () => identity.slice(0, -3), "an age private key (AGE-SECRET-KEY-1...)", ageKeygen],
    ["hybrid", () => hybridIdentity, "a hybrid age private key (AGE-SECRET-KEY-PQ-1...)", ageKeygen],
    [
      "plugin",
      () => "AGE-PLUGIN-YUBIKEY-1QQQQQQ",
      "the identity of an age plugin (AGE-PLUGIN-...)",
      undefined,
    ],
    ["OpenSSH", () => readFileSync(keys.file("ed25519"), "utf8"), "an OpenSSH private key", pubFile],
    ["PEM", () => pem("pkcs1"), "a PEM private key", sshKeygenHint],
    ["PKCS #8", () => pem("pkcs8"), "a PEM private key", sshKeygenHint],
  ])("%s", (_name, key, name, hint) => {
    const secret = key();
    const cases = [
      [refuseEntry(secret), `ENCRYPT_RECIPIENTS: entry 1: this is ${name}, not a recipient`],
      [refuseEntry(`${alice}\n${secret}`), `ENCRYPT_RECIPIENTS: entry 2: this is ${name}, not a recipient`],
      [
        refuseEntry(`${alice}\n${secret.replaceAll("\n", "\\n")}`),
        `ENCRYPT_RECIPIENTS: entry 2: this is ${name}, not a recipient`,
      ],
      [
        refuseFile(`# key\n${alice}\n${secret}`),
        `ENCRYPT_RECIPIENTS_FILE (/run/r): line 3: this is ${name}, not a recipient`,
      ],
    ] as const;
    for (const [error, message] of cases) {
      expect(error.message).toBe(message);
      expect(error.hint).toBe(hint ?? "plugins are not supported");
    }
  });

  test("behind an ssh key, where a comment would be", () => {
    expect(refuseEntry(`${ed25519} ${identity}`).message).toBe(
      "ENCRYPT_RECIPIENTS: entry 2: this is an age private key (AGE-SECRET-KEY-1...), not a recipient",
    );
  });

  test("in a file that age-keygen wrote", () => {
    run("age-keygen", ["-o", keys.file("age")]);
    expect(refuseFile(readFileSync(keys.file("age"), "utf8")).message).toBe(
      "ENCRYPT_RECIPIENTS_FILE (/run/r): line 3: this is an age private key (AGE-SECRET-KEY-1...), not a recipient",
    );
  });

  test("in the line after a PEM block the number is right", () => {
    const openSsh = readFileSync(keys.file("ed25519"), "utf8").trim();
    const lines = openSsh.split("\n").length;
    expect(refuseFile(`\n${openSsh}\n${identity}\n`).message).toMatch(
      new RegExp(`: line 2: this is an OpenSSH .*; line ${lines + 2}: this is an age private key`),
    );
  });
});

describe("what cannot be encrypted to is refused:", () => {
  const useOther = "use an ssh-ed25519 or ssh-rsa key, or an age recipient (age1...)";
  const copyLine = "copy the line again from the .pub file, whole";
  const copyAge = "copy it again, whole, from what age-keygen printed";
  const plugin = "use a recipient that age-keygen prints, or an ssh public key";
  const publicFile = (name: string, ...options: string[]) => {
    sshKeygen(keys.file(name), ...options);
    return readFileSync(keys.file(`${name}.pub`), "utf8").trim();
  };

  test.each([
    [
      "an ecdsa key",
      () => publicFile("ecdsa", "-t", "ecdsa"),
      "an ecdsa ssh key cannot be encrypted to",
      useOther,
    ],
    [
      "a key on a security token",
      () => sshLine("sk-ssh-ed25519@openssh.com", Buffer.alloc(32)),
      "an ssh key on a security token (sk-...) cannot be encrypted to",
      useOther,
    ],
    [
      "an ssh certificate",
      () => sshLine("ssh-ed25519-cert-v01@openssh.com", Buffer.alloc(32)),
      "an ssh key of this type cannot be encrypted to",
      useOther,
    ],
    [
      "a dsa key",
      () => sshLine("ssh-dss", Buffer.alloc(32)),
      "an ssh key of this type cannot be encrypted to",
      useOther,
    ],
    [
      "rsa of 2047 bits",
      () => sshLine("ssh-rsa", Buffer.of(1, 0, 1), Buffer.concat([Buffer.of(0x7f), Buffer.alloc(255, 0xff)])),
      "the ssh-rsa key has 2047 bits, which is too weak",
      `${useOther}; rsa from 2048 bits`,
    ],
    [
      "rsa of 1024 bits",
      () => publicFile("weak", "-t", "rsa", "-b", "1024"),
      "the ssh-rsa key has 1024 bits, which is too weak",
      `${useOther}; rsa from 2048 bits`,
    ],
    [
      "rsa with exponent 1",
      () => sshLine("ssh-rsa", Buffer.of(1), Buffer.concat([Buffer.of(0), Buffer.alloc(256, 0xff)])),
      "malformed ssh-rsa key",
      copyLine,
    ],
    [
      "rsa with an even exponent",
      () => sshLine("ssh-rsa", Buffer.of(4), Buffer.concat([Buffer.of(0), Buffer.alloc(256, 0xff)])),
      "malformed ssh-rsa key",
      copyLine,
    ],
    [
      "rsa with a field too many",
      () => sshLine("ssh-rsa", Buffer.of(3), Buffer.of(3), Buffer.of(3)),
      "malformed ssh-rsa key",
      copyLine,
    ],
    [
      "ed25519 of 31 bytes",
      () => sshLine("ssh-ed25519", Buffer.alloc(31, 1)),
      "malformed ssh-ed25519 key",
      copyLine,
    ],
    [
      "ed25519 that is no point",
      () => sshLine("ssh-ed25519", Buffer.alloc(32, 2)),
      "malformed ssh-ed25519 key",
      copyLine,
    ],
    [
      "ed25519 of small order",
      () => sshLine("ssh-ed25519", Buffer.alloc(32, 0)),
      "malformed ssh-ed25519 key",
      copyLine,
    ],
    ["an ssh key without its base64", () => "ssh-ed25519", "malformed ssh-ed25519 key", copyLine],
    ["an ssh key that is cut short", () => ed25519.slice(0, 60), "malformed ssh-ed25519 key", copyLine],
    [
      "an ssh key of which a letter is lost",
      () => ed25519.replace("AAAA", "AAA"),
      "malformed ssh-ed25519 key",
      copyLine,
    ],
    [
      "an ssh key that calls itself another type within",
      () => `ssh-ed25519 ${encodeStrings("ssh-dss", ed25519Point()).toString("base64")}`,
      "malformed ssh-ed25519 key",
      copyLine,
    ],
    [
      "an ssh key under the name of another type",
      () => rsa.replace("ssh-rsa", "ssh-ed25519"),
      "malformed ssh-ed25519 key",
      copyLine,
    ],
    [
      "a mistyped age recipient",
      () => alice.replace(/.$/, (c) => (c === "q" ? "p" : "q")),
      "malformed age recipient",
      copyAge,
    ],
    ["an age recipient that is cut short", () => alice.slice(0, 30), "malformed age recipient", copyAge],
    ["an age recipient in mixed case", () => `${alice.slice(0, -1)}Q`, "malformed age recipient", copyAge],
    ["a hybrid recipient that is cut short", () => hybrid.slice(0, 1000), "malformed age recipient", copyAge],
    [
      "the recipient of a plugin",
      () => "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
      "malformed age recipient, or one of a plugin, which is not supported",
      plugin,
    ],
  ])("%s", (_name, line, message, hint) => {
    const text = line();
    expect(refuseFile(text).message).toBe(`ENCRYPT_RECIPIENTS_FILE (/run/r): line 1: ${message}`);
    expect(refuseFile(text).hint).toBe(hint);
    expect(refuseEntry(`${alice} ${text}`).message).toBe(`ENCRYPT_RECIPIENTS: entry 2: ${message}`);
  });

  test.each(["hunter2", "AGE1ABC", "alice@example.org", "age-secret-key1abc", "/run/secrets/recipients"])(
    "the word %s, which is not repeated",
    (word) => {
      const error = refuseEntry(`${alice} ${word}`);
      expect(error.message).toBe("ENCRYPT_RECIPIENTS: entry 2: not a recipient");
      expect(error.hint).toBe(
        "write an age recipient (age1...) or an ssh public key (ssh-ed25519 AAAA..., ssh-rsa AAAA...)",
      );
    },
  );

  test("base64 without the type before it", () => {
    expect(refuseEntry(`${ed25519} ${rsa.split(" ")[1]}`).message).toBe(
      "ENCRYPT_RECIPIENTS: entry 2: not a recipient",
    );
  });

  test("all problems together, each with its place", () => {
    const error = refuseEntry(`hunter2 ${alice} ${identity}`);
    expect(error.message).toBe(
      "ENCRYPT_RECIPIENTS: entry 1: not a recipient; " +
        "entry 3: this is an age private key (AGE-SECRET-KEY-1...), not a recipient",
    );
    expect(error.hint).toMatch(/^write an age recipient .*; give the public half: /);
  });

  test("a wrong file, of which the first five problems are listed, and the hint once", () => {
    const error = refuseFile("x\n".repeat(1000));
    expect(error.hint).toMatch(/^write an age recipient [^;]*$/);
    expect(error.message).toBe(
      `ENCRYPT_RECIPIENTS_FILE (/run/r): ${[1, 2, 3, 4, 5].map((n) => `line ${n}: not a recipient`).join("; ")}; and 995 more`,
    );
  });
});

test("a passphrase is wrapped with the work factor of age", async () => {
  const { recipient } = passphraseRecipient("correct horse");
  if (typeof recipient === "string") throw new Error("a passphrase has no string");
  const [stanza] = await recipient.wrapFileKey(new Uint8Array(16));
  expect(stanza!.args).toEqual(["scrypt", expect.stringMatching(/^[A-Za-z0-9+/]{22}$/), "18"]);
}, 60_000);

describe("a passphrase is refused", () => {
  test("that is empty", () => {
    expect(refusal(() => passphraseRecipient(""))).toMatchObject({
      message: "the passphrase is empty",
      hint: "write at least 4 or 5 random words",
    });
  });

  test.each(["correct\nhorse", "correct horse\n", "correct horse\r"])(
    "with a line break: %j",
    (passphrase) => {
      const error = refusal(() => passphraseRecipient(passphrase));
      expect(error.message).toBe("the passphrase has more than one line");
      expect(error.hint).toBe("write it on one line, age and rage ask for no more");
    },
  );
});
