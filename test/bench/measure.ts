import { execa } from "execa";
import { readFile, rm } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Peak, watchMemory } from "../fixtures/memory.ts";

/** What one run of a command took, in seconds. */
export interface Run {
  readonly wall: number;
  /** Of all its processes; servers are none of them. */
  readonly user: number;
  readonly system: number;
  /** Of user and system together: that of Node, if it was one of the processes. */
  readonly node?: number;
}

interface Options {
  readonly env: Readonly<Record<string, string>>;
  /** A folder for what is measured. */
  readonly folder: string;
  readonly oneCore?: boolean;
}

/**
 * Runs a command of bash, which sums up the times of all processes that it has waited for, and those that they have waited for.
 * @throws Error with what it wrote to stderr if it fails
 */
export async function run(command: string, options: Options): Promise<Run> {
  return (await start(command, options)).result;
}

/**
 * Runs it as {@link run} does and looks at its memory, which takes time from it. What processes share is counted for each: the kernel
 * would divide it among all that have it, and this benchmark is Node, too.
 */
export async function runWatched(command: string, options: Options): Promise<{ run: Run; memory: Peak }> {
  const { pid, result } = await start(command, options);
  const end = watchMemory(pid);
  try {
    return { run: await result, memory: end() };
  } finally {
    end();
  }
}

async function start(
  command: string,
  { env, folder, oneCore = false }: Options,
): Promise<{ pid: number; result: Promise<Run> }> {
  const times = join(folder, "times");
  const log = join(folder, "log");
  const nodeTimes = join(folder, "node-times");
  await rm(nodeTimes, { force: true });
  // The redirections keep apart what bash says of the times and what the command says.
  const script = `set -o pipefail; TIMEFORMAT='%R %U %S'; { time { ${command}\n} 2>"$LOG"; } 2>"$TIMES"`;
  // Once started, taskset is bash itself.
  const cores = oneCore ? "0" : `0-${cpus().length - 1}`;
  const child = execa("taskset", ["--cpu-list", cores, "bash", "-c", script], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: folder,
      TMPDIR: folder,
      LOG: log,
      TIMES: times,
      NODE_TIMES: nodeTimes,
      NODE_OPTIONS: `--require=${join(import.meta.dirname, "node-times.cjs")}`,
      ...env,
    },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    stdout: "ignore",
    cwd: folder,
    cleanup: true,
  });
  const result = child.then(async ({ exitCode }): Promise<Run> => {
    if (exitCode !== 0)
      throw new Error(`exit ${exitCode} of ${command}\n${(await readFile(log, "utf8")).slice(-2000)}`);
    const [wall = NaN, user = NaN, system = NaN] = (await readFile(times, "utf8"))
      .trim()
      .split(" ")
      .map(Number);
    const node = await readFile(nodeTimes, "utf8").catch(() => undefined);
    return { wall, user, system, ...(node !== undefined && { node: Number(node) }) };
  });
  return { pid: child.pid ?? 0, result };
}
