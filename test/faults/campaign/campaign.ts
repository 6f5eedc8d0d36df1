import { execa } from "execa";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../fixtures/folder.ts";
import { type PostgresServer, startPostgres } from "../../fixtures/postgres.ts";
import { program } from "../../fixtures/program.ts";
import { type Fault, faults } from "./faults.ts";
import { Completeness, inspectStore, type Violation } from "./invariants.ts";
import { marker, survivors } from "./processes.ts";
import { seeded } from "./random.ts";
import { startStore, type Store, type StoreName } from "./stores.ts";

/** One row of the kill table. */
export interface Cell {
  readonly store: StoreName;
  readonly fault: string;
  runs: number;
  /** Runs in which the fault struck before the run had ended. */
  struck: number;
  /** Runs that had stored a new backup all the same. */
  committed: number;
  readonly violations: (Violation & { run: string })[];
}

export interface CampaignOptions {
  readonly stores: readonly StoreName[];
  readonly faults: readonly string[];
  /** In which the fault struck in time. */
  readonly runsPerCell: number;
  readonly seed: number;
  readonly onCell?: (cell: Cell) => void;
}

/** What 14 MB take at the limit that {@link Lane} sets, in milliseconds. */
const uploadTime = 850;

/** How long children may outlive an entrypoint that was killed, in milliseconds. */
const goneWithin = 10_000;

/** The name that every second run finds taken by a good backup. */
const takenName = "fixed";

/** Breaks backups at random moments, and after each looks whether the promises were kept. */
export async function runCampaign(options: CampaignOptions): Promise<Cell[]> {
  const folder = temporaryFolder("campaign");
  const identity = join(folder, "identity");
  await execa("age-keygen", ["-o", identity]);
  const { stdout: recipient } = await execa("age-keygen", ["-y", identity]);
  const database = await startPostgres();
  try {
    await createData(database);
    const lanes = options.stores.map(async (name, index) => {
      const store = await startStore(name);
      try {
        const lane = new Lane(store, database, {
          folder,
          recipient,
          identity,
          random: seeded(options.seed + index),
        });
        return await lane.run(options);
      } finally {
        await store.stop();
      }
    });
    return (await Promise.all(lanes)).flat();
  } finally {
    await database.stop();
  }
}

/** Some 28 MB of dump that compress to 14 MB: three parts of a multipart upload. */
async function createData(database: PostgresServer): Promise<void> {
  await database.createDatabase("victim");
  await database.psql(
    "victim",
    `CREATE TABLE noise (id int PRIMARY KEY, bytes text);
     INSERT INTO noise SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 30) j) FROM generate_series(1, 28000) i;`,
  );
}

interface LaneOptions {
  readonly folder: string;
  readonly recipient: string;
  readonly identity: string;
  readonly random: () => number;
}

/** The runs against one store, one after the other. */
class Lane {
  readonly #store: Store;
  readonly #database: PostgresServer;
  readonly #options: LaneOptions;
  readonly #completeness: Completeness;
  #runs = 0;
  /** How long an undisturbed run takes, in milliseconds. */
  #duration = 0;

  constructor(store: Store, database: PostgresServer, options: LaneOptions) {
    this.#store = store;
    this.#database = database;
    this.#options = options;
    this.#completeness = new Completeness(options.identity);
  }

  async run({ faults: wanted, runsPerCell, onCell }: CampaignOptions): Promise<Cell[]> {
    await this.#goodRun();
    const cells: Cell[] = [];
    for (const fault of faults.filter(({ name }) => wanted.includes(name))) {
      const cell: Cell = {
        store: this.#store.name,
        fault: fault.name,
        runs: 0,
        struck: 0,
        committed: 0,
        violations: [],
      };
      // A fault that comes too late disturbs nothing: such runs are looked at, but do not count.
      while (cell.struck < runsPerCell && cell.runs < 3 * runsPerCell)
        await this.#disturbedRun(fault, cell, cell.runs % 2 === 0);
      cells.push(cell);
      onCell?.(cell);
    }
    return cells;
  }

  async #disturbedRun(fault: Fault, cell: Cell, nameIsTaken: boolean): Promise<void> {
    const { random, folder } = this.#options;
    const run = this.#newRun();
    const name = nameIsTaken ? takenName : `fresh-${run}`;
    const path = `${name}.sql.gz.age`;
    const note = (violations: readonly Violation[]): void =>
      void cell.violations.push(
        ...violations.map((violation) => ({
          ...violation,
          run: `${this.#store.name}, ${fault.name}, ${run}`,
        })),
      );
    const before = await this.#store.download();

    const env = this.#environment(run, name);
    const prepared = fault.prepare?.(mkdtempSync(join(folder, "bin-")), random, env) ?? {};
    const child = this.#start({ ...env, ...prepared });
    let exited = false;
    const ending = child.then((result) => {
      exited = true;
      return result;
    });
    const victim = {
      run,
      pid: child.pid ?? 0,
      database: this.#database,
      runTime: this.#duration,
      uploadTime,
      ended: () => exited,
    };
    if (!fault.strike || (await fault.strike(victim, random()))) cell.struck++;
    const { exitCode, stderr } = await ending;

    const left = await survivors(run, goneWithin);
    for (const { pid, name: program } of left) {
      note([{ column: "processes", detail: program }]);
      process.kill(pid, "SIGKILL");
    }
    const after = await this.#store.download();
    note(await inspectStore(after, nameIsTaken ? { path, before } : undefined, this.#completeness));
    const isNew = after.get(`${path}.manifest.json`)?.sha256 !== before.get(`${path}.manifest.json`)?.sha256;
    const hasManifest = after.has(`${path}.manifest.json`);
    if (isNew && hasManifest) cell.committed++;
    if (exitCode === 0 && !(isNew && hasManifest))
      note([{ column: "exitCode", detail: `0 without a new backup: ${stderr}` }]);
    if (exitCode === 1) note([{ column: "exitCode", detail: `an unexpected error: ${stderr}` }]);

    // What a run that was cut off between upload and manifest leaves at a name of its own is shown as incomplete, never as
    // a backup; it is nobody's to remove but the owner's.
    for (const own of after.keys())
      if (!nameIsTaken && own.startsWith(path) && !own.endsWith(".partial")) await this.#store.remove(own);
    await this.#goodRun(nameIsTaken ? takenName : name);
    if (!nameIsTaken) for (const own of [path, `${path}.manifest.json`]) await this.#store.remove(own);
    const expected = new Set([`${takenName}.sql.gz.age`, `${takenName}.sql.gz.age.manifest.json`]);
    const rest = [...(await this.#store.download()).keys()].filter((own) => !expected.has(own));
    const pending = await this.#store.pendingUploads();
    note([...rest, ...pending].map((detail) => ({ column: "leftovers", detail })));
    for (const own of rest) await this.#store.remove(own);
    cell.runs++;
  }

  async #goodRun(name: string = takenName): Promise<void> {
    const start = performance.now();
    const { exitCode, stderr } = await this.#start(this.#environment(this.#newRun(), name));
    if (exitCode !== 0) throw new Error(`an undisturbed run failed with ${exitCode}: ${stderr}`);
    if (this.#duration === 0) this.#duration = performance.now() - start;
  }

  #newRun(): string {
    return `${this.#store.name}-${this.#runs++}`;
  }

  #start(env: Record<string, string>) {
    return execa("node", [program], { env, extendEnv: false, reject: false, stdin: "ignore" });
  }

  #environment(run: string, name: string): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: this.#options.folder,
      ...this.#store.env,
      ...this.#database.env,
      PGAPPNAME: run,
      BACKUP_ENGINE: "postgres",
      BACKUP_DATABASES: "victim",
      BACKUP_FILE_NAME: name,
      ENCRYPT_RECIPIENTS: this.#options.recipient,
      // The upload is made to take a while, and rclone not to swallow all of it at once, so that the dump takes as long.
      RCLONE_BWLIMIT: "16M",
      RCLONE_BUFFER_SIZE: "256K",
      RCLONE_S3_UPLOAD_CONCURRENCY: "1",
      [marker]: run,
    };
  }
}
