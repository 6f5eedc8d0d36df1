import type { Environment } from "./environment.ts";
import { formatBytes } from "./format.ts";
import type { Backend } from "./rclone/backends.ts";
import { readSize } from "./rclone/size.ts";

/** A kind of store that takes a stream of unknown length in chunks of one size, and so many of them. */
interface ChunkedStore {
  /** What rclone's variables for it begin with. */
  readonly prefix: string;
  /** The most chunks that one object can have. */
  readonly parts: number;
  /** Of a chunk, unless more is needed, in bytes: rclone's own default, but no more than 16 MiB. */
  readonly chunk: number;
  /** The largest that a chunk can be. */
  readonly largest: number;
  /** How many chunks rclone sends, and so keeps in memory, at once. */
  readonly concurrency: number;
}

const mebi = 1024 ** 2;
const gibi = 1024 ** 3;

/**
 * By rclone's name for the type. Sources: for chunk and concurrency `config providers` of rclone 1.75; for the parts the constants of its
 * backends (s3, oos, drime, pikpak, shade: maxUploadParts; azureblob: MaxBlocks; b2: maxParts); for the largest chunk Amazon S3
 * "Multipart upload limits", Azure "Put Block", B2 "Large files", Oracle "Multipart uploads". Other stores take a stream without
 * counting, as Swift, Google's and file systems do, or none at all: then rclone spools it.
 */
const chunkedStores: Readonly<Record<string, ChunkedStore>> = {
  s3: { prefix: "S3", parts: 10_000, chunk: 5 * mebi, largest: 5 * gibi, concurrency: 4 },
  azureblob: { prefix: "AZUREBLOB", parts: 50_000, chunk: 4 * mebi, largest: 4000 * mebi, concurrency: 16 },
  b2: { prefix: "B2", parts: 10_000, chunk: 16 * mebi, largest: 4768 * mebi, concurrency: 4 },
  oracleobjectstorage: { prefix: "OOS", parts: 10_000, chunk: 5 * mebi, largest: 50 * gibi, concurrency: 10 },
  drime: { prefix: "DRIME", parts: 10_000, chunk: 5 * mebi, largest: 5 * gibi, concurrency: 4 },
  pikpak: { prefix: "PIKPAK", parts: 10_000, chunk: 5 * mebi, largest: 5 * gibi, concurrency: 4 },
  shade: { prefix: "SHADE", parts: 10_000, chunk: 16 * mebi, largest: 5 * gibi, concurrency: 4 },
};

/** Those that take fewer parts than S3 itself. Source: the quirks of rclone's S3 providers. */
const partsOfProvider: Readonly<Record<string, number>> = { Scaleway: 1000 };

/** How much longer a dump may be than its database is on the server's disk: bytes are written as digits, and what lies there compressed is not. */
const allowance = 2;

/** What the chunks in memory may come to, in bytes, if one alone is not larger. */
const memory = 64 * mebi;

/** Where it is not known how large a database is: the largest that can be sent while the next is read. */
const chunkForUnknown = memory / 2;

/** A database, in bytes, of which a dump fits into any store, and whose chunks into memory, whatever their size. */
export const alwaysFits = memory / allowance;

const thrift: Environment = {
  // Otherwise a chunk that was sent stays in memory beside the next, until Go's collector finds it.
  RCLONE_USE_MMAP: "true",
  // B2's chunks are kept for as many transfers as there may be; here is one.
  RCLONE_TRANSFERS: "1",
};

/** How a dump is streamed. */
export interface StreamPlan extends StreamLimit {
  /** For rclone, in which the user's own settings have precedence. */
  readonly environment: Environment;
}

/** The most that a dump can be. */
export interface StreamLimit {
  /** In bytes; undefined where nothing is counted. */
  readonly most: number | undefined;
  /** Whether the user has set the size of the chunks, which is left as it is then. */
  readonly setByUser: boolean;
}

/**
 * Chooses chunks so large that a dump fits into as many as the store takes, and so few at once that memory is kept in bounds.
 * @param backends what the remote is made of
 * @param bytes the database's size; undefined if it is not known
 */
export function planStream(backends: readonly Backend[], bytes: number | undefined): StreamPlan {
  const plans = Object.entries(chunkedStores).flatMap(([type, store]) => {
    const alike = backends.filter((backend) => backend.type === type);
    return alike.length === 0 ? [] : [planKind(store, alike, bytes)];
  });
  const [tightest] = plans.toSorted((a, b) => (a.most ?? Infinity) - (b.most ?? Infinity));
  return {
    most: tightest?.most,
    setByUser: tightest?.setByUser ?? false,
    environment: Object.assign({}, ...plans.map(({ environment }) => environment)) as Environment,
  };
}

/** One size goes for all stores of a kind: rclone reads it from one variable, which comes before what its configuration says. */
function planKind(store: ChunkedStore, alike: readonly Backend[], bytes: number | undefined): StreamPlan {
  const parts = Math.min(...alike.map((backend) => partsOf(store, backend)));
  const own = alike.map(({ options }) => readSize(options["chunk_size"]));
  if (own.some((size) => size !== undefined))
    return {
      most: parts * Math.min(...own.map((size) => size ?? store.chunk)),
      setByUser: true,
      environment: thrift,
    };
  const needed = bytes === undefined ? chunkForUnknown : (allowance * bytes) / parts;
  const chunk = Math.min(Math.max(Math.ceil(needed / mebi) * mebi, store.chunk), store.largest);
  const concurrency = Math.min(Math.max(Math.floor(memory / chunk), 1), store.concurrency);
  const keepsConcurrency = alike.some(({ options }) => options["upload_concurrency"] !== undefined);
  return {
    most: parts * chunk,
    setByUser: false,
    environment: {
      [`RCLONE_${store.prefix}_CHUNK_SIZE`]: `${chunk / mebi}Mi`,
      ...(!keepsConcurrency && { [`RCLONE_${store.prefix}_UPLOAD_CONCURRENCY`]: String(concurrency) }),
      ...thrift,
    },
  };
}

function partsOf({ parts }: ChunkedStore, { options }: Backend): number {
  const own = Number(options["max_upload_parts"]) || Infinity;
  return Math.min(parts, own, partsOfProvider[options["provider"] ?? ""] ?? Infinity);
}

/**
 * What to tell the user if a dump may be longer than what the store takes.
 * @param bytes the database's size; undefined if it is not known
 */
export function mayNotFit(
  bytes: number | undefined,
  { most, setByUser }: StreamLimit,
): { message: string; hint: string } | undefined {
  if (most === undefined || bytes === undefined || allowance * bytes <= most) return undefined;
  const spool = "set BACKUP_SPOOL_DIR to a folder that has room for the dump";
  return {
    message: `the store takes at most ${formatBytes(most)} as one stream${setByUser ? " in chunks of the size that is set" : ""}`,
    hint: setByUser ? `unset chunk_size, so that it is chosen to fit; or ${spool}` : spool,
  };
}
