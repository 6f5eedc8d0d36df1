import pino from "pino";
import { describe, expect, test } from "vitest";
import { readCatalogue } from "../../src/catalogue.ts";
import type { Config } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import type { Engine } from "../../src/engines/engine.ts";
import { newRunId } from "../../src/job.ts";
import { parseManifest } from "../../src/manifest.ts";
import { Progress } from "../../src/progress.ts";
import { carryOutVerdicts, findAbandoned, findUnfinished, judge, pruneAfter } from "../../src/pruning.ts";
import { isPruneJournal } from "../../src/prune-journal.ts";
import type { Remote } from "../../src/remote.ts";
import type { RetentionPolicy } from "../../src/retention.ts";
import { dumpText, every, filesOf, manifestOf, type Past, pathOf } from "../fixtures/history.ts";
import { MemoryRemote, rcloneFailure, type Step } from "../fixtures/memory-remote.ts";

const hour = 3600;
const now = new Date("2026-03-01T12:00:00Z");
const tomorrow = new Date("2026-03-02T12:00:01Z");
const afterwards = new Date("2026-03-03T12:00:02Z");
const lastTwo: RetentionPolicy = { last: 2 };

/** Five of `app`, of which the last two are to stay, and what looks like it and is something else. */
const app: Past[] = every(24 * hour, "2026-02-01T01:00:00Z", 5).map((started) => ({ started }));
const neighbours: Past[] = [
  ...every(24 * hour, "2026-01-01T02:00:00Z", 2).map((started) => ({ database: "app_test", started })),
  ...every(24 * hour, "2026-01-01T03:00:00Z", 2).map((started) => ({ host: "db2.example.org", started })),
  ...every(24 * hour, "2026-01-01T04:00:00Z", 2).map((started) => ({ port: 5433, started })),
  ...every(24 * hour, "2026-01-01T05:00:00Z", 3).map((started): Past => ({
    engine: "mariadb",
    database: "app",
    started,
    path: `m/${started.slice(0, 10)}.sql`,
  })),
];
const bystanders: [path: string, text: string][] = [
  ["app-2026-02-01T00-00-00Z.sql.gz", "the predecessor's, without a manifest"],
  ["notes.txt", "somebody's"],
  ["gone.sql.gz.manifest.json", manifestOf({ started: "2026-02-28T00:00:00.000Z" })],
  ["cut.sql.gz", "-- half"],
  ["cut.sql.gz.manifest.json", manifestOf({ started: "2026-02-28T01:00:00.000Z" })],
];
const kept = [...bystanders, ...filesOf([...neighbours, ...app.slice(3)])].map(([path]) => path).toSorted();

interface Told {
  readonly level: string;
  readonly msg: string;
  readonly hint?: string;
}

function contextFor(remote: Remote, policy: RetentionPolicy = lastTwo): { context: Context; told: Told[] } {
  const told: Told[] = [];
  const config: Config = {
    engine: "postgres",
    databases: ["app"],
    globals: false,
    shard: undefined,
    fileName: undefined,
    timeZone: "UTC",
    remote: "memory:",
    recipients: [],
    compression: { format: "none" },
    concurrency: 1,
    overwrite: true,
    spoolFolder: undefined,
    wait: 0,
    timeout: undefined,
    retention: policy,
    environment: {},
  };
  const context: Context = {
    config,
    remote,
    engine: { name: "postgres", format: "sql" } as Engine,
    log: pino(
      { base: null, formatters: { level: (level) => ({ level }) } },
      { write: (line: string) => told.push(JSON.parse(line) as Told) },
    ),
    progress: new Progress({ write: () => {} }),
    startedAt: now,
    now: () => now,
    isInstalled: () => false,
    vanishing: () => undefined,
    signal: new AbortController().signal,
    identities: async () => [],
    ask: async () => undefined,
    print: () => {},
  };
  return { context, told };
}

function fill(remote: MemoryRemote, ...histories: (readonly Past[])[]): void {
  for (const [path, text] of [...filesOf(histories.flat()), ...bystanders]) remote.place(path, text);
}

/** As `rcdump prune` does it. */
async function prune(remote: Remote, at = now): Promise<void> {
  const context = { ...contextFor(remote).context, now: () => at };
  const catalogue = await readCatalogue(remote);
  const backups = catalogue.backups.filter(({ manifest }) => manifest.engine === "postgres");
  await carryOutVerdicts(context, catalogue, judge(context, backups, lastTwo));
}

/** What must not be seen at any moment. */
function faultsOf(remote: MemoryRemote): string[] {
  const faults: string[] = [];
  for (const [path, text] of bystanders)
    if (remote.content(path)?.toString() !== text) faults.push(`${path} was touched`);
  for (const past of [...neighbours, ...app.slice(3)])
    for (const [path, text] of filesOf([past]))
      if (remote.content(path)?.toString() !== text) faults.push(`${path}, which stays, was touched`);
  for (const path of app.slice(0, 3).map(pathOf)) {
    const text = remote.content(`${path}.manifest.json`)?.toString();
    if (text === undefined) continue;
    if (remote.content(path)?.length !== parseManifest(text).stored.bytes)
      faults.push(`${path} has a manifest and is not whole`);
  }
  return faults;
}

function isNote(path: string): boolean {
  return isPruneJournal(path.replace(/\.[0-9a-f]{8}-[0-9a-z]+\.partial$/, ""));
}

/** When a step that was chosen goes wrong, and what goes wrong with it. */
const blows: Record<string, (step: Step, chosen: number) => boolean> = {
  "everything ends before it": ({ number, moment }, chosen) => number >= chosen && moment === "before",
  "it fails": ({ number, moment }, chosen) => number === chosen && moment === "before",
  "its answer is lost": ({ number, moment }, chosen) => number === chosen && moment === "after",
};

/** A prune in which a blow falls, and one on each of the next two days. `left` is what lies there between these. */
async function strike(
  atomic: boolean,
  isStruck: (step: Step) => boolean,
): Promise<{ left: string[]; notes: string[]; steps: number; broken: string[] }> {
  let isOver = false;
  const broken = new Set<string>();
  const look = (): void => {
    for (const fault of faultsOf(remote)) broken.add(`${fault}, after ${remote.done.at(-1) ?? "nothing"}`);
  };
  const remote = new MemoryRemote({
    atomic,
    onChange: look,
    onStep: (step) => {
      if (!isOver && isStruck(step)) throw new Error(`struck ${step.moment} ${step.name}`);
    },
  });
  isOver = true;
  fill(remote, neighbours, app);
  isOver = false;
  await prune(remote).catch(() => {});
  look();
  const { steps } = remote;
  isOver = true;
  await prune(remote, tomorrow);
  look();
  const left = remote.paths;
  await prune(remote, afterwards);
  look();
  return { left, notes: remote.paths.filter(isPruneJournal), steps, broken: [...broken] };
}

describe.for([true, false])("a prune, atomic: %s", (atomic) => {
  test("that nothing disturbs removes what the policy says, and nothing else", async () => {
    const { left, broken, steps } = await strike(atomic, () => false);
    expect(broken).toEqual([]);
    expect(left).toEqual(kept);
    expect(steps).toBeGreaterThan(8);
  });

  describe.for(Object.keys(blows))("struck at any step so that %s", (blow) => {
    async function strikeEach(
      look: (struck: Awaited<ReturnType<typeof strike>>) => string[],
    ): Promise<string[]> {
      const { steps } = await strike(atomic, () => false);
      const failures: string[] = [];
      for (let chosen = 0; chosen < steps; chosen++) {
        let name = "";
        const struck = await strike(atomic, (step) => {
          if (step.number === chosen) name = step.name.replaceAll(/[0-9a-f]{12}|[0-9a-f]{8}-\w+/g, "…");
          return blows[blow]?.(step, chosen) === true;
        });
        failures.push(...look(struck).map((what) => `${chosen}, ${name}: ${what}`));
      }
      return failures;
    }

    test("breaks no promise, and the next one leaves what the policy says", async () => {
      const failures = await strikeEach(({ left, broken }) => {
        const others = left.filter((path) => !isNote(path));
        return others.join() === kept.join() ? broken : [...broken, `left ${others.join(", ")}`];
      });
      expect(failures).toEqual([]);
    });

    test("leaves no note behind the one after that", async () => {
      expect(await strikeEach(({ notes }) => notes)).toEqual([]);
    });

    test("leaves nothing that --incomplete does not clear away later", async () => {
      const failures = await strikeEach(({ left }) => left.filter((path) => path.endsWith(".partial")));
      for (const path of failures.map((failure) => failure.replace(/.*: /, ""))) {
        const remote = new MemoryRemote({ atomic });
        remote.place(path, "{");
        const { context } = contextFor(remote);
        const young = new Date("2026-03-02T12:00:00Z");
        expect(
          await findAbandoned({ ...context, now: () => young }, await readCatalogue(remote)),
          path,
        ).toEqual([]);
        expect(await findAbandoned({ ...context, now: () => tomorrow }, await readCatalogue(remote))).toEqual(
          [path],
        );
      }
    });
  });
});

/** The same remote, at which every call waits until it may go on. Removals are made one by one. */
function gated(remote: MemoryRemote, pass: () => Promise<void>): Remote {
  const after = async <T>(work: () => Promise<T>): Promise<T> => {
    await pass();
    return work();
  };
  return {
    traits: () => remote.traits(),
    find: (paths) => after(() => remote.find(paths)),
    findAnyCase: (paths) => after(() => remote.findAnyCase(paths)),
    list: (pattern) => after(() => remote.list(pattern)),
    inventory: () => after(() => remote.inventory()),
    readEach: (paths) => after(() => remote.readEach(paths)),
    readAll: (pattern) => after(() => remote.readAll(pattern)),
    open: (path) => remote.open(path),
    streamLimit: () => remote.streamLimit(),
    write: (path) => after(() => remote.write(path)),
    send: (file, path) => after(() => remote.send(file, path)),
    read: (path) => after(() => remote.read(path)),
    move: (from, to, options) => after(() => remote.move(from, to, options)),
    remove: (path) => after(() => remote.remove(path)),
    removeAll: async (paths) => {
      for (const path of paths) await after(() => remote.removeAll([path]));
    },
    unfinishedUploads: (before) => after(() => remote.unfinishedUploads(before)),
    abortUploads: (path, before) => after(() => remote.abortUploads(path, before)),
    discard: (path) => after(() => remote.discard(path)),
  };
}

/** Something that runs until it has made so many calls, and then only when it is let. */
function startPausing(
  remote: MemoryRemote,
  calls: number,
  work: (remote: Remote) => Promise<void>,
): { paused: Promise<unknown>; goOn: () => Promise<void> } {
  const pausing = Promise.withResolvers<void>();
  const resumed = Promise.withResolvers<void>();
  let made = 0;
  const ended = work(
    gated(remote, async () => {
      if (made++ < calls) return;
      pausing.resolve();
      await resumed.promise;
    }),
  );
  // What it fails with is looked at when it goes on.
  const settled = ended.catch(() => {});
  return {
    paused: Promise.race([pausing.promise, settled]),
    goOn: () => {
      resumed.resolve();
      return ended;
    },
  };
}

const pairs = [true, false].flatMap((atomic) => [false, true].map((noted) => ({ atomic, noted })));

test.for(pairs)(
  "two prunes at once do not get in each other's way, wherever each of them is; $atomic, $noted",
  async ({ atomic, noted }) => {
    const failures: string[] = [];
    for (let first = 0; first < 16; first++)
      for (let second = 0; second < 16; second++) {
        const remote = new MemoryRemote({ atomic });
        fill(remote, neighbours, app);
        if (noted) await placeNote(remote, app.slice(0, 2).map(pathOf));
        const one = startPausing(remote, first, prune);
        await one.paused;
        const other = startPausing(remote, second, prune);
        await other.paused;
        const at = `after ${first} and ${second} calls`;
        const fail = (who: string) => (error: unknown) =>
          failures.push(`${at} ${who} failed: ${String(error)}`);
        await one.goOn().catch(fail("one"));
        await other.goOn().catch(fail("the other"));
        await prune(remote, tomorrow);
        await prune(remote, afterwards);
        if (remote.paths.join() !== kept.join()) failures.push(`${at} there is ${remote.paths.join(", ")}`);
      }
    expect(failures).toEqual([]);
  },
);

/** What a prune left that was cut off yesterday, before it had removed anything. */
async function placeNote(remote: MemoryRemote, paths: readonly string[]): Promise<void> {
  const objects = [...(await remote.find(paths)).values()];
  const writtenAt = new Date("2026-02-28T12:00:00Z");
  remote.place("rcdump-prune-0123456789ab.json", JSON.stringify({ writtenAt, objects }));
}

test("a prune that is killed while another is at work leaves no orphan for good", async () => {
  const failures: string[] = [];
  for (const atomic of [true, false])
    for (let killed = 0; killed < 16; killed++)
      for (let second = 0; second < 16; second++) {
        const remote = new MemoryRemote({ atomic });
        fill(remote, neighbours, app);
        await placeNote(remote, app.slice(0, 2).map(pathOf));
        const other = startPausing(remote, second, prune);
        await other.paused;
        await startPausing(remote, killed, prune).paused;
        await other.goOn().catch(() => {});
        await prune(remote, tomorrow);
        const left = remote.paths.filter((path) => !isNote(path));
        const orphans = left.filter((path) => !kept.includes(path));
        if (left.join() !== kept.join())
          failures.push(
            `atomic ${atomic}, killed after ${killed}, other at ${second}: ${orphans.join(", ")}`,
          );
      }
  expect(failures).toEqual([]);
});

test("a backup that was replaced since it was judged stays", async () => {
  const remote = new MemoryRemote({ atomic: true });
  fill(remote, app);
  const { context } = contextFor(remote);
  const catalogue = await readCatalogue(remote);
  const verdicts = judge(context, catalogue.backups, lastTwo);
  const [path = ""] = app.map(pathOf);
  // In the meantime a run that uses names in turn has made a backup under the oldest of them.
  remote.place(path, dumpText);
  remote.place(`${path}.manifest.json`, manifestOf({ started: "2026-03-01T11:59:00.000Z" }));
  await carryOutVerdicts(context, catalogue, verdicts);
  expect(remote.paths).toContain(path);
  expect(remote.paths).toContain(`${path}.manifest.json`);
});

describe("what is judged", () => {
  async function keptOf(history: readonly Past[], policy: RetentionPolicy): Promise<string[]> {
    const remote = new MemoryRemote({ atomic: true });
    fill(remote, history);
    const { backups } = await readCatalogue(remote);
    return judge(contextFor(remote).context, backups, policy)
      .filter(({ keep }) => keep)
      .map(({ backup }) => backup.path);
  }

  test("each series by itself, so that the newest of each stays whatever the policy is", async () => {
    expect((await keptOf([...app, ...neighbours], { last: 0 })).toSorted()).toEqual(
      [app[4], neighbours[1], neighbours[3], neighbours[5], neighbours[8]]
        .map((past) => pathOf(past as Past))
        .toSorted(),
    );
  });

  test("neither what is damaged nor what is incomplete pushes out a backup", async () => {
    // bystanders are newer than all of these: one cut short, one whose object is gone, one without a manifest.
    expect(await keptOf(app, lastTwo)).toEqual([app[4], app[3]].map((past) => pathOf(past as Past)));
  });

  test("what is dated in the future stays, and pushes out nothing", async () => {
    const future = { started: "2030-01-01T00:00:00.000Z" };
    expect(await keptOf([...app, future], { last: 1 })).toEqual([future, app[4] as Past].map(pathOf));
  });

  test("one database, a whole server and its roles are series of their own", async () => {
    const scopes: Past[] = [
      { started: "2026-01-01T00:00:00.000Z", scope: "server", database: null, path: "all.sql" },
      { started: "2026-01-01T00:00:00.000Z", scope: "globals", database: null, path: "globals.sql" },
      { started: "2026-01-01T00:00:00.000Z", path: "app.sql" },
    ];
    expect((await keptOf(scopes, { last: 1 })).toSorted()).toEqual(["all.sql", "app.sql", "globals.sql"]);
  });
});

describe("after a backup", () => {
  /** A backup just made, of the given age by its own clock. */
  async function pruneAfterMaking(past: Past, history: readonly Past[]): Promise<MemoryRemote> {
    const remote = new MemoryRemote({ atomic: true });
    fill(remote, history, [past]);
    await pruneAfter(contextFor(remote).context, [
      { path: pathOf(past), manifest: parseManifest(manifestOf(past)) },
    ]);
    return remote;
  }

  test("only its own series is pruned", async () => {
    const crm = every(24 * hour, "2026-01-01T06:00:00Z", 4).map((started) => ({ database: "crm", started }));
    const made = { started: now.toISOString() };
    const remote = await pruneAfterMaking(made, [...app, ...neighbours, ...crm]);
    const left = [...bystanders, ...filesOf([...neighbours, ...crm, app[4] as Past, made])];
    expect(remote.paths).toEqual(left.map(([path]) => path).toSorted());
  });

  test("what was just made stays, though the clock went back and it seems the oldest", async () => {
    const made = { started: "2020-01-01T00:00:00.000Z" };
    const remote = await pruneAfterMaking(made, app);
    const left = [...bystanders, ...filesOf([...app.slice(3), made])];
    expect(remote.paths).toEqual(left.map(([path]) => path).toSorted());
  });

  test("nothing is done where nothing was made", async () => {
    const remote = new MemoryRemote({ atomic: true });
    fill(remote, app);
    await pruneAfter(contextFor(remote).context, []);
    expect(remote.done).toEqual([]);
  });

  test("a store that fails is warned of, and no more", async () => {
    const remote = new MemoryRemote({
      atomic: true,
      onStep: ({ name, moment }) => {
        if (moment === "before" && name.startsWith("remove "))
          throw rcloneFailure({ exitCode: 1, stderr: "AccessDenied: 403 Forbidden" });
      },
    });
    fill(remote, app);
    const { context, told } = contextFor(remote);
    const [past] = app as [Past, ...Past[]];
    await pruneAfter(context, [{ path: "x", manifest: parseManifest(manifestOf(past)) }]);
    expect(told).toEqual([
      expect.objectContaining({
        level: "warn",
        msg: expect.stringMatching(
          /^could not prune: these credentials may not remove the backup \S+ and \d+ more: AccessDenied: 403 Forbidden$/,
        ),
        hint: "allow it, or unset KEEP_* and leave the removal to rules of the store's own",
      }),
    ]);
    expect(faultsOf(remote).filter((fault) => /not whole/.test(fault))).toEqual([]);
  });
});

describe("uploads that were cut off", () => {
  /** MemoryRemote dates what is placed in it from the first of January on. */
  const dated = Date.UTC(2026, 0, 1);
  /** When no run can have begun: there was no such program. */
  const tooOld = newRunId("0123abcd", new Date("2025-12-31T00:00:00Z"));
  const old = newRunId("0123abcd", new Date("2026-01-01T00:00:00.500Z"));
  const young = newRunId("0123abcd", new Date("2026-01-02T11:00:00Z"));

  async function abandonedOf(path: string, at: Date): Promise<string[]> {
    const remote = new MemoryRemote({ atomic: false });
    remote.place(path, "half");
    const { context } = contextFor(remote);
    return findAbandoned({ ...context, now: () => at }, await readCatalogue(remote));
  }

  test.for([`app.sql.gz.${old}.partial`, `daily/app.sql.gz.manifest.json.${old}.partial`])(
    "%s is one",
    async (path) => {
      expect(await abandonedOf(path, new Date("2026-01-02T12:00:00Z"))).toEqual([path]);
    },
  );

  test("parts that a store keeps of one are found after a week, and removed", async () => {
    const remote = new MemoryRemote({ atomic: true });
    remote.uploads.set("app.sql.gz", new Date("2026-01-01T11:00:00Z"));
    remote.uploads.set("young.sql.gz", new Date("2026-01-02T11:00:00Z"));
    const context = { ...contextFor(remote).context, now: () => new Date("2026-01-08T12:00:00Z") };
    const unfinished = await findUnfinished(context);
    expect(unfinished).toEqual(["app.sql.gz"]);
    await carryOutVerdicts(context, await readCatalogue(remote), [], [], unfinished);
    expect([...remote.uploads.keys()]).toEqual(["young.sql.gz"]);
  });

  test("one that began within a day may be under way, however old the object says it is", async () => {
    expect(await abandonedOf(`app.sql.gz.${young}.partial`, new Date("2026-01-03T10:59:00Z"))).toEqual([]);
    expect(await abandonedOf(`app.sql.gz.${young}.partial`, new Date("2026-01-03T11:01:00Z"))).toHaveLength(
      1,
    );
  });

  test("one that was written to within a day may be under way, however long ago it began", async () => {
    const lastWritten = dated + 1000;
    const day = 24 * hour * 1000;
    expect(await abandonedOf(`app.sql.gz.${old}.partial`, new Date(lastWritten + day))).toEqual([]);
    expect(await abandonedOf(`app.sql.gz.${old}.partial`, new Date(lastWritten + day + 1))).toHaveLength(1);
  });

  test.for([
    "app.sql.gz.partial",
    "film.mkv.partial",
    `app.sql.gz.${old}.partial.txt`,
    `app.sql.gz.${old}`,
    // A date and a time, which are hexadecimal digits too.
    "dump.20240101-120000.partial",
    "dump.20240101-20240101.partial",
    "x.deadbeef-abcdef.partial",
    "x.00000000-00000000000000000000.partial",
    "dump.20240101-120000123456.partial",
    `app.sql.gz.${tooOld}.partial`,
  ])("%s is somebody else's", async (path) => {
    expect(await abandonedOf(path, new Date("2026-03-01"))).toEqual([]);
  });
});
