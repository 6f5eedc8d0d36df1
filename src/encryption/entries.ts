import type { Entry } from "./refusal.ts";

/** How a word starts that is a recipient, the type of one, or a private key. */
const keyStart = "age1|AGE-|ssh-|ecdsa-|sk-|-----BEGIN";
/** A private key in PEM, even cut off, or with its line breaks lost. */
const pemBlock = "-----BEGIN[^]*?(?:-----END[^\\n]*?-----[^\\s,]*|$)";
// The comment of an ssh key ends before a word that starts like a key, so that no recipient is taken for one.
const comment = `(?:[ \\t]+(?!${keyStart}|AAAA)[^\\s,]+)*`;
const sshKey = `(?:ssh-|ecdsa-|sk-)[^\\s,]*(?:\\s+(?!${keyStart})[^\\s,]+${comment})?`;
const entry = new RegExp(`${pemBlock}|${sshKey}|[^\\s,]+`, "giu");
const fileLine = new RegExp(`[ \\t\\uFEFF]*${pemBlock}|[^\\n]+`, "gu");

/**
 * The keys in a text that has white space or commas between them. An ssh key takes the base64 word after its
 * type, and a comment till a comma, the end of the line, or the next key. Lines that start with # are comments.
 */
export function splitEntries(text: string): Entry[] {
  const keys = text.replace(/^[ \t]*#.*$/gm, "").match(entry) ?? [];
  return keys.map((key, index) => ({ place: `entry ${index + 1}`, text: key }));
}

/**
 * The keys in a file of one per line, as age has it for recipients and identities: blank lines and lines that
 * start with # are comments. A PEM block is one key, and stands in the line it begins in.
 */
export function splitLines(text: string): Entry[] {
  const entries: Entry[] = [];
  let line = 1;
  let end = 0;
  for (const { 0: content, index } of text.matchAll(fileLine)) {
    line += text.slice(end, index).split("\n").length - 1;
    end = index;
    const key = content.trim();
    if (key !== "" && !key.startsWith("#")) entries.push({ place: `line ${line}`, text: key });
  }
  return entries;
}
