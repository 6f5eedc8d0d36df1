import { execa } from "execa";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { removeFolder, temporaryFolder } from "../../fixtures/folder.ts";
import { startFaultyProxy } from "../../fixtures/faulty-proxy.ts";
import { program } from "../../fixtures/program.ts";
import { manifestPath } from "../../../src/manifest.ts";
import { type Draw, describeDraw } from "./draw.ts";
import { inspectEarlier, inspectManifests, inspectObjects, type Violation } from "./invariants.ts";
import { filesOf, Place, type StoredFile } from "./place.ts";
import { marker, survivors } from "./processes.ts";
import type { Scene } from "./scene.ts";
import type { Site } from "./site.ts";
import { Wire } from "./wire.ts";

/** What became of one run. */
export interface RunReport {
  readonly draw: Draw;
  /** Whether the fault came before the run had ended. */
  readonly struck: boolean;
  /** Whether a new backup was stored all the same. */
  readonly committed: boolean;
  readonly exitCode: number;
  readonly violations: readonly Violation[];
}

/** After one of so many runs rcdump itself is asked whether the backup is good, and there is a good run even if nothing is left. */
const verifiedOf = 3;

/** How long what an entrypoint that was killed has started may outlive it, and its sessions, in milliseconds. */
const goneWithin = 15_000;

/** Holds an upload up, and keeps rclone from swallowing all of it at once, so that the dump takes as long as the upload. */
const slowness = { RCLONE_BWLIMIT: "4M", RCLONE_BUFFER_SIZE: "256K", RCLONE_S3_UPLOAD_CONCURRENCY: "1" };

/** A store that has gone is given up in seconds, as a user with little patience would have it. */
const impatience = {
  RCLONE_LOW_LEVEL_RETRIES: "3",
  RCLONE_RETRIES: "2",
  RCLONE_RETRIES_SLEEP: "200ms",
  RCLONE_CONTIMEOUT: "3s",
  RCLONE_TIMEOUT: "4s",
};

/** Makes one disturbed run, and looks at everything that was promised; then an undisturbed one, and looks again. */
export async function disturb(site: Site, draw: Draw): Promise<RunReport> {
  // Another campaign may be under way, and looks for its processes by the name of the run.
  const run = `run_${draw.number}_${process.pid}`;
  const place = new Place(site.store(draw.store), run);
  const [spool, temporary] = [temporaryFolder("campaign-spool"), temporaryFolder("campaign-tmp")];
  try {
    return await new Disturbance(site, draw, { run, place, spool, temporary }).report();
  } catch (error) {
    const detail = `${describeDraw(draw)}: it cannot be looked at: ${String(error).slice(0, 2000)}`;
    const violations = [{ promise: "whole" as const, detail }];
    return { draw, struck: true, committed: false, exitCode: -1, violations };
  } finally {
    await place.clear();
    for (const folder of [spool, temporary]) removeFolder(folder);
  }
}

class Disturbance {
  readonly #site: Site;
  readonly #draw: Draw;
  readonly #run: string;
  readonly #place: Place;
  readonly #spool: string;
  readonly #temporary: string;
  readonly #violations: Violation[] = [];

  constructor(site: Site, draw: Draw, own: { run: string; place: Place; spool: string; temporary: string }) {
    this.#site = site;
    this.#draw = draw;
    this.#run = own.run;
    this.#place = own.place;
    this.#spool = own.spool;
    this.#temporary = own.temporary;
  }

  async report(): Promise<RunReport> {
    const draw = this.#draw;
    const before = draw.taken ? await this.#putEarlier() : new Map<string, StoredFile>();
    const { struck, exitCodes, stderr } = await this.#disturbedRun();
    await this.#findSurvivors();
    const after = await this.#place.download();
    const tools = this.#site.tools(draw.engine);
    this.#violations.push(...inspectManifests(after), ...(await inspectObjects(after, tools)));
    const path = objectPath(draw);
    if (draw.taken) this.#violations.push(...(await inspectEarlier(path, before, after, tools)));
    const committed = isNew(manifestPath(path), before, after);
    this.#judge(exitCodes, committed, struck, stderr);
    if (committed && draw.number % verifiedOf === 0) await this.#verify();

    // Where nothing is left there is nothing that the next good run has to remove.
    const expected = [path, manifestPath(path)];
    const isClean = (await this.#leftovers(after, expected)).length === 0;
    if (!isClean || draw.number % verifiedOf === 0) {
      await this.#goodRun();
      const last = await this.#place.download();
      this.#violations.push(...inspectManifests(last));
      const left = [...(await this.#leftovers(last, expected)), ...absent(last, expected)];
      this.#violations.push(...left.map((detail): Violation => ({ promise: "leftovers", detail })));
    }
    return {
      draw,
      struck,
      committed,
      exitCode: exitCodes[0] ?? -1,
      violations: this.#violations.map(({ promise, detail }) => ({
        promise,
        detail: `${describeDraw(draw)}: ${detail}`,
      })),
    };
  }

  async #putEarlier(): Promise<ReadonlyMap<string, StoredFile>> {
    const folder = await this.#site.earlier(this.#draw);
    await this.#place.upload(folder);
    return filesOf(folder);
  }

  async #disturbedRun(): Promise<{ struck: boolean; exitCodes: number[]; stderr: string }> {
    const { fault, engine } = this.#draw;
    const store = this.#site.store(this.#draw.store);
    await using stack = new AsyncDisposableStack();
    const { port = 0 } = store;
    const wire = fault.network === "wire" ? stack.use(await Wire.to(port)) : undefined;
    const proxy = fault.network === "http" ? stack.use(await startFaultyProxy(port)) : undefined;
    const database = this.#site.database(engine);
    const { env, args } = await database.reach(this.#run);
    const others: ReturnType<typeof start>[] = [];
    let pid = 0;
    let ended = false;
    const end = Promise.withResolvers<void>();
    const scene: Scene = {
      run: this.#run,
      draw: this.#draw,
      database,
      wire,
      proxy,
      env: { ...this.#environment((wire ?? proxy)?.port), ...slowness, ...impatience, ...env },
      get pid() {
        return pid;
      },
      ended: () => ended,
      end: end.promise,
      startAnother: () => void others.push(start(scene.env, args)),
    };
    const undo = await fault.prepare?.(scene);
    const child = start(scene.env, args);
    pid = child.pid ?? 0;
    const ending = child.then((result) => {
      ended = true;
      end.resolve();
      return result;
    });
    const struck = await fault.strike(scene);
    const results = await Promise.all([ending, ...others]);
    if (undo) await undo();
    return {
      struck,
      exitCodes: results.map(({ exitCode, signal }) => exitCode ?? (signal === "SIGKILL" ? 137 : -1)),
      stderr: results.map(({ stderr }) => stderr.slice(-600)).join("\n"),
    };
  }

  #environment(port?: number): Record<string, string> {
    return {
      ...this.#place.env(port),
      ...this.#site.settings(this.#draw),
      TMPDIR: this.#temporary,
      ...(this.#draw.way === "staged" && { BACKUP_SPOOL_DIR: this.#spool }),
      [marker]: this.#run,
    };
  }

  /** Promises e and f, as far as they are about what is alive. */
  async #findSurvivors(): Promise<void> {
    for (const { pid, name } of await survivors(this.#run, goneWithin)) {
      this.#violations.push({ promise: "leftovers", detail: `${name} (${pid}) is still running` });
      process.kill(pid, "SIGKILL");
    }
    const database = this.#site.database(this.#draw.engine);
    const deadline = performance.now() + goneWithin;
    let sessions = await database.sessions(this.#run);
    while (sessions > 0 && performance.now() < deadline) sessions = await database.sessions(this.#run);
    if (sessions > 0) this.#violations.push({ promise: "sessions", detail: `${sessions} sessions` });
  }

  /** Promise a, by rcdump's own word. */
  async #verify(): Promise<void> {
    const run = `${this.#run}_verify`;
    const { env } = await this.#site.database(this.#draw.engine).reach(run);
    const variables = { ...this.#environment(), ...this.#site.identity, ...env, [marker]: run };
    const { exitCode, stderr } = await start(variables, ["verify", "--deep"]);
    if (exitCode !== 0)
      this.#violations.push({ promise: "restores", detail: `verify --deep says ${exitCode}: ${stderr}` });
  }

  /** Promise d. */
  #judge(exitCodes: readonly number[], committed: boolean, struck: boolean, stderr: string): void {
    const { fault } = this.#draw;
    const lie = (detail: string): void =>
      void this.#violations.push({ promise: "exitCode", detail: `${detail}: ${stderr}` });
    for (const exitCode of exitCodes)
      if (exitCode !== 0 && !(struck && fault.exitCodes.includes(exitCode)))
        lie(`${exitCode} is not what became of it`);
    if (exitCodes.includes(0) !== committed && !(committed && struck && fault.exitCodes.length > 0))
      lie(`${exitCodes.join(" and ")}, and ${committed ? "a" : "no"} new backup`);
  }

  async #goodRun(): Promise<void> {
    const run = `${this.#run}_good`;
    const { env, args } = await this.#site.database(this.#draw.engine).reach(run);
    const { exitCode, stderr } = await start({ ...this.#environment(), ...env, [marker]: run }, args);
    if (exitCode !== 0)
      this.#violations.push({
        promise: "exitCode",
        detail: `the next run failed with ${exitCode}: ${stderr}`,
      });
  }

  /** Promise e: what there is beside a backup. */
  async #leftovers(now: ReadonlyMap<string, StoredFile>, expected: readonly string[]): Promise<string[]> {
    return [
      ...[...now.keys()].filter((path) => !expected.includes(path)),
      ...readdirSync(this.#spool).map((name) => join("spool", name)),
      ...readdirSync(this.#temporary)
        .filter((name) => !isTrial(join(this.#temporary, name)))
        .map((name) => join("tmp", name)),
      ...(this.#draw.fault.leavesParts === true ? [] : await this.#place.pendingUploads()),
    ];
  }
}

/** Whether it is the empty file by which rclone finds out how exactly a file system keeps times; it is gone in a millisecond, unless rclone is. */
function isTrial(file: string): boolean {
  return /^rclone\d+$/.test(basename(file)) && statSync(file).size === 0;
}

function start(env: Record<string, string>, args: readonly string[]) {
  return execa("node", [program, ...args], { env, extendEnv: false, reject: false, stdin: "ignore" });
}

function objectPath({ compression, encrypted }: Draw): string {
  const suffix = { gzip: ".gz", zstd: ".zst", none: "" }[compression];
  return `nightly.sql${suffix}${encrypted ? ".age" : ""}`;
}

function absent(now: ReadonlyMap<string, StoredFile>, expected: readonly string[]): string[] {
  return expected.filter((path) => !now.has(path)).map((path) => `no ${path}`);
}

function isNew(
  path: string,
  before: ReadonlyMap<string, StoredFile>,
  after: ReadonlyMap<string, StoredFile>,
): boolean {
  return after.has(path) && after.get(path)?.sha256 !== before.get(path)?.sha256;
}
