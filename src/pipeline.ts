import type { Duplex, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { requireComplete } from "./completeness.ts";
import type { Compressor } from "./compression.ts";
import { Digest } from "./digest.ts";
import { createEncryption } from "./encryption/age.ts";
import type { NamedRecipient } from "./encryption/recipients.ts";
import type { Dump } from "./engines/engine.ts";
import { type Subprocesses, withSubprocesses } from "./subprocess.ts";

/** Bytes and SHA-256 of a stream. */
export interface Measure {
  readonly bytes: number;
  readonly sha256: string;
}

/** How far a backup is, while it runs. */
export interface Meter {
  /** Bytes of plain dump so far. */
  plain(): number;
  /** Bytes handed to the store so far. */
  stored(): number;
}

/** What is done to a dump on its way. */
export interface Stages {
  readonly dump: Dump;
  readonly compressor: Compressor | undefined;
  readonly recipients: readonly NamedRecipient[];
  /** Where it goes. The stream finishes only when everything is safe there. */
  open(children: Subprocesses): Promise<Writable>;
  onStart?(meter: Meter): void;
}

/**
 * Makes one dump and stores it: dump → compress → encrypt → store.
 *
 * End-of-file travels down this chain once, and only if each stage has vouched for everything before it: the dump
 * program exited with 0 and wrote its closing comment, the compressor exited with 0, the last chunk is sealed.
 * On any failure, and when `signal` aborts, every stage is destroyed, which ends its child, and the store sees no
 * end of file. When this returns or throws, all children have gone.
 * @throws the error of the stage that broke first
 */
export async function storeDump(
  stages: Stages,
  signal: AbortSignal,
): Promise<{ plain: Measure; stored: Measure }> {
  const { dump, compressor, recipients } = stages;
  const plain = new Digest();
  const stored = new Digest();
  await withSubprocesses(signal, async (children) => {
    const encryption =
      recipients.length > 0
        ? await createEncryption(recipients.map(({ recipient }) => recipient))
        : undefined;
    const store = await stages.open(children);
    const between: Duplex[] = [
      requireComplete(dump.marks, dump.command.file),
      plain,
      ...(compressor ? [compressor.open(children, dump.command.env)] : []),
      ...(encryption ? [encryption] : []),
      stored,
    ];
    stages.onStart?.({ plain: () => plain.bytes, stored: () => stored.bytes });
    await pipeline([children.source(dump.command), ...between, store], { signal });
  });
  return {
    plain: { bytes: plain.bytes, sha256: plain.sha256() },
    stored: { bytes: stored.bytes, sha256: stored.sha256() },
  };
}
