import { BackupError } from "../errors.ts";

/** What must be known of a program's options to find the ones that matter here among all others. */
export interface OptionSyntax {
  /** Short options that take a value, and their long names. */
  readonly shortWithValue: Readonly<Record<string, string>>;
  /** Long names of other short options that matter. */
  readonly short?: Readonly<Record<string, string>>;
  /** Long options that take a value, also as a word of its own. */
  readonly longWithValue: readonly string[];
  /** Other long options that matter. */
  readonly long: readonly string[];
}

/** One option of a command line. */
export interface Option {
  /** Its long name, in full if it is known. */
  readonly name: string;
  readonly value: string | undefined;
  /** Whether a value belongs to it that the command line ends without. */
  readonly incomplete: boolean;
  /** What it was written with. */
  readonly words: readonly string[];
}

/** Reads a command line as getopt_long does. Words that are no options have the name "". */
export function readOptions(words: readonly string[], syntax: OptionSyntax): Option[] {
  const options: Option[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word.startsWith("--")) options.push(readLong(word, rest, syntax));
    else if (word.startsWith("-") && word !== "-") options.push(...readShort(word, rest, syntax));
    else options.push({ name: "", value: word, incomplete: false, words: [word] });
  }
  return options;
}

function readLong(word: string, rest: string[], syntax: OptionSyntax): Option {
  const equals = word.indexOf("=");
  const name = fullName(equals < 0 ? word.slice(2) : word.slice(2, equals), syntax);
  if (equals >= 0) return { name, value: word.slice(equals + 1), incomplete: false, words: [word] };
  if (!syntax.longWithValue.includes(name))
    return { name, value: undefined, incomplete: false, words: [word] };
  return withValue(name, word, rest.shift());
}

/** Long options may be cut short as long as they are unambiguous; MariaDB's programs take underscores for hyphens. */
function fullName(written: string, { longWithValue, long }: OptionSyntax): string {
  const name = written.replaceAll("_", "-");
  const known = [...long, ...longWithValue];
  return known.includes(name) || name === "" ? name : (known.find((other) => other.startsWith(name)) ?? name);
}

/** A cluster such as `-Oxh host` is taken apart. */
function readShort(word: string, rest: string[], syntax: OptionSyntax): Option[] {
  const options: Option[] = [];
  for (let index = 1; index < word.length; index++) {
    const letter = word[index] ?? "";
    const name = syntax.shortWithValue[letter];
    if (name !== undefined) {
      const joined = word.slice(index + 1);
      options.push(withValue(name, `-${letter}`, joined === "" ? rest.shift() : joined));
      break;
    }
    const plain = syntax.short?.[letter] ?? letter;
    options.push({ name: plain, value: undefined, incomplete: false, words: [`-${letter}`] });
  }
  return options;
}

function withValue(name: string, word: string, value: string | undefined): Option {
  const incomplete = value === undefined;
  return { name, value, incomplete, words: incomplete ? [word] : [word, value] };
}

/** Why an option cannot be passed on, by its long name. */
export type Refusals = Readonly<Record<string, string>>;

/** @throws BackupError `configuration` that lists each option that cannot be passed to the dump program, and why */
export function refuse(options: readonly Option[], refusals: Refusals, program: string): void {
  const problems = options.flatMap(({ name, incomplete }) => {
    if (Object.hasOwn(refusals, name)) return [`${nameOf(name)} ${refusals[name]}`];
    // It would take the next word for its value, and that names the database.
    return incomplete ? [`${nameOf(name)} has no value; write it behind a =`] : [];
  });
  if (problems.length === 0) return;
  throw new BackupError(
    "configuration",
    [`arguments that ${program} cannot be given here`, ...problems].join("\n  - "),
  );
}

function nameOf(name: string): string {
  return name === "" ? "a word that is no option" : `--${name}`;
}
