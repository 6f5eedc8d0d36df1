import { execa } from "execa";
import { styleText } from "node:util";

/** A person's terminal with a bash in it, which shows what is typed and what comes of it. */
export interface Terminal {
  /** A heading, numbered. */
  step(title: string): void;
  say(line: string): void;
  /**
   * Shows a command and runs it. Several lines are run as one script.
   * @throws Error if it, or any part of a pipeline, exits other than 0
   */
  type(command: string, options?: { quiet?: boolean }): Promise<void>;
}

/** @param signal ends the command that is running, and all commands to come */
export function openTerminal(folder: string, env: Record<string, string>, signal: AbortSignal): Terminal {
  let steps = 0;
  return {
    step: (title) => {
      steps += 1;
      console.log(styleText("bold", `\n${steps}. ${title}`));
    },
    say: (line) => console.log(`  ${line}`),
    type: async (command, { quiet = false } = {}) => {
      for (const line of command.split("\n")) console.log(`  ${styleText("cyan", `$ ${line}`)}`);
      await runScript(command, { folder, env, signal, quiet });
    },
  };
}

async function runScript(
  command: string,
  at: { folder: string; env: Record<string, string>; signal: AbortSignal; quiet: boolean },
): Promise<void> {
  at.signal.throwIfAborted();
  const script = execa("bash", ["-eu", "-o", "pipefail", "-c", command], {
    cwd: at.folder,
    env: at.env,
    stdin: "ignore",
    stdout: at.quiet ? "ignore" : "inherit",
    stderr: "inherit",
    reject: false,
    // A process group of its own: an interruption is to reach every part of a pipeline, and once only.
    detached: true,
  });
  const interrupt = (): void => {
    if (script.pid !== undefined) process.kill(-script.pid, "SIGTERM");
  };
  at.signal.addEventListener("abort", interrupt);
  const result = await script;
  at.signal.removeEventListener("abort", interrupt);
  at.signal.throwIfAborted();
  if (result.failed) throw new Error(`exit code ${result.exitCode ?? result.signal} from: ${command}`);
}
