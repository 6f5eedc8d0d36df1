import { type ParseArgsConfig, parseArgs } from "node:util";
import { BackupError } from "./errors.ts";
import { looksLike } from "./spelling.ts";

const flag = { type: "boolean" } as const;
const value = { type: "string" } as const;

/** Which backups a command is about. */
const which = { database: value, server: value } as const;

/** The commands, and the options that each has. */
const commandOptions = {
  backup: {},
  check: { json: flag },
  list: { ...which, since: value, limit: value, all: flag, json: flag },
  verify: { ...which, file: value, since: value, all: flag, deep: flag, restore: flag, json: flag },
  restore: {
    ...which,
    at: value,
    file: value,
    unverified: flag,
    to: value,
    create: flag,
    swap: flag,
    force: flag,
    "no-verify": flag,
    yes: flag,
  },
  prune: { ...which, "dry-run": flag, incomplete: flag, json: flag },
  status: { ...which, "max-age": value, json: flag, openmetrics: flag },
} as const satisfies Record<string, NonNullable<ParseArgsConfig["options"]>>;

export type CommandName = keyof typeof commandOptions;

/** The options given to a command; one that was not given is not there. */
export type OptionsOf<Name extends CommandName> = {
  readonly [option in keyof (typeof commandOptions)[Name]]?:
    | ((typeof commandOptions)[Name][option] extends typeof flag ? boolean : string)
    | undefined;
};

type Invocation = {
  [Name in CommandName]: {
    readonly command: Name;
    readonly options: OptionsOf<Name>;
    /** For the database's own programs, unchanged. */
    readonly programArguments: readonly string[];
  };
}[CommandName];

/** What is to be done. */
export type CommandLine =
  | { readonly command: "help"; readonly about?: CommandName }
  | { readonly command: "version" }
  | Invocation;

const names = Object.keys(commandOptions) as CommandName[];

/**
 * Reads the arguments. Without a command word all of them are the dump program's, as the predecessor has it; after one,
 * those behind `--` are.
 * @throws BackupError `configuration`
 */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const [first, ...rest] = words;
  if (words.length === 1 && (first === "--help" || first === "help")) return { command: "help" };
  if (words.length === 1 && (first === "--version" || first === "version")) return { command: "version" };
  if (first === undefined || first.startsWith("-"))
    return { command: "backup", options: {}, programArguments: first === "--" ? rest : words };
  const command = names.find((name) => name === first);
  if (command === undefined) throw unknownCommand(first);
  const separator = rest.indexOf("--");
  const own = separator < 0 ? rest : rest.slice(0, separator);
  if (own.includes("--help")) return { command: "help", about: command };
  return {
    command,
    options: parseOptions(command, own),
    programArguments: separator < 0 ? [] : rest.slice(separator + 1),
  };
}

function parseOptions(command: CommandName, args: string[]): Record<string, unknown> {
  const options: NonNullable<ParseArgsConfig["options"]> = commandOptions[command];
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const given: Record<string, unknown> = {};
  for (const token of tokens) {
    if (token.kind !== "option") throw strayWord(command, token.kind === "positional" ? token.value : "--");
    const { name, rawName } = token;
    const type = options[name]?.type;
    if (type === undefined) throw unknownOption(command, name, token);
    if (Object.hasOwn(given, name)) throw misused(`${rawName} is given twice`, "give it once");
    if (type === "boolean" && token.value !== undefined)
      throw misused(`${rawName} takes no value`, `write ${rawName} alone, or leave it out`);
    const isOption = token.inlineValue === false && (token.value ?? "").startsWith("--");
    if (type === "string" && (isOption || (token.value ?? "") === ""))
      throw misused(`${rawName} has no value`, `write it behind, as in ${rawName}=VALUE`);
    given[name] = token.value ?? true;
  }
  return given;
}

function misused(message: string, hint: string): BackupError {
  return new BackupError("configuration", message, { hint });
}

function unknownOption(
  command: CommandName,
  name: string,
  { rawName, inlineValue }: { rawName: string; inlineValue: boolean | undefined },
): BackupError {
  const known = Object.keys(commandOptions[command]);
  const meant = known.find((option) => looksLike(name, option));
  // What somebody gave may be a password.
  const written = inlineValue === true ? `${rawName}=…` : rawName;
  const others = `options for the database's own programs go after --, as in \`rcdump ${command} -- ${written}\``;
  return misused(
    `${command} has no option ${rawName}`,
    meant === undefined
      ? `\`rcdump ${command} --help\` lists them; ${others}`
      : `did you mean --${meant}? ${others}`,
  );
}

function strayWord(command: CommandName, word: string): BackupError {
  const byName = "database" in commandOptions[command] ? "a database is named by --database" : undefined;
  return misused(
    `${command} does not know what to do with ${word}`,
    byName ?? "options for the dump program go after --",
  );
}

function unknownCommand(word: string): BackupError {
  const meant = names.find((name) => looksLike(word, name));
  return new BackupError("configuration", `there is no command ${word}`, {
    hint:
      meant === undefined
        ? `the commands are ${names.join(", ")}; databases are named in BACKUP_DATABASES`
        : `did you mean ${meant}?`,
  });
}
