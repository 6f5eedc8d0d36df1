import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { OptionsOf } from "../command-line.ts";
import { put } from "../commit.ts";
import { chooseCompressor } from "../compression.ts";
import type { Context } from "../context.ts";
import { createEncryption } from "../encryption/age.ts";
import { sizeOf } from "../dump-size.ts";
import { type Server, type Target, targetName } from "../engines/engine.ts";
import { BackupError, type Operation } from "../errors.ts";
import { formatBytes } from "../format.ts";
import type { PlannedDump } from "../plan.ts";
import { planRun, reachServer } from "../preparation.ts";
import { RcloneFailure } from "../rclone-failure.ts";
import { formatShard } from "../shard.ts";
import { Spool } from "../spool.ts";
import { mayNotFit } from "../stream-chunks.ts";
import { mountHint } from "../vanishing.ts";
import type { SubprocessError } from "../program.ts";
import { run } from "../subprocess.ts";
import { formatTable } from "../table.ts";
import { version } from "../version.ts";

/** What came of one trial. */
interface Finding {
  readonly what: string;
  readonly state: "ok" | "warning" | "failed";
  readonly detail: string;
  readonly hint?: string | undefined;
  /** What a backup would fail at. */
  readonly operation?: Operation;
}

/** A dump that a run would make. */
interface ExpectedDump extends PlannedDump {
  /** Of the database on the server's disk. */
  readonly bytes: number | undefined;
}

/**
 * Tries out everything a backup needs, and changes nothing that it does not remove. All trials are made, whatever
 * fails; only what depends on a failed one is left out.
 * @throws BackupError of the operation of the first thing that is wrong
 */
export async function check(context: Context, { json = false }: OptionsOf<"check">): Promise<void> {
  const findings: Finding[] = [];
  const server = await examine(findings, "database", () => findServer(context));
  const dumps = server && (await examine(findings, "names", () => expectDumps(context, server)));
  if (server && dumps && dumps.length > 0) {
    await examine(findings, "dump program", () => findDumpPrograms(context, server, dumps));
    for (const { target } of dumps) findings.push(...(await examineRights(context, target, server)));
  }
  await examine(findings, "compression", async () => findCompressor(context));
  findings.push(...(await examineRecipients(context)));
  await examine(findings, "tools", () => findTools(context));
  const { spoolFolder } = context.config;
  if (spoolFolder !== undefined) await examine(findings, "spool", () => trySpooling(spoolFolder));
  if (await examine(findings, "remote", () => describeRemote(context, dumps ?? [])))
    await examine(findings, "write", () => tryWriting(context));
  context.print(json ? toJson(findings, server, dumps ?? []) : toText(findings, dumps ?? []));
  const failed = findings.find(({ state }) => state === "failed");
  if (failed)
    throw new BackupError(failed.operation ?? "unexpected", `${failed.what}: ${failed.detail}`, {
      hint: failed.hint,
    });
}

type Result<T> = { detail: string; state?: "ok" | "warning"; hint?: string; value: T };

/** Makes one trial and notes what came of it. */
async function examine<T>(
  findings: Finding[],
  what: string,
  trial: () => Promise<Result<T>>,
): Promise<T | undefined> {
  try {
    const { detail, state = "ok", hint, value } = await trial();
    findings.push({ what, state, detail, hint });
    return value;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    findings.push({
      what,
      state: "failed",
      detail: error.message,
      hint: error.hint,
      operation: error.operation,
    });
    return undefined;
  }
}

async function findServer(context: Context): Promise<Result<Server>> {
  const server = await reachServer(context);
  return { detail: `${server.product} at ${server.host}:${server.port}`, value: server };
}

async function expectDumps(context: Context, server: Server): Promise<Result<ExpectedDump[]>> {
  const { dumps, all } = planRun(context, server);
  const { shard } = context.config;
  const total = all.length === 1 ? "1 dump" : `${all.length} dumps`;
  const count = shard ? `shard ${formatShard(shard)} has ${dumps.length} of ${total}` : total;
  return {
    detail: dumps.length === 0 ? count : `${count}, listed below`,
    value: dumps.map((dump) => ({
      ...dump,
      bytes: dump.target.scope === "globals" ? undefined : sizeOf(dump.target, server),
    })),
  };
}

async function findDumpPrograms(
  { engine }: Context,
  server: Server,
  dumps: readonly ExpectedDump[],
): Promise<Result<true>> {
  const found = new Set<string>();
  for (const { target } of dumps) {
    const program = await engine.dumpProgram(target);
    engine.requireVersion(program, server);
    found.add(`${program.program} ${program.version}`);
  }
  return { detail: [...found].join(", "), value: true };
}

/** A line for each right that is missing; one in all if none is. */
async function examineRights(
  { engine, signal }: Context,
  target: Target,
  server: Server,
): Promise<Finding[]> {
  const what = `rights on ${targetName(target)}`;
  try {
    const missing = await engine.missingRights(target, server, signal);
    if (missing.length === 0) return [{ what, state: "ok", detail: "complete" }];
    return missing.map(({ right, fatal }) => ({
      what,
      detail: right,
      state: fatal ? "failed" : "warning",
      ...(fatal && { operation: "dump" as const }),
    }));
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return [{ what, state: "failed", detail: error.message, hint: error.hint, operation: error.operation }];
  }
}

function findCompressor({ config, isInstalled }: Context): Result<true> {
  const { compression } = config;
  if (compression.format === "none") return { detail: "none", value: true };
  const { program } = chooseCompressor(compression, isInstalled) ?? { program: "" };
  return { detail: `${compression.format} by ${program}, level ${compression.level}`, value: true };
}

async function findTools({ config, isInstalled, signal }: Context): Promise<Result<true>> {
  const programs = ["rclone", chooseCompressor(config.compression, isInstalled)?.program ?? "node"];
  const versions = programs
    .filter((program) => program !== "node")
    .map(async (program) => {
      const explain = (failure: SubprocessError): BackupError =>
        new BackupError("remote", failure.message, {
          hint: `install ${program} and put it on the PATH`,
          cause: failure,
        });
      const { stdout, stderr } = await run(
        { file: program, args: ["--version"], env: config.environment, explain },
        { signal },
      );
      return `${program} ${/\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? "of unknown version"}`;
    });
  return { detail: [`rcdump ${version}`, ...(await Promise.all(versions))].join(", "), value: true };
}

/** A line for each key. A key that is well formed and yet no key shows only when it is used. */
async function examineRecipients({ config }: Context): Promise<Finding[]> {
  const what = "encryption";
  const { recipients } = config;
  if (recipients.length === 0)
    return [
      {
        what,
        state: "warning",
        detail: "none: who reads the store reads the dumps",
        hint: "set ENCRYPT_RECIPIENTS",
      },
    ];
  const findings: Finding[] = [];
  await examine(findings, what, async () => {
    await createEncryption(recipients.map(({ recipient }) => recipient));
    return {
      detail: recipients.map(({ kind, fingerprint }) => `${kind} ${fingerprint}`).join(", "),
      value: true,
    };
  });
  return findings;
}

async function describeRemote(
  { remote, config, signal, vanishing }: Context,
  dumps: readonly ExpectedDump[],
): Promise<Result<true>> {
  const { description, atomic, streams, folder } = await remote.traits(signal);
  const manner = config.spoolFolder
    ? "from the spool folder"
    : streams
      ? "streamed"
      : "spooled by rclone to its temporary folder";
  const placing = atomic ? "straight to the final name" : "under a temporary name, then moved";
  const detail = `${description}: ${manner}, ${placing}`;
  const fate = folder === undefined ? undefined : vanishing(folder);
  if (fate !== undefined)
    return { detail: `${detail}; backups are ${fate}`, state: "warning", hint: mountHint, value: true };
  if (config.spoolFolder !== undefined) return { detail, value: true };
  for (const { target, bytes } of dumps.filter((dump) => dump.target.scope !== "globals")) {
    const limit = await remote.streamLimit(bytes, signal);
    const name = targetName(target);
    if (bytes === undefined && limit.most !== undefined)
      return { detail: `${detail}, at most ${formatBytes(limit.most)} of ${name}`, value: true };
    const excess = mayNotFit(bytes, limit);
    if (excess) {
      const { message, hint } = excess;
      return { detail: `${detail}; ${name} may not fit: ${message}`, state: "warning", hint, value: true };
    }
  }
  return { detail, value: true };
}

/** Begins a dump in the spool folder, and removes it. */
async function trySpooling(folder: string): Promise<Result<true>> {
  const spool = new Spool(folder);
  const runId = `check-${randomBytes(6).toString("hex")}`;
  try {
    await pipeline(Readable.from([Buffer.alloc(65_536)]), await spool.write(runId));
  } finally {
    await spool.remove(runId).catch(() => {});
  }
  return { detail: `${folder} can be written to`, value: true };
}

/** Writes an object, looks at it, and removes it, as far as these credentials may. */
async function tryWriting({ remote, config, signal }: Context): Promise<Result<true>> {
  const path = `rcdump-check-${randomBytes(6).toString("hex")}.txt`;
  const mayLook = await isAllowed(remote.find([path], signal));
  if (!mayLook) return tryWritingUnseen(remote, config);
  const text = "rcdump check: this may be removed\n";
  await writeTrial(remote, path, text);
  let seen: string | undefined;
  const mayRead = await isAllowed(remote.read(path, signal).then((found) => (seen = found)));
  const mayRemove = await isAllowed(remote.remove(path));
  if (mayRead && seen !== text) throw new BackupError("upload", "what was written reads back differently");
  if (mayRead && mayRemove) return { detail: "an object can be written, read and removed", value: true };
  return {
    state: "warning",
    detail: `an object can be written, but not ${[mayRead ? [] : "read", mayRemove ? [] : "removed"].flat().join(" or ")}${mayRemove ? "" : `: ${path} stays there`}`,
    hint: `backups under names that are free can be made; ${mayRead ? "" : "verify, restore, "}prune and a name that is taken need other credentials`,
    value: true,
  };
}

/** Whether credentials sufficed; other failures are the caller's. */
async function isAllowed(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof RcloneFailure && error.forbidden) return false;
    throw error;
  }
}

/** What may not be looked at may not be removed either: there is one such object for all times. */
async function tryWritingUnseen(
  remote: Context["remote"],
  { fileName, spoolFolder }: Context["config"],
): Promise<Result<true>> {
  const path = "rcdump-check.txt";
  const text = "rcdump check: this may be removed\n";
  try {
    // Of this length rclone streams it as it streams a dump. One from the spool folder is sent otherwise.
    await writeTrial(remote, path, spoolFolder === undefined ? text.padEnd(200_000) : text);
  } catch (error) {
    // rclone 1.60 wants to see what it has streamed.
    const isStreaming =
      spoolFolder === undefined &&
      (await writeTrial(remote, path, text).then(
        () => true,
        () => false,
      ));
    if (!isStreaming) throw error;
    const hint = "set BACKUP_SPOOL_DIR to a local folder, or use a newer rclone";
    throw new BackupError(
      "upload",
      `these credentials may write, but not stream: ${(error as Error).message}`,
      {
        hint,
        cause: error,
      },
    );
  }
  const isTimeless = fileName !== undefined && !fileName.includes("%");
  return {
    state: "warning",
    detail: `an object can be written, but these credentials may not look at what is there: ${path} stays there${isTimeless ? "; BACKUP_FILE_NAME has no time in it, and an earlier backup would be replaced before the new one is complete" : ""}`,
    hint: `${isTimeless ? "put the time into BACKUP_FILE_NAME; " : ""}list, verify, restore, prune and status need other credentials`,
    value: true,
  };
}

async function writeTrial(remote: Context["remote"], path: string, text: string): Promise<void> {
  try {
    await put(remote, path, text, "check");
  } catch (error) {
    if (!(error instanceof RcloneFailure && error.forbidden)) throw error;
    throw new BackupError("upload", error.message, { hint: error.hint, cause: error });
  }
}

const marks = { ok: "\u2713", warning: "!", failed: "\u2717" };

function toText(findings: readonly Finding[], dumps: readonly ExpectedDump[]): string {
  const lines = findings.flatMap(({ what, state, detail, hint }) => [
    [marks[state], what, detail.replaceAll("\n", " ")],
    ...(hint === undefined ? [] : [["", "", `\u2192 ${hint}`]]),
  ]);
  if (dumps.length === 0) return formatTable(lines);
  const rows = dumps.map(({ target, bytes, path }) => [
    targetName(target),
    bytes === undefined ? "-" : formatBytes(bytes),
    path,
  ]);
  return `${formatTable(lines)}\n${formatTable([["DATABASE", "SIZE", "OBJECT"], ...rows])}`;
}

function toJson(
  findings: readonly Finding[],
  server: Server | undefined,
  dumps: readonly ExpectedDump[],
): string {
  const result = {
    ok: findings.every(({ state }) => state !== "failed"),
    server: server && { host: server.host, port: server.port, product: server.product },
    findings,
    dumps: dumps.map(({ target, path, bytes }) => ({ ...target, path, bytes: bytes ?? null })),
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}
