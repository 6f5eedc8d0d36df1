import pino, { type Logger } from "pino";

export type { Logger };

/**
 * The program's log: a line for a person on a terminal, JSON with ISO times otherwise.
 * @param write takes finished text, synchronously, so that nothing is lost at exit
 */
export function createLogger(write: (text: string) => void, { terminal }: { terminal: boolean }): Logger {
  const destination = { write: (line: string) => write(terminal ? forPerson(line) : line) };
  return pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

const marks: Record<string, string> = {
  info: "",
  warn: "\u001b[33mwarning:\u001b[0m ",
  error: "\u001b[31merror:\u001b[0m ",
};

/** The message, and below it what to do. */
function forPerson(line: string): string {
  const { level, msg, hint } = JSON.parse(line) as { level: string; msg: string; hint?: string };
  return `${marks[level] ?? ""}${msg}\n${hint === undefined ? "" : `  hint: ${hint}\n`}`;
}
