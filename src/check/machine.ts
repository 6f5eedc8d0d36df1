import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { chooseCompressor } from "../compression.ts";
import type { Context } from "../context.ts";
import { createEncryption } from "../encryption/age.ts";
import { BackupError } from "../errors.ts";
import type { SubprocessError } from "../program.ts";
import { Spool } from "../spool.ts";
import { run } from "../subprocess.ts";
import { version } from "../version.ts";
import type { Note } from "./finding.ts";

/** Notes what dumps are compressed with. */
export function findCompressor({ config, isInstalled }: Context, note: Note): void {
  const { compression } = config;
  const compressor = chooseCompressor(compression, isInstalled);
  const detail =
    compression.format === "none" || compressor === undefined
      ? "none"
      : `${compression.format} by ${compressor.program}, level ${compression.level}`;
  note({ state: "ok", detail });
}

/**
 * Notes the public keys that dumps are encrypted to. A key that is well formed and yet no key shows only when it is used.
 * @throws BackupError `configuration` if there is such a key among them
 */
export async function tryEncryption({ config }: Context, note: Note): Promise<void> {
  const { recipients } = config;
  if (recipients.length === 0)
    return note({
      state: "warning",
      detail: "none: who reads the store reads the dumps",
      hint: "set ENCRYPT_RECIPIENTS",
    });
  await createEncryption(recipients.map(({ recipient }) => recipient));
  note({
    state: "ok",
    detail: recipients.map(({ kind, fingerprint }) => `${kind} ${fingerprint}`).join(", "),
  });
}

/**
 * Notes the versions of the programs that a dump passes, this one first.
 * @throws BackupError `remote` if one does not run
 */
export async function findTools({ config, isInstalled, signal }: Context, note: Note): Promise<void> {
  const compressor = chooseCompressor(config.compression, isInstalled)?.program ?? "node";
  const versions = ["rclone", compressor]
    .filter((program) => program !== "node")
    .map(async (program) => `${program} ${await versionOf(program, config.environment, signal)}`);
  note({ state: "ok", detail: [`rcdump ${version}`, ...(await Promise.all(versions))].join(", ") });
}

async function versionOf(
  program: string,
  env: Context["config"]["environment"],
  signal: AbortSignal,
): Promise<string> {
  const explain = (failure: SubprocessError): BackupError =>
    new BackupError("remote", failure.message, {
      hint: `install ${program} and put it on the PATH`,
      cause: failure,
    });
  const { stdout, stderr } = await run({ file: program, args: ["--version"], env, explain }, { signal });
  return /\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? "of unknown version";
}

/**
 * Begins a dump in the spool folder, and removes it.
 * @throws BackupError `configuration` or `dump` if it cannot be written there
 */
export async function trySpooling(folder: string, note: Note): Promise<void> {
  const spool = new Spool(folder);
  const runId = `check-${randomBytes(6).toString("hex")}`;
  try {
    await pipeline(Readable.from([Buffer.alloc(65_536)]), await spool.write(runId));
  } finally {
    await spool.remove(runId).catch(() => {});
  }
  note({ state: "ok", detail: `${folder} can be written to` });
}
