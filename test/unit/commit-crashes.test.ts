/**
 * Every moment at which a run can be struck, one by one: each step that its store takes, before or after it took effect,
 * alone or with everything after it.
 */
import { readdirSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pino from "pino";
import { describe, expect, test } from "vitest";
import { reserve } from "../../src/destination.ts";
import type { Config } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import { Deadline } from "../../src/deadline.ts";
import type { Engine } from "../../src/engines/engine.ts";
import { noteAbandonedUploads } from "../../src/leftovers.ts";
import { deliver, streamBackup } from "../../src/backup/make-backup.ts";
import type { Job } from "../../src/backup/run-dump.ts";
import { parseManifest } from "../../src/manifest.ts";
import { Progress } from "../../src/progress.ts";
import { Spool } from "../../src/spool.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { describeContent, manifestText, sha256 } from "../fixtures/manifests.ts";
import { MemoryRemote, type Step } from "../fixtures/memory-remote.ts";

const path = "app.sql";
const manifest = `${path}.manifest.json`;
const jobs = new Set(["0123abcd"]);
const fresh = "-- new dump\n";

/** What the name holds before the run: nothing, a backup, one of the same length, or an object without its manifest. */
const beginnings = {
  "a free name": [],
  "a backup of another length": [
    [path, "-- an earlier dump\n"] as const,
    [manifest, manifestText("-- an earlier dump\n")] as const,
  ],
  "a backup of the same length": [
    [path, "-- old dump\n"] as const,
    [manifest, manifestText("-- old dump\n")] as const,
  ],
  "an object without a manifest": [[path, "-- stump"] as const],
};
type Beginning = keyof typeof beginnings;

/** When a step that was chosen goes wrong, and what goes wrong with it. */
const blows: Record<string, (step: Step, chosen: number) => boolean> = {
  "everything ends before it": ({ number, moment }, chosen) => number >= chosen && moment === "before",
  "it fails": ({ number, moment }, chosen) => number === chosen && moment === "before",
  "its answer is lost": ({ number, moment }, chosen) => number === chosen && moment === "after",
};

interface Aftermath {
  readonly steps: number;
  readonly exitedWell: boolean;
  /** Each way in which a promise was broken, at any moment. */
  readonly broken: string[];
}

/** Makes one backup, in which a blow falls, and then has the next run mend it. */
async function strike(
  { manner, atomic, beginning }: Cell,
  isStruck: (step: Step) => boolean,
): Promise<Aftermath> {
  const { run, runAgain, isKept } = manners[manner]();
  let isOver = false;
  const broken = new Set<string>();
  const look = (): void => {
    for (const fault of faultsOf(remote, beginning, isKept))
      broken.add(`${fault}, after ${remote.done.at(-1) ?? "nothing"}`);
  };
  const remote = new MemoryRemote({
    atomic,
    onChange: look,
    onStep: (step) => {
      if (!isOver && isStruck(step)) throw new Error(`struck ${step.moment} ${step.name}`);
    },
  });
  for (const [name, content] of beginnings[beginning]) remote.place(name, content);
  const exitedWell = await run(remote).then(
    () => true,
    () => false,
  );
  look();
  if (exitedWell && !isBackup(remote, fresh)) broken.add("it ended well and there is no new backup");
  const { steps } = remote;
  isOver = true;
  await runAgain(remote);
  if (!isBackup(remote, fresh)) broken.add("the next run did not mend it");
  if (remote.paths.length > 2) broken.add(`the next run left ${remote.paths.join(", ")}`);
  return { steps, exitedWell, broken: [...broken] };
}

/** What must not be seen at any moment. */
function faultsOf(remote: MemoryRemote, beginning: Beginning, isKept: () => boolean): string[] {
  const faults: string[] = [];
  const text = remote.content(manifest)?.toString();
  if (text !== undefined) {
    const object = remote.content(path);
    if (!object || parseManifest(text).stored.sha256 !== sha256(object))
      faults.push("the manifest describes bytes that are not there");
  }
  const isTouched = earlierBackup(beginning).some(
    ([name, content]) => remote.content(name)?.toString() !== content,
  );
  if (isTouched && !hasWhole(remote, fresh) && !isKept())
    faults.push("the earlier backup is touched and the new one is not whole");
  const object = remote.content(path)?.toString();
  const allowed = [fresh, ...beginnings[beginning].map(([, content]) => content)];
  if (object !== undefined && !allowed.includes(object)) faults.push("half an object has the final name");
  return faults;
}

/** An object without a manifest is none. */
function earlierBackup(beginning: Beginning) {
  const objects = beginnings[beginning];
  return objects.some(([name]) => name === manifest) ? objects : [];
}

function hasWhole(remote: MemoryRemote, content: string): boolean {
  return remote.paths.some((name) => remote.content(name)?.toString() === content);
}

function isBackup(remote: MemoryRemote, content: string): boolean {
  const text = remote.content(manifest)?.toString();
  return (
    remote.content(path)?.toString() === content &&
    text !== undefined &&
    parseManifest(text).stored.sha256 === sha256(content)
  );
}

const unlimited = (): Deadline => new Deadline(undefined, new AbortController().signal);

/** The two ways in which a backup is made, each with what the next run does. */
const manners = {
  streamed: () => {
    const run = async (remote: MemoryRemote): Promise<void> => {
      const runId = `0123abcd-mi6ax3s0${String(++runs).padStart(4, "0")}`;
      const [destination] = await reserve(remote, [{ path, runId }], { overwrite: true });
      if (!destination) return;
      const sweep = await noteAbandonedUploads(remote, jobs);
      await streamBackup(contextFor(remote), { ...job, runId }, destination, unlimited());
      await sweep(jobs);
    };
    return { run, runAgain: run, isKept: () => false };
  },
  staged: () => {
    const folder = temporaryFolder("crashes");
    const spool = new Spool(folder);
    const send = async (remote: MemoryRemote): Promise<void> => {
      for (const spooled of await spool.unsent(jobs))
        await deliver(contextFor(remote), spool, spooled, unlimited());
    };
    const run = async (remote: MemoryRemote): Promise<void> => {
      const runId = `0123abcd-mi6ax3s0${String(++runs).padStart(4, "0")}`;
      await pipeline(Readable.from([Buffer.from(fresh)]), await spool.write(runId));
      await spool.finish(runId, path, describeContent(fresh));
      await send(remote);
    };
    const runAgain = async (remote: MemoryRemote): Promise<void> => {
      const sweep = await noteAbandonedUploads(remote, jobs);
      await send(remote);
      await sweep(jobs);
    };
    return { run, runAgain, isKept: () => readdirSync(folder).some((name) => name.endsWith(".dump")) };
  },
};

let runs = 0;

const job: Omit<Job, "runId"> = {
  planned: { target: { scope: "database", database: "app" }, path },
  server: { host: "db", port: 5432, product: "PostgreSQL 17.2", version: "17.2", databases: [] },
  program: { program: "pg_dump", version: "17.2" },
  dump: {
    command: {
      file: "printf",
      args: [fresh],
      env: { PATH: process.env["PATH"] },
      explain: (failure) => failure,
    },
    format: "sql",
    marks: { beginning: /^--/ },
    arguments: [],
  },
  compressor: undefined,
  startedAt: new Date("2026-01-02T03:04:05Z"),
  onRewritten: () => {},
};

function contextFor(remote: MemoryRemote): Context {
  const config: Config = {
    engine: "postgres",
    databases: ["app"],
    globals: false,
    shard: undefined,
    fileName: "app",
    timeZone: "UTC",
    remote: "memory:",
    recipients: [],
    compression: { format: "none" },
    concurrency: 1,
    overwrite: true,
    spoolFolder: undefined,
    wait: 0,
    timeout: undefined,
    retention: undefined,
    environment: {},
  };
  return {
    config,
    remote,
    engine: { name: "postgres", format: "sql" } as Engine,
    log: pino({ enabled: false }),
    progress: new Progress({ write: () => {} }),
    startedAt: new Date(),
    now: () => new Date(),
    isInstalled: () => false,
    vanishing: () => undefined,
    signal: new AbortController().signal,
    identities: async () => [],
    ask: async () => undefined,
    print: () => {},
  };
}

interface Cell {
  readonly manner: keyof typeof manners;
  readonly atomic: boolean;
  readonly beginning: Beginning;
}

const cells = (["streamed", "staged"] as const).flatMap((manner) =>
  [true, false].flatMap((atomic) =>
    (Object.keys(beginnings) as Beginning[]).map((beginning): Cell => ({ manner, atomic, beginning })),
  ),
);

describe.for(cells)("$manner, atomic: $atomic, with $beginning", (cell) => {
  test("a run that nothing disturbs leaves one backup and nothing else", async () => {
    const { exitedWell, broken, steps } = await strike(cell, () => false);
    expect({ exitedWell, broken }).toEqual({ exitedWell: true, broken: [] });
    expect(steps).toBeGreaterThanOrEqual(4);
  });

  test.for(Object.keys(blows))("no promise is broken, whichever step is struck so that %s", async (blow) => {
    const { steps } = await strike(cell, () => false);
    const failures: string[] = [];
    for (let chosen = 0; chosen < steps; chosen++) {
      let name = "";
      const { broken } = await strike(cell, (step) => {
        if (step.number === chosen) name = step.name;
        return blows[blow]?.(step, chosen) === true;
      });
      failures.push(...broken.map((what) => `${name}: ${what}`));
    }
    expect(failures).toEqual([]);
  });
});
