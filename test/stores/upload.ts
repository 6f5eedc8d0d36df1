import { readdirSync, readFileSync } from "node:fs";
import { finished } from "node:stream/promises";
import { newRunId } from "../../src/job.ts";
import type { Remote } from "../../src/remote.ts";
import { Subprocesses } from "../../src/subprocess.ts";
import { until } from "../fixtures/process.ts";

/** An upload under way. */
export interface Upload {
  /** Ends it as a run does that goes well. */
  readonly finish: () => Promise<void>;
  /** Ends it as a run does that fails. */
  readonly abort: () => Promise<void>;
  /** When it is over, well or not, and its processes have gone. */
  readonly gone: Promise<void>;
}

const runId = newRunId("0123abcd", new Date());

/** Begins an upload, and returns when all of this has been taken. */
export async function beginUpload(remote: Remote, path: string, content: Buffer): Promise<Upload> {
  const children = new Subprocesses(new AbortController().signal);
  const stream = await remote.write(path, children, { bytes: content.length, runId });
  const closed = new Promise<void>((resolve) => void stream.once("close", resolve));
  const gone = closed.then(() => children.ended());
  await new Promise<void>((resolve, reject) => {
    stream.write(content, (error) => (error ? reject(error) : resolve()));
  });
  return {
    gone,
    finish: () => finished(stream.end()),
    abort: () => {
      stream.destroy();
      return gone;
    },
  };
}

/** A process that is no child of this one. */
export interface Process {
  readonly pid: number;
  readonly gone: () => Promise<void>;
}

/** The rclone that uploads to this path. */
export function uploaderOf(path: string): Process {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = all.filter((pid) => {
    const [, verb, to = ""] = argumentsOf(pid);
    return verb === "rcat" && to.endsWith(`:${path}`);
  });
  const [pid = ""] = found;
  if (found.length !== 1) throw new Error(`${found.length} processes upload to ${path}`);
  return {
    pid: Number(pid),
    gone: () => until(`rclone has gone`, async () => argumentsOf(pid)[2]?.endsWith(path) !== true),
  };
}

/** Its command line; empty for one that has gone. */
function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}
