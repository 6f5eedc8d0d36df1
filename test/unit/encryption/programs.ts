import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs a program found through PATH and returns its standard output; throws, with its standard error, if it fails. */
export function run(
  command: string,
  args: string[],
  options: { input?: string | Uint8Array; env?: Record<string, string> } = {},
): Buffer {
  const result = spawnSync(command, args, {
    input: options.input ?? "",
    env: { ...process.env, ...options.env },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${result.stderr.toString()}`);
  return result.stdout;
}

/** A directory for keys, which are generated anew in every run. Dispose of it with `afterAll`. */
export function makeKeyDirectory() {
  const path = mkdtempSync(join(tmpdir(), "rcdump-keys-"));
  return {
    path,
    file: (name: string) => join(path, name),
    remove: () => rmSync(path, { recursive: true }),
  };
}

/** Generates an ssh key pair in `file` and `file`.pub. */
export function sshKeygen(file: string, ...options: string[]): void {
  run("ssh-keygen", ["-q", "-N", "", "-C", "alice@example.org", "-f", file, ...options]);
}

/**
 * rage asks for a passphrase through pinentry only. This writes one that answers `passphrase` to every
 * question and returns the environment that makes rage use it.
 */
export function answerPassphrase(file: string, passphrase: string): Record<string, string> {
  const script = [
    "#!/bin/sh",
    "echo OK",
    "while read -r command rest; do",
    '  if [ "$command" = GETPIN ]; then echo "D $TEST_PASSPHRASE"; fi',
    "  echo OK",
    '  if [ "$command" = BYE ]; then exit 0; fi',
    "done",
    "",
  ];
  writeFileSync(file, script.join("\n"), { mode: 0o700 });
  return { PINENTRY_PROGRAM: file, TEST_PASSPHRASE: passphrase };
}
