import { BackupError } from "../errors.ts";

/** What must be known of a program's options to find the ones that matter here among all others. */
export interface OptionSyntax {
  /** Short options that take a value, and their long names. */
  readonly shortWithValue: Readonly<Record<string, string>>;
  /** Long names of other short options that matter. */
  readonly short?: Readonly<Record<string, string>>;
  /** Long options that take a value, also as a word of its own. */
  readonly longWithValue: readonly string[];
}

/** One option of a command line: its long name if it is known, and the words it was written with. */
export interface Option {
  readonly name: string;
  readonly value: string | undefined;
  readonly words: readonly string[];
}

/** Reads a command line as getopt_long does. Words that are no options have the name "". */
export function readOptions(words: readonly string[], syntax: OptionSyntax): Option[] {
  const options: Option[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word.startsWith("--")) options.push(readLong(word, rest, syntax));
    else if (word.startsWith("-") && word !== "-") options.push(...readShort(word, rest, syntax));
    else options.push({ name: "", value: word, words: [word] });
  }
  return options;
}

function readLong(word: string, rest: string[], syntax: OptionSyntax): Option {
  const equals = word.indexOf("=");
  if (equals > 0)
    return { name: normal(word.slice(2, equals)), value: word.slice(equals + 1), words: [word] };
  const name = normal(word.slice(2));
  if (!syntax.longWithValue.includes(name)) return { name, value: undefined, words: [word] };
  const value = rest.shift();
  return { name, value, words: value === undefined ? [word] : [word, value] };
}

/** A cluster such as `-Oxh host` is taken apart. */
function readShort(word: string, rest: string[], syntax: OptionSyntax): Option[] {
  const options: Option[] = [];
  for (let index = 1; index < word.length; index++) {
    const letter = word[index] ?? "";
    const name = syntax.shortWithValue[letter];
    if (name === undefined) {
      options.push({ name: syntax.short?.[letter] ?? letter, value: undefined, words: [`-${letter}`] });
      continue;
    }
    const value = index + 1 < word.length ? word.slice(index + 1) : rest.shift();
    options.push({ name, value, words: value === undefined ? [`-${letter}`] : [`-${letter}`, value] });
    break;
  }
  return options;
}

/** MariaDB's programs take underscores for hyphens. */
function normal(name: string): string {
  return name.replaceAll("_", "-");
}

/** Why an option cannot be passed on, by its long name. */
export type Refusals = Readonly<Record<string, string>>;

/** @throws BackupError `configuration` that lists each option that cannot be passed to the dump program, and why */
export function refuse(options: readonly Option[], refusals: Refusals, program: string): void {
  const problems = options.flatMap(({ name }) =>
    Object.hasOwn(refusals, name) ? [`${nameOf(name)} ${refusals[name]}`] : [],
  );
  if (problems.length === 0) return;
  throw new BackupError(
    "configuration",
    [`arguments that ${program} cannot be given here`, ...problems].join("\n  - "),
  );
}

function nameOf(name: string): string {
  return name === "" ? "a word that is no option" : `--${name}`;
}
