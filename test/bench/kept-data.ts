import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

interface Options {
  /** The folder where data are kept; undefined if they are not. */
  readonly keep: string | undefined;
  /** What they follow from: data of other keys are other data. */
  readonly key: readonly string[];
  /** The server's data folder. */
  readonly data: string;
  readonly tell: (what: string) => void;
  make(): Promise<void>;
  /** Ends the server in such a way that its data are whole. */
  shutDown(): Promise<void>;
  startAgain(): Promise<void>;
  /** Makes a server with data of another one what it was before. */
  adopt(): Promise<void>;
}

/** Fills a server: with data that are kept, or else with new ones, which are kept then. What is kept is never changed or removed. */
export async function keptOrMade({ keep, key, data, tell, ...server }: Options): Promise<void> {
  const [name = "data"] = key;
  const kept =
    keep && join(keep, `${name}-${createHash("sha256").update(key.join("\0")).digest("hex").slice(0, 12)}`);
  if (kept !== undefined && kept !== "" && existsSync(kept)) {
    tell(`${name}: takes the data from ${kept}`);
    await server.shutDown();
    await rm(data, { recursive: true });
    await copy(kept, data);
    await server.startAgain();
    await server.adopt();
    return;
  }
  tell(`${name}: makes the data`);
  await server.make();
  if (!kept) return;
  await server.shutDown();
  await mkdir(keep, { recursive: true });
  await copy(data, `${kept}.partial-${process.pid}`);
  await rename(`${kept}.partial-${process.pid}`, kept);
  await server.startAgain();
}

/** With owners and modes, which the servers look at. */
async function copy(from: string, to: string): Promise<void> {
  await execa("cp", ["-a", "--reflink=auto", from, to]);
}
