// Prints what CHANGELOG.md says of the version that a tag is of, and fails if that is not package.json's.
import { readFileSync } from "node:fs";

const [, , tag] = process.argv;
const { version } = JSON.parse(readFileSync("package.json", "utf8"));
if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, but the version in package.json is ${version}`);

// A section is headed `## 1.2.3`, with anything behind it, such as its date.
const sections = readFileSync("CHANGELOG.md", "utf8").split(/^## /m).slice(1);
const section = sections.find((text) => text.split(/\s/, 1)[0] === version);
const notes = section?.replace(/^.*\n/, "").trim();
if (!notes) throw new Error(`CHANGELOG.md has no section ## ${version}, or nothing in it`);
console.log(notes);
