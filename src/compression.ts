import type { Duplex } from "node:stream";
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import { BackupError } from "./errors.ts";
import type { Command, SubprocessError } from "./program.ts";
import type { Subprocesses } from "./subprocess.ts";

/** How dumps are compressed; `level` is within {@link compressionLevels}. */
export type Compression =
  | { readonly format: "gzip"; readonly level: number }
  | { readonly format: "zstd"; readonly level: number }
  | { readonly format: "none" };

export type CompressionFormat = Compression["format"];

/**
 * The levels each format takes, and the one it has unless told. Of the third level a dump gets a hundredth smaller than of the second, for a third
 * more of the processor's time (docs/bench).
 */
export const compressionLevels = {
  gzip: { least: 1, most: 9, standard: 2 },
  zstd: { least: 1, most: 19, standard: 2 },
} as const;

/** What a compressed file's name ends in. */
export const compressionSuffix: Record<CompressionFormat, string> = { gzip: ".gz", zstd: ".zst", none: "" };

/** What compresses or decompresses. */
export interface Compressor {
  /** The program, or `node` where none is installed. */
  readonly program: string;
  open(children: Subprocesses, env: Command["env"]): Duplex;
}

interface Candidate {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * The programs for a format, fastest first. ISA-L's igzip makes plain gzip at a tenth of gzip's work but knows
 * levels 1 to 3 only; pigz and zstd use every core.
 */
function candidates(compression: Exclude<Compression, { format: "none" }>): Candidate[] {
  const { format, level } = compression;
  if (format === "zstd") return [{ program: "zstd", args: ["-T0", `-${level}`, "-q", "-c"] }];
  const igzip = { program: "igzip", args: [`-${level}`, "-c"] };
  return [
    ...(level <= 3 ? [igzip] : []),
    { program: "pigz", args: [`-${level}`, "-n", "-c"] },
    { program: "gzip", args: [`-${level}`, "-n", "-c"] },
  ];
}

/**
 * The best compressor for a format that is installed; undefined for `none`.
 * @param isInstalled whether a program can be run
 */
export function chooseCompressor(
  compression: Compression,
  isInstalled: (program: string) => boolean,
): Compressor | undefined {
  if (compression.format === "none") return undefined;
  const explain = (failure: SubprocessError): BackupError =>
    new BackupError("dump", `compression failed: ${wordsOf(failure)}`, { cause: failure });
  const found = firstInstalled(candidates(compression), isInstalled, explain);
  if (found) return found;
  const { format, level } = compression;
  // Node's zstd is left single-threaded: with ZSTD_c_nbWorkers it loses data (Node 26.10).
  const open = (): Duplex =>
    format === "gzip"
      ? createGzip({ level })
      : createZstdCompress({
          params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
        });
  return { program: "node", open };
}

/** The programs that undo a format, fastest first. All of them check the checksums within it. */
const decompressors: Record<Exclude<CompressionFormat, "none">, Candidate[]> = {
  gzip: [
    { program: "igzip", args: ["-d", "-c"] },
    { program: "pigz", args: ["-d", "-c"] },
    { program: "gzip", args: ["-d", "-c"] },
  ],
  zstd: [{ program: "zstd", args: ["-d", "-q", "-c"] }],
};

/**
 * The best decompressor for a format that is installed; undefined for `none`. Its stream fails as `integrity` if what it
 * is given is damaged or cut.
 */
export function chooseDecompressor(
  format: CompressionFormat,
  isInstalled: (program: string) => boolean,
): Compressor | undefined {
  if (format === "none") return undefined;
  const explain = (failure: SubprocessError): BackupError =>
    new BackupError("integrity", `what is stored cannot be decompressed: ${wordsOf(failure)}`, {
      cause: failure,
    });
  const found = firstInstalled(decompressors[format], isInstalled, explain);
  if (found) return found;
  const open = (): Duplex => (format === "gzip" ? createGunzip() : createZstdDecompress());
  return { program: "node", open };
}

/** What broke in a decompressor of Node's own, said as one of the other decompressors says it. */
export function explainDecompression(error: unknown): unknown {
  if (!/^(Z|ZSTD)_/.test(String((error as NodeJS.ErrnoException | null)?.code))) return error;
  return new BackupError("integrity", `what is stored cannot be decompressed: ${(error as Error).message}`, {
    cause: error,
  });
}

function firstInstalled(
  programs: readonly Candidate[],
  isInstalled: (program: string) => boolean,
  explain: Command["explain"],
): Compressor | undefined {
  const found = programs.find(({ program }) => isInstalled(program));
  if (!found) return undefined;
  const { program, args } = found;
  return { program, open: (children, env) => children.duplex({ file: program, args, env, explain }) };
}

function wordsOf(failure: SubprocessError): string {
  return `${failure.message} ${failure.stderr}`.trim();
}
