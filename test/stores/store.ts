import { execa } from "execa";
import { symlinkSync } from "node:fs";
import { delimiter } from "node:path";
import { temporaryFolder } from "../fixtures/folder.ts";
import { locate } from "../fixtures/programs.ts";
import { kinds, type Kind, type StoreName } from "./kinds.ts";

export { storeNames, type StoreName } from "./kinds.ts";

/** A store of a test's own, of one kind, in which there is nothing. `await using` ends it, as `stop` does. */
export interface TestStore extends AsyncDisposable, Omit<Kind, "program"> {
  readonly name: StoreName;
  /** What rclone and rcdump are given: PATH with the rclone that has the kind, and the remote `store`. */
  readonly env: Readonly<Record<string, string>>;
  /** Which program `rclone` is on that PATH. */
  readonly program: Program;
  /** What rclone prints about it. */
  rclone(args: readonly string[]): Promise<string>;
}

export type Program = "rclone" | "rclone-1.60";

/** Starts a server of this kind, or makes a folder. */
export async function startStore(name: StoreName): Promise<TestStore> {
  const kind: Kind = await kinds[name]();
  const { program = "rclone", through, stop } = kind;
  const PATH = pathFor(program);
  const env = { ...kind.env, PATH };
  return {
    ...kind,
    name,
    program,
    env,
    ...(through && { through: (port: number) => ({ ...through(port), PATH }) }),
    rclone: async (args) => (await execa("rclone", args, { env, extendEnv: false })).stdout,
    [Symbol.asyncDispose]: stop,
  };
}

/** A PATH on which `rclone` is this program. */
function pathFor(program: Program): string {
  const path = process.env["PATH"] ?? "";
  if (program === "rclone") return path;
  const folder = temporaryFolder("rclone");
  symlinkSync(locate(program), `${folder}/rclone`);
  return [folder, path].join(delimiter);
}
