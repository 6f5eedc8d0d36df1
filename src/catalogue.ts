import { jobOfPartial } from "./destination.ts";
import { targetName } from "./engines/engine.ts";
import {
  checksumOf,
  claimedObject,
  type Manifest,
  manifestPath,
  objectOfManifest,
  parseManifest,
  targetOf,
  UnreadableManifest,
} from "./manifest.ts";
import { isPruneJournal } from "./prune-journal.ts";
import { longestText, type Remote } from "./remote.ts";
import { newestFirst } from "./retention.ts";

/** A committed backup: an object and the manifest that vouches for it. */
export interface StoredBackup {
  readonly path: string;
  readonly manifest: Manifest;
  /** The manifest's own, by which it is known whether it is still the same. */
  readonly checksum: string;
  /** Of the object. */
  readonly bytes: number;
  /** When its dump began. */
  readonly startedAt: Date;
}

/** An object that is no backup. */
export interface Unfinished {
  readonly path: string;
  readonly bytes: number;
}

/** Something that claims to be a backup and is none. */
export interface Damaged {
  /** The object's, whether it is there or not. */
  readonly path: string;
  /** What is wrong, to follow the path. */
  readonly problem: string;
  /** If it can be read. */
  readonly manifest: Manifest | undefined;
}

/** Everything that lies in a remote's folder. */
export interface Catalogue {
  /** Newest first. */
  readonly backups: readonly StoredBackup[];
  readonly damaged: readonly Damaged[];
  /** Objects without a manifest: unfinished, or made by something else. */
  readonly incomplete: readonly Unfinished[];
  /** Uploads of ours that are under way or were cut off. */
  readonly leftovers: readonly Unfinished[];
  /** The sizes of everything that lies there, by path. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Reads all manifests and compares them with the objects that are there. */
export async function readCatalogue(remote: Remote, signal?: AbortSignal): Promise<Catalogue> {
  // In this order: an object lies there before its manifest does, and longer. What is listed afterwards tells
  // whether a manifest that was read is still meant.
  const { named, unnamed } = await remote.readAll(manifestPath("*"), signal);
  const sizes = await remote.inventory(signal);
  const texts = new Map([...named, ...attribute(unnamed, sizes)]);
  const names = [...sizes.keys()].filter((name) => objectOfManifest(name) !== undefined);
  const unread = names.filter((name) => !texts.has(name) && (sizes.get(name) ?? 0) <= longestText);
  for (const [name, text] of await remote.readEach(unread, signal)) texts.set(name, text);
  const examined = names.flatMap((name) => {
    const path = objectOfManifest(name) ?? "";
    const text = texts.get(name);
    const isGone = text === undefined && (sizes.get(name) ?? 0) <= longestText;
    return isGone ? [] : [examine(path, text, sizes.get(path))];
  });
  const settled = await lookAgain(remote, examined, signal);
  const backups = settled.flatMap((each) => ("problem" in each ? [] : [each]));
  const damaged = settled.flatMap((each) => ("problem" in each ? [each] : []));
  const others = [...sizes]
    .filter(([path]) => objectOfManifest(path) === undefined && !sizes.has(manifestPath(path)))
    .filter(([path]) => !isPruneJournal(path))
    .map(([path, bytes]) => ({ path, bytes }));
  return {
    backups: backups.toSorted(newestFirst),
    damaged: damaged.toSorted(byPath),
    incomplete: others.filter(({ path }) => jobOfPartial(path) === undefined).toSorted(byPath),
    leftovers: others.filter(({ path }) => jobOfPartial(path) !== undefined).toSorted(byPath),
    sizes,
  };
}

/**
 * Finds out which manifest each line is, by the object that it names. Objects may have been moved to other folders since, with
 * their manifests: where there are more manifests of one file name and one length than lines that name such an object, none
 * of them is taken for granted, and they are not among the answers.
 */
function attribute(lines: string, sizes: ReadonlyMap<string, number>): Map<string, string> {
  const manifests = new Map<string, number>();
  for (const [name, bytes] of sizes)
    if (objectOfManifest(name) !== undefined) count(manifests, kindOf(name, bytes));
  const claims = new Map<string, number>();
  const texts = new Map<string, string>();
  const disputed = new Set<string>();
  for (const line of lines.split("\n")) {
    const object = claimedObject(line);
    if (object === undefined) continue;
    const name = manifestPath(object);
    const bytes = Buffer.byteLength(line) + 1;
    count(claims, kindOf(name, bytes));
    if (texts.has(name)) disputed.add(name);
    if (sizes.get(name) === bytes) texts.set(name, `${line}\n`);
  }
  for (const name of texts.keys()) {
    const kind = kindOf(name, sizes.get(name) ?? 0);
    if (disputed.has(name) || claims.get(kind) !== manifests.get(kind)) texts.delete(name);
  }
  return texts;
}

/** A file name without its folder, and a length. */
function kindOf(path: string, bytes: number): string {
  return `${bytes} ${path.slice(path.lastIndexOf("/") + 1)}`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** How many are looked at again; where more are damaged it is no coincidence. */
const lookedAtAgain = 10;

/** What seems damaged may have been replaced between the two looks. */
async function lookAgain(
  remote: Remote,
  examined: readonly (StoredBackup | Damaged)[],
  signal?: AbortSignal,
): Promise<(StoredBackup | Damaged)[]> {
  const suspects = examined.filter((each) => "problem" in each);
  if (suspects.length === 0 || suspects.length > lookedAtAgain) return [...examined];
  const paths = new Set(suspects.map(({ path }) => path));
  const found = await remote.find(
    [...paths].flatMap((path) => [path, manifestPath(path)]),
    signal,
  );
  const again = [...paths].map(async (path): Promise<(StoredBackup | Damaged)[]> => {
    const bytes = found.get(manifestPath(path))?.bytes;
    if (bytes === undefined) return [];
    const text = bytes <= longestText ? await remote.read(manifestPath(path), signal) : undefined;
    return [examine(path, text, found.get(path)?.bytes)];
  });
  return [...examined.filter(({ path }) => !paths.has(path)), ...(await Promise.all(again)).flat()];
}

/**
 * What a manifest and the size of its object make together.
 * @param text undefined if it is too long to be one
 * @param bytes undefined if the object is not there; negative where the remote cannot tell
 */
export function examine(
  path: string,
  text: string | undefined,
  bytes: number | undefined,
): StoredBackup | Damaged {
  let manifest: Manifest;
  try {
    if (text === undefined) throw new UnreadableManifest("is too long to be one");
    manifest = parseManifest(text);
  } catch (error) {
    if (!(error instanceof UnreadableManifest)) throw error;
    return { path, problem: `has a manifest that ${error.message}`, manifest: undefined };
  }
  const { stored, started } = manifest;
  if (bytes === undefined) return { path, problem: "is not there, only its manifest is", manifest };
  if (bytes >= 0 && bytes !== stored.bytes)
    return { path, problem: `is ${bytes} bytes long, and its manifest says ${stored.bytes}`, manifest };
  const checksum = checksumOf(text ?? "") ?? "";
  return { path, manifest, checksum, bytes, startedAt: new Date(started) };
}

/**
 * What a backup is one of a row of: backups of the same database on the same server. Retention counts within one such
 * series, and status looks at each.
 */
export function seriesOf({ engine, server, scope, database }: Manifest): string {
  return JSON.stringify([engine, server.host, server.port, scope, database]);
}

/** Backups by their series, in their order. */
export function groupBySeries(backups: readonly StoredBackup[]): StoredBackup[][] {
  return [...Map.groupBy(backups, ({ manifest }) => seriesOf(manifest)).values()];
}

/** How a person calls what a backup is of. */
export function subjectOf(manifest: Manifest): string {
  return targetName(targetOf(manifest));
}

/** How a person calls the server that a backup is of. */
export function serverOf({ server }: Manifest): string {
  return `${server.host}:${server.port}`;
}

function byPath(left: { path: string }, right: { path: string }): number {
  return left.path < right.path ? -1 : 1;
}
