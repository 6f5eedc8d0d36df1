import { expectDumps } from "../check/expected-dumps.ts";
import { examine, type Finding } from "../check/finding.ts";
import { findCompressor, findTools, tryEncryption, trySpooling } from "../check/machine.ts";
import { findRemote } from "../check/remote.ts";
import { toJson, toText } from "../check/report.ts";
import { findDumpPrograms, findRights, findServer } from "../check/server.ts";
import { tryWriting } from "../check/write-trial.ts";
import type { OptionsOf } from "../command-line.ts";
import type { Context } from "../context.ts";
import { targetName } from "../engines/engine.ts";
import { BackupError } from "../errors.ts";

/**
 * Tries out everything a backup needs, and changes nothing that it does not remove. All trials are made, whatever
 * fails; only what depends on a failed one is left out.
 * @throws BackupError of the operation of the first thing that is wrong
 */
export async function check(context: Context, { json = false }: OptionsOf<"check">): Promise<void> {
  const findings: Finding[] = [];
  const server = await examine(findings, "database", (note) => findServer(context, note));
  const dumps =
    (server && (await examine(findings, "names", (note) => expectDumps(context, server, note)))) ?? [];
  if (server && dumps.length > 0) {
    const targets = dumps.map(({ target }) => target);
    await examine(findings, "dump program", (note) => findDumpPrograms(context, server, targets, note));
    for (const target of targets)
      await examine(findings, `rights on ${targetName(target)}`, (note) =>
        findRights(context, server, target, note),
      );
  }
  await examine(findings, "compression", (note) => findCompressor(context, note));
  await examine(findings, "encryption", (note) => tryEncryption(context, note));
  await examine(findings, "tools", (note) => findTools(context, note));
  const { spoolFolder } = context.config;
  if (spoolFolder !== undefined) await examine(findings, "spool", (note) => trySpooling(spoolFolder, note));
  if (await examine(findings, "remote", (note) => findRemote(context, dumps, note)))
    await examine(findings, "write", (note) => tryWriting(context, note));
  context.print((json ? toJson : toText)({ findings, server, dumps }));
  throwFirstFailure(findings);
}

function throwFirstFailure(findings: readonly Finding[]): void {
  const failed = findings.find(({ state }) => state === "failed");
  if (failed === undefined) return;
  const { what, detail, hint, operation = "unexpected" } = failed;
  throw new BackupError(operation, `${what}: ${detail}`, { hint });
}
