import { setTimeout as delay } from "node:timers/promises";
import { pathWith } from "../../../fixtures/programs.ts";
import { victim } from "../databases.ts";
import type { Fault } from "../faults.ts";
import { descendants, processesOf, type Role, roleOf } from "../processes.ts";
import { anyMoment, appearance, momentOf, type Scene } from "../scene.ts";

/** The codes of src/errors.ts for what goes wrong with the dump, and with the store. */
export const dumpFailed = [11];
export const storeFailed = [20, 21];

/** How long something stands still that goes on afterwards, in milliseconds: long enough for pipes to fill. */
const pause = 1500;

/** A store that waits for what stands still is not to be given up: half of a second would be left to a machine under load. */
const composure = { RCLONE_TIMEOUT: "30s" };

/** Whoever waits for something that stands still for good is told to give up after as many seconds. */
const patience = { BACKUP_TIMEOUT: "12" };

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Sends a signal to a process of this role, some time after it has appeared. */
function signalChild(role: Role, signal: NodeJS.Signals): Fault["strike"] {
  return async (scene) => {
    if (!(await appearance(scene, role))) return false;
    await momentOf(scene, role);
    const child = descendants(scene.pid).find((process) => roleOf(process) === role);
    return child !== undefined && kill(child.pid, signal);
  };
}

function signalEntrypoint(signal: NodeJS.Signals): Fault["strike"] {
  return async (scene) => (await anyMoment(scene)) && kill(scene.pid, signal);
}

/** A child of any role. */
const anyChild: Fault["strike"] = async (scene) => {
  const role = scene.draw.random.pick(["dump", "upload", "upload", "commit", "question"] as const);
  return signalChild(role, "SIGSTOP")(scene);
};

async function resume(scene: Scene): Promise<void> {
  await delay(pause);
  for (const { pid } of processesOf(scene.run)) kill(pid, "SIGCONT");
}

/**
 * A dump program that writes good bytes and then fails: the real one cannot be made to. What comes out is the real dump, cut
 * anywhere or not at all.
 */
async function replaceDump({ draw, env }: Scene): Promise<void> {
  const program = draw.engine === "postgres" ? "pg_dump" : "mariadb-dump";
  const bytes = draw.random.below(6_500_000);
  const script = `case "$*" in *${victim}*) ;; *) exec $REAL "$@";; esac\n$REAL "$@" | head -c ${bytes}\nexit 1`;
  env["PATH"] = pathWith({ [program]: script }, env["PATH"]);
}

const hasCompressor: Fault["fits"] = ({ compression }) => compression !== "none";

export const processFaults: readonly Fault[] = [
  { name: "dump dies", strike: signalChild("dump", "SIGKILL"), exitCodes: dumpFailed },
  {
    name: "dump exits 1 after good bytes",
    prepare: replaceDump,
    strike: async () => true,
    exitCodes: dumpFailed,
  },
  {
    name: "compressor dies",
    fits: hasCompressor,
    strike: signalChild("compressor", "SIGKILL"),
    exitCodes: dumpFailed,
  },
  { name: "rclone dies uploading", strike: signalChild("upload", "SIGKILL"), exitCodes: storeFailed },
  { name: "rclone dies committing", strike: signalChild("commit", "SIGKILL"), exitCodes: storeFailed },
  { name: "rclone dies being asked", strike: signalChild("question", "SIGKILL"), exitCodes: storeFailed },
  { name: "entrypoint gets SIGTERM", strike: signalEntrypoint("SIGTERM"), exitCodes: [143] },
  { name: "entrypoint gets SIGINT", strike: signalEntrypoint("SIGINT"), exitCodes: [130] },
  { name: "entrypoint gets SIGHUP", strike: signalEntrypoint("SIGHUP"), exitCodes: [129] },
  { name: "entrypoint gets SIGKILL", strike: signalEntrypoint("SIGKILL"), exitCodes: [137] },
  {
    name: "everything gets SIGKILL",
    strike: async (scene) => {
      if (!(await anyMoment(scene))) return false;
      const all = processesOf(scene.run);
      return all.map(({ pid }) => kill(pid, "SIGKILL")).some(Boolean);
    },
    leavesParts: true,
    exitCodes: [137],
  },
  {
    name: "a child stands still and goes on",
    prepare: async ({ env }) => void Object.assign(env, composure),
    strike: async (scene) => {
      const struck = await anyChild(scene);
      await resume(scene);
      return struck;
    },
    exitCodes: [],
  },
  {
    name: "a child stands still for good",
    prepare: async ({ env }) => void Object.assign(env, patience),
    strike: async (scene) => {
      const role = scene.draw.random.pick(["dump", "upload"] as const);
      return signalChild(role, "SIGSTOP")(scene);
    },
    exitCodes: [...dumpFailed, ...storeFailed],
  },
  {
    name: "entrypoint stands still and goes on",
    prepare: async ({ env }) => void Object.assign(env, composure),
    strike: async (scene) => {
      const struck = await signalEntrypoint("SIGSTOP")(scene);
      await resume(scene);
      return struck;
    },
    exitCodes: [],
  },
  {
    name: "another run of the job at a time",
    strike: async (scene) => {
      if (!(await anyMoment(scene))) return false;
      scene.startAnother();
      return true;
    },
    // In the staged way both may send what the other has dumped: then one of two fails.
    exitCodes: [...storeFailed, 3],
  },
];
