/**
 * Before the container tests: an engine, the images of this checkout, the image of the tests' stores. After them what the
 * tests left behind is removed, and the engine is stopped if it was started here.
 */
import { execa } from "execa";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { removeAll } from "./fixtures/engine.ts";

const top = resolve(import.meta.dirname, "../..");
const log = join(top, ".tools/images.log");

export default async function setup(): Promise<() => Promise<void>> {
  mkdirSync(join(top, ".tools"), { recursive: true });
  writeFileSync(log, "");
  const wasThere = await engineAnswers();
  takeOver(await logged("bash", "-c", 'exports=$(test/images/engine) && eval "$exports" && env -0'));

  const name = `rcdump-test-${process.pid}`;
  // Where Ryuk can be had the tests do not need it either: each removes what it makes, and this what they could not.
  Object.assign(process.env, { RCDUMP_TEST_RUN: name, TESTCONTAINERS_RYUK_DISABLED: "true" });
  if (process.env["DOCKER_HOST"]?.startsWith("unix:"))
    process.env["TESTCONTAINERS_HOST_OVERRIDE"] = "localhost";

  say("the images");
  await logged("docker", "buildx", "bake", "--progress=plain");
  say("the stores of the container tests, and MySQL");
  const build = ["buildx", "build", "--progress=plain", "--load", "--build-context", "setup=test/setup"];
  for (const image of ["stores", "mysql"])
    await logged("docker", ...build, "-t", `rcdump-test-${image}`, `test/images/${image}`);

  return async () => {
    await removeAll(name);
    if (!wasThere) await logged("test/images/engine", "stop");
  };
}

/** Whether there is an engine before this run starts one. */
async function engineAnswers(): Promise<boolean> {
  const script = ". test/setup/common.sh && . test/images/docker.sh && docker_works";
  return (await execa("bash", ["-c", script], { cwd: top, reject: false, stdio: "ignore" })).exitCode === 0;
}

/** Sets the variables of a listing by `env -0`. */
function takeOver(listing: string): void {
  for (const entry of listing.split("\0")) {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(entry) ?? [];
    if (name !== undefined && !["_", "PWD", "OLDPWD", "SHLVL"].includes(name)) process.env[name] = value;
  }
}

/** Runs a command with its output in the log; a failure shows the end of that. Resolves to what it wrote to stdout. */
async function logged(command: string, ...args: readonly string[]): Promise<string> {
  appendFileSync(log, `\n$ ${[command, ...args].join(" ")}\n`);
  // What the scripts say of their progress is for people.
  const stderr = command === "docker" ? (["pipe"] as const) : (["pipe", "inherit"] as const);
  const {
    stdout,
    stderr: said,
    exitCode,
  } = await execa(command, args, {
    cwd: top,
    stdin: "ignore",
    stderr,
    reject: false,
  });
  appendFileSync(log, `${said}\n`);
  if (exitCode === 0) return stdout;
  const end = said.split("\n").slice(-30).join("\n");
  throw new Error(`${command} ${args[0] ?? ""} failed (all of its output: ${log})\n${end}`);
}

function say(what: string): void {
  process.stderr.write(`setup: ${what}\n`);
}
