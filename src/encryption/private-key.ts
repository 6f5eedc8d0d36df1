import { refuse } from "./refusal.ts";

const publicHalf = "give the public half: `age-keygen -y FILE` prints it";
/** What a private key starts with, what it is called, and how to come by its public half. */
const privateKeys = [
  [/^AGE-SECRET-KEY-PQ-1/i, "a hybrid age private key (AGE-SECRET-KEY-PQ-1...)", publicHalf],
  [/^AGE-SECRET-KEY-/i, "an age private key (AGE-SECRET-KEY-1...)", publicHalf],
  [/^AGE-PLUGIN-/i, "the identity of an age plugin (AGE-PLUGIN-...)", "plugins are not supported"],
  [
    /^-----BEGIN OPENSSH PRIVATE KEY/,
    "an OpenSSH private key",
    "give the public half: the .pub file beside it",
  ],
  [
    /^-----BEGIN [A-Z ]*PRIVATE KEY/,
    "a PEM private key",
    "give the public half: `ssh-keygen -y -f FILE` prints it",
  ],
] as const;

/** Refuses a private key where a recipient belongs, by its name and without repeating any of it. */
export function refusePrivateKey(text: string): void {
  for (const [start, name, hint] of privateKeys) {
    if (start.test(text)) refuse(`this is ${name}, not a recipient`, hint);
  }
}
