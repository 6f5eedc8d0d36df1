import { BackupError } from "./errors.ts";
import { looksLike } from "./spelling.ts";

/** The commands, and the options that each has. */
const commandOptions = { backup: [], check: ["--json"] } as const;

export type CommandName = keyof typeof commandOptions;

/** What is to be done. */
export type CommandLine =
  | { readonly command: "help" }
  | { readonly command: "version" }
  | {
      readonly command: CommandName;
      readonly json: boolean;
      /** For the dump program, unchanged. */
      readonly dumpArguments: readonly string[];
    };

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
    return { command: "backup", json: false, dumpArguments: first === "--" ? rest : words };
  const command = names.find((name) => name === first);
  if (command === undefined) throw unknownCommand(first);
  const separator = rest.indexOf("--");
  const own = separator < 0 ? rest : rest.slice(0, separator);
  const options: readonly string[] = commandOptions[command];
  const unknown = own.find((word) => !options.includes(word));
  if (unknown !== undefined)
    throw new BackupError("configuration", `${command} has no option ${unknown}`, {
      hint: `options for the dump program go after --, as in \`rcdump ${command} -- ${unknown}\``,
    });
  return {
    command,
    json: own.includes("--json"),
    dumpArguments: separator < 0 ? [] : rest.slice(separator + 1),
  };
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
