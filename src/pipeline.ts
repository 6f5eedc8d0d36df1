import type { Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Beginning } from "./beginning.ts";
import { incompleteDump, incompleteObject, requireComplete } from "./completeness.ts";
import { type Compressor, explainDecompression } from "./compression.ts";
import { Digest, ExpectedDigest, type Measure } from "./digest.ts";
import { type AgeIdentity, createDecryption, createEncryption } from "./encryption/age.ts";
import type { NamedRecipient } from "./encryption/recipients.ts";
import type { Dump, Marks } from "./engines/engine.ts";
import { type Command, movingMuch } from "./program.ts";
import { type Subprocesses, withSubprocesses } from "./subprocess.ts";
import { type Tap, through } from "./tap.ts";

/** How far a backup is, on its way there or back. */
export interface Meter {
  /** Bytes of plain dump so far. */
  plain(): number;
  /** Bytes handed to the store, or read from it, so far. */
  stored(): number;
  /** How many there will be, where that is known: of the dump if it goes on its way back, of what is stored if that is only read. */
  readonly total?: number | undefined;
}

/** What is done to a dump on its way. */
export interface Stages {
  readonly dump: Dump;
  readonly compressor: Compressor | undefined;
  readonly recipients: readonly NamedRecipient[];
  /** Where it goes. The stream finishes only when everything is safe there. */
  open(children: Subprocesses): Promise<Writable>;
  /** Looks at something when the first bytes of the dump have come, which has no end before this has, and fails if it does. */
  onBeginning?(signal: AbortSignal): Promise<void>;
  /** @param isStoreAwaited whether it takes no more at the moment, or has everything and has not finished */
  onStart?(meter: Meter, isStoreAwaited: () => boolean): void;
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
    const isStoreAwaited = (): boolean => store.writableEnded || store.writableNeedDrain;
    stages.onStart?.({ plain: () => plain.bytes, stored: () => stored.bytes }, isStoreAwaited);
    await using beginning = new Beginning(
      async (wanted) => stages.onBeginning?.(wanted),
      (error) => entrance.destroy(error),
    );
    const taps = [requireComplete(dump.marks, incompleteDump(dump.command.file)), plain, beginning];
    const compressing = compressor?.open(children, dump.command.env);
    const pouring = compressing && children.pour(movingMuch(dump.command), taps, compressing);
    const entrance = compressing ?? through(...taps);
    const source = compressing ?? children.source(movingMuch(dump.command));
    const between = [
      ...(compressing ? [] : [entrance]),
      ...(encryption ? [encryption] : []),
      through(stored),
    ];
    await pipeline([source, ...between, store], { signal });
    await pouring;
  });
  return { plain: plain.measure(), stored: stored.measure() };
}

/**
 * Reads a dump of which nothing is stored.
 * @param toSql turns it into SQL, if it is not SQL already
 * @param contents what the SQL passes through
 */
export async function readDump(
  dump: Dump,
  toSql: Command | undefined,
  contents: Duplex,
  signal: AbortSignal,
): Promise<void> {
  await withSubprocesses(signal, async (children) => {
    const complete = through(requireComplete(dump.marks, incompleteDump(dump.command.file)));
    const filter = toSql ? [children.filter(movingMuch(toSql))] : [];
    await pipeline([children.source(movingMuch(dump.command)), complete, ...filter, contents.resume()], {
      signal,
    });
  });
}

/** What is undone to an object on its way back. */
export interface Unpacking {
  /** Where it comes from. */
  open(children: Subprocesses): Readable;
  /** What the object is known to be; undefined where it has no manifest. */
  readonly stored: Measure | undefined;
  /** What it is decrypted with; undefined if it is not encrypted. */
  readonly identities: readonly AgeIdentity[] | undefined;
  /** How the dump is got out of it; undefined to go no further than the decryption. */
  readonly dump: DumpUnpacking | undefined;
  /** Where it goes. The stream finishes only when everything has taken effect there. */
  readonly sink: (children: Subprocesses) => Promise<Writable> | Writable;
  /** What the meter tells. */
  readonly total: number | undefined;
  readonly onStart?: ((meter: Meter) => void) | undefined;
}

export interface DumpUnpacking {
  readonly decompressor: Compressor | undefined;
  /** What the dump is known to be. */
  readonly plain: Measure | undefined;
  /** Turns a dump of another format into SQL. */
  readonly toSql: Command | undefined;
  readonly marks: Marks;
  /** What the SQL passes through at last. */
  readonly further: readonly Duplex[];
  /** Of the decompressor. */
  readonly env: Command["env"];
}

/**
 * Brings a stored object back: read → decrypt → decompress → SQL → sink.
 *
 * As in {@link storeDump} end-of-file travels down the chain only if each stage vouches for what was before it: the object is the one
 * that was stored, every chunk is authentic, the dump is the one that was made and ends as one does. The sink sees no
 * end otherwise. When this returns or throws, all children have gone.
 * @throws the error of the stage that broke first; `integrity` for an object that is not what it should be
 */
export async function unpack(object: Unpacking, signal: AbortSignal): Promise<void> {
  const { identities, dump } = object;
  const stored = new ExpectedDigest(object.stored, "the object");
  const plain = new ExpectedDigest(dump?.plain, "the dump in it");
  await withSubprocesses(signal, async (children) => {
    const between: Duplex[] = [
      through(stored),
      ...(identities ? [createDecryption(identities)] : []),
      ...(dump ? unpackDump(dump, plain, children) : []),
    ];
    const sink = await object.sink(children);
    object.onStart?.({
      plain: () => plain.bytes,
      stored: () => stored.bytes,
      total: object.total,
    });
    await pipeline([object.open(children), ...between, sink], { signal }).catch((error: unknown) => {
      throw explainDecompression(error);
    });
  });
}

function unpackDump(
  { decompressor, toSql, marks, further, env }: DumpUnpacking,
  plain: Tap,
  children: Subprocesses,
): Duplex[] {
  const complete = requireComplete(marks, incompleteObject);
  return [
    ...(decompressor ? [decompressor.open(children, env)] : []),
    ...(toSql
      ? [through(plain), children.filter(movingMuch(toSql)), through(complete)]
      : [through(plain, complete)]),
    ...further,
  ];
}
