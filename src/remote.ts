import type { Readable, Writable } from "node:stream";
import type { StreamLimit } from "./stream-chunks.ts";
import type { Subprocesses } from "./subprocess.ts";

/** What no manifest comes near, in bytes. */
export const longestText = 1024 * 1024;

/** An object that lies in the remote. */
export interface StoredObject {
  readonly path: string;
  readonly bytes: number;
  /** When it was last written, as the remote tells it. */
  readonly modified: string;
}

/** Whether nobody has written an object anew, as far as the remote can tell. */
export function isSameObject(before: StoredObject, now: StoredObject | undefined): boolean {
  return now !== undefined && now.bytes === before.bytes && instantOf(now) === instantOf(before);
}

/** rclone writes times in the zone of its process. What is no time is compared as it is. */
function instantOf({ modified }: StoredObject): number | string {
  return Date.parse(modified) || modified;
}

/** How a remote stores. */
export interface RemoteTraits {
  /** What rclone calls it, for a person to read. */
  readonly description: string;
  /** An object appears whole or not at all, so that uploads may go straight to their final name. */
  readonly atomic: boolean;
  /** A disk of this machine, on which many small requests cost no time even one after the other. */
  readonly local: boolean;
  /** Which folder of this machine it is, if it is one. */
  readonly folder?: string | undefined;
  /** Answers many requests at once. */
  readonly concurrent: boolean;
  /** Takes a stream of unknown size; otherwise rclone itself spools it to the temporary folder first. */
  readonly streams: boolean;
  /** Takes names that differ in the case of letters for one and the same, as Windows does. */
  readonly ignoresCase: boolean;
  /** Keeps the parts of an upload that was killed until they are aborted, at the owner's cost, as S3 does. */
  readonly keepsParts: boolean;
}

/** A dump that is to be uploaded. */
export interface DumpUpload {
  /** The size of its database; undefined if it is not known. */
  readonly bytes: number | undefined;
  /** Whose run it is of: what lies on this machine meanwhile is called by it. */
  readonly runId: string;
}

/** The texts of many objects. */
export interface Texts {
  /** By path. */
  readonly named: ReadonlyMap<string, string>;
  /** Those of which the path is not known, one after the other in any order. */
  readonly unnamed: string;
}

/**
 * Where backups are stored. Paths are relative to the folder that the settings name, with `/` between
 * segments. Every method fails with a BackupError of the operation `remote` unless it says otherwise.
 */
export interface Remote {
  /** Asks rclone what kind of store this is. A remote that is not configured fails here. */
  traits(signal?: AbortSignal): Promise<RemoteTraits>;
  /** Those objects of exactly these names that exist, by path. This reaches out to the store, and so tells whether it answers. */
  find(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, StoredObject>>;
  /** All objects whose paths are these or differ from them in the case of letters only. */
  findAnyCase(paths: readonly string[], signal?: AbortSignal): Promise<StoredObject[]>;
  /** All objects in and below the remote's folder whose file names match an rclone filter pattern. */
  list(pattern: string, signal?: AbortSignal): Promise<StoredObject[]>;
  /** The size in bytes of every object in and below the folder, by path. Times would cost a request each on some stores. */
  inventory(signal?: AbortSignal): Promise<Map<string, number>>;
  /** The texts of all objects whose file names match, in the quickest way. Those of more than {@link longestText} bytes are left out. */
  readAll(pattern: string, signal?: AbortSignal): Promise<Texts>;
  /** The texts of these objects, by path. Those that do not exist are left out. */
  readEach(paths: readonly string[], signal?: AbortSignal): Promise<Map<string, string>>;
  /** Streams an object that exists. Some stores end such a stream early, and well, when the object is not there. */
  open(path: string, children: Subprocesses): Readable;
  /**
   * Starts an upload. The stream finishes when the object is stored. If it is destroyed nothing is committed: on an
   * atomic remote nothing appears, on others a truncated object may be left at `path`.
   * @param dump what is written is a dump; without it, it is small
   */
  write(path: string, children: Subprocesses, dump?: DumpUpload): Promise<Writable>;
  /**
   * How long a dump {@link write} can store.
   * @param bytes the size of its database; undefined if it is not known
   */
  streamLimit(bytes: number | undefined, signal?: AbortSignal): Promise<StreamLimit>;
  /** Uploads a local file, with rclone's own retries. Fails with the operation `upload`. */
  send(file: string, path: string, signal?: AbortSignal): Promise<void>;
  /** The text of a small object that exists. */
  read(path: string, signal?: AbortSignal): Promise<string>;
  /**
   * Gives an object another name. This is not cancelled, and ends by itself.
   * @param options.replace whether an object that has the name already is replaced; otherwise that is an error
   */
  move(from: string, to: string, options: { replace: boolean }): Promise<void>;
  /** Removes an object that exists. */
  remove(path: string): Promise<void>;
  /** Removes those of these objects that exist. If that fails some of them may be gone. */
  removeAll(paths: readonly string[], signal?: AbortSignal): Promise<void>;
  /**
   * The paths of uploads that began before a moment and were neither finished nor aborted, where a store keeps their parts and has no
   * object of the name.
   */
  unfinishedUploads(before: Date, signal?: AbortSignal): Promise<string[]>;
  /** Aborts those among the uploads to this path that began before a moment. */
  abortUploads(path: string, before: Date, signal?: AbortSignal): Promise<void>;
  /** Removes what a {@link write} to this path left that did not finish. Never a whole object of an atomic remote. */
  discard(path: string, signal?: AbortSignal): Promise<void>;
}
