import pino from "pino";
import { describe, expect, test } from "vitest";
import type { Context } from "../../src/context.ts";
import { parseConfig } from "../../src/config.ts";
import { Postgres } from "../../src/engines/postgres.ts";
import type { DatabaseState, Load, Restorer } from "../../src/engines/restorer.ts";
import { BackupError } from "../../src/errors.ts";
import { Progress } from "../../src/progress.ts";
import {
  carryOut,
  describeState,
  examineServer,
  examineTarget,
  keptName,
  type Manner,
  type Restoration,
} from "../../src/restoration.ts";
import type { StoredDump } from "../../src/stored-dump.ts";
import { sha256 } from "../fixtures/manifests.ts";
import { MemoryRemote } from "../fixtures/memory-remote.ts";

const env = { PATH: process.env["PATH"] };
const dumpText = "-- dump\nSELECT 1;\n-- end\n";
const measure = { bytes: dumpText.length, sha256: sha256(dumpText) };
const dump: StoredDump = {
  path: "app.sql",
  database: "app",
  format: "sql",
  compression: "none",
  encrypted: false,
  recipients: [],
  stored: measure,
  plain: measure,
};
const plainly: Manner = { create: false, swap: false, force: false };
const server = { host: "db", port: 1, product: "X", version: "17.2", databases: [] };
const full: DatabaseState = { tables: 2, others: 1, rows: 12_345, sessions: 0 };
const empty: DatabaseState = { tables: 0, others: 0, rows: 0, sessions: 0 };

/** What a server of a test is like. */
interface Behaviour {
  readonly databases?: Record<string, DatabaseState>;
  readonly transactional?: boolean;
  readonly exchangesUnused?: boolean;
  /** What the client does with the SQL. */
  readonly script?: string;
  /** These operations fail. */
  readonly failing?: readonly ("create" | "drop" | "exchange")[];
  /** Whether an exchange that fails has got half of it done. */
  readonly halfDone?: boolean;
}

/** A server that only notes what is done to it, and a context with it. */
function setUp({
  databases = {},
  transactional = true,
  exchangesUnused = true,
  script = "cat >/dev/null",
  failing = [],
  halfDone = false,
}: Behaviour = {}): { context: Context; done: string[]; databases: Map<string, DatabaseState> } {
  const done: string[] = [];
  const present = new Map(Object.entries(databases));
  const attempt = (operation: "create" | "drop" | "exchange", words: string): void => {
    done.push(`${operation} ${words.replaceAll(/_[0-9a-f]{12}\b/g, "_X")}`);
    if (failing.includes(operation))
      throw new BackupError("restore", `cannot ${operation}`, { hint: "a hint" });
  };
  const restorer: Restorer = {
    transactional,
    exchangesUnused,
    inspect: async (name) => present.get(name),
    create: async (name, { like, characterSet }) => {
      attempt("create", [name, like && `like ${like}`, characterSet?.name].filter(Boolean).join(" "));
      present.set(name, empty);
    },
    drop: async (name) => {
      attempt("drop", name);
      present.delete(name);
    },
    load: async (target): Promise<Load> => {
      done.push(
        `load ${target.scope === "database" ? target.database.replace(/_[0-9a-f]{12}$/, "_X") : "server"}`,
      );
      return {
        toSql: undefined,
        marks: { beginning: /^--/ },
        client: {
          file: "sh",
          args: ["-c", script],
          env,
          explain: (failure) => new BackupError("restore", `refused: ${failure.stderr}`, { hint: "do this" }),
        },
        before: "",
        after: "",
        departures: [],
        omission: undefined,
        isTransaction: false,
      };
    },
    exchange: async ({ live, kept }, { endSessions }) => {
      if (halfDone) present.set(kept, full);
      attempt("exchange", `${live} ${kept}${endSessions ? " by force" : ""}`);
    },
  };
  const engine = new Postgres(env, []);
  Object.defineProperty(engine, "restorer", { value: restorer });
  const remote = new MemoryRemote({ atomic: true });
  remote.place("app.sql", dumpText);
  const context: Context = {
    config: parseConfig({ ...env, BACKUP_ENGINE: "postgres" }, () => "", "stored"),
    engine,
    remote,
    log: pino({ enabled: false }),
    progress: new Progress({ write: () => {} }),
    startedAt: new Date(0),
    now: () => new Date("2026-11-21T02:00:05Z"),
    isInstalled: () => false,
    vanishing: () => undefined,
    signal: new AbortController().signal,
    identities: async () => [],
    ask: async () => true,
    print: () => {},
  };
  return { context, done, databases: present };
}

function restoration(changes: Partial<Restoration> = {}): Restoration {
  return {
    dump,
    target: { scope: "database", database: "app" },
    server,
    identities: [],
    manner: plainly,
    characterSet: undefined,
    state: empty,
    ...changes,
  };
}

const refused = "cat >/dev/null; echo no >&2; exit 1";

describe("whether a database can be restored into", () => {
  const busy = { ...full, sessions: 1 };

  test.for<[title: string, state: DatabaseState | undefined, manner: Partial<Manner>]>([
    ["an empty one", empty, {}],
    ["an empty one, though it was to be created", empty, { create: true }],
    ["an empty one in use", { ...empty, sessions: 3 }, {}],
    ["one that is not there and is to be created", undefined, { create: true }],
    ["one that is not empty, by force", full, { force: true }],
    ["one that is replaced", full, { swap: true }],
    ["one in use that is replaced by force", busy, { swap: true, force: true }],
  ])("%s can", async ([, state, manner]) => {
    const { context } = setUp({ databases: state ? { app: state } : {} });
    expect(await examineTarget(context, "app", { ...plainly, ...manner })).toEqual(state);
  });

  test.for<[state: DatabaseState | undefined, manner: Partial<Manner>, message: string, hint: RegExp]>([
    [undefined, {}, "there is no database app on the server", /^add --create/],
    [undefined, { force: true }, "there is no database app on the server", /^add --create/],
    [
      undefined,
      { swap: true },
      "there is no database app on the server",
      /^leave --swap out and add --create/,
    ],
    [
      full,
      {},
      "database app is not empty: it has 2 tables with about 12,345 rows and 1 other object",
      /--to NAME --create.*--swap.*--force/,
    ],
    [full, { create: true }, "database app is not empty", /--swap/],
    [{ ...empty, others: 1 }, {}, "database app is not empty", /--swap/],
    [busy, { swap: true }, "1 session is connected to app", /--force/],
    [{ ...full, sessions: 2 }, { swap: true }, "2 sessions are connected to app", /--force/],
  ])("%j with %j cannot: %s", async ([state, manner, message, hint]) => {
    const { context, done } = setUp({ databases: state ? { app: state } : {} });
    await expect(examineTarget(context, "app", { ...plainly, ...manner })).rejects.toMatchObject({
      operation: "target",
      message: expect.stringContaining(message),
      hint: expect.stringMatching(hint),
    });
    expect(done).toEqual([]);
  });

  test("is not asked of its sessions where names can be exchanged in use", async () => {
    const { context } = setUp({ databases: { app: busy }, exchangesUnused: false });
    expect(await examineTarget(context, "app", { ...plainly, swap: true })).toEqual(busy);
  });
});

describe("whether a server can be restored into", () => {
  const databases = [
    { name: "a", bytes: 1 },
    { name: "b", bytes: 1 },
  ];

  test("an empty one can, and one that is not by force", async () => {
    const { context } = setUp({ databases: { a: empty, b: empty } });
    await examineServer(context, { ...server, databases }, plainly);
    const filled = setUp({ databases: { a: full, b: full } });
    await examineServer(filled.context, { ...server, databases }, { ...plainly, force: true });
  });

  test("one that is not empty cannot, and what is in it is told", async () => {
    const { context } = setUp({ databases: { a: full, b: empty } });
    await expect(examineServer(context, { ...server, databases }, plainly)).rejects.toMatchObject({
      operation: "target",
      message: "the server is not empty: it has a",
    });
  });
});

test.for<[state: DatabaseState, words: string]>([
  [empty, "nothing in it"],
  [{ ...empty, tables: 1, rows: 1 }, "1 table with about 1 rows"],
  [{ ...empty, others: 2 }, "0 tables with about 0 rows and 2 other objects"],
  [full, "2 tables with about 12,345 rows and 1 other object"],
])("%j has %s", ([state, words]) => {
  expect(describeState(state)).toBe(words);
});

describe("into a database that is there", () => {
  test("a dump is loaded, and nothing else is done", async () => {
    const { context, done } = setUp();
    expect(await carryOut(context, restoration())).toBeUndefined();
    expect(done).toEqual(["load app"]);
  });

  test("a failure leaves it as it was, where there are transactions", async () => {
    const { context, done } = setUp({ databases: { app: full }, script: refused });
    await expect(carryOut(context, restoration())).rejects.toMatchObject({
      operation: "restore",
      message: "refused: no; app is as it was",
      hint: "do this",
    });
    expect(done).toEqual(["load app"]);
  });

  test("a failure leaves it incomplete elsewhere, and what it has is told", async () => {
    const { context } = setUp({ databases: { app: full }, script: refused, transactional: false });
    await expect(carryOut(context, restoration())).rejects.toThrow(
      "app is incomplete: it has 2 tables with about 12,345 rows and 1 other object now",
    );
  });
});

describe("into a new database", () => {
  const characterSet = { name: "latin1", collation: "latin1_bin" };
  const create = restoration({ state: undefined, characterSet });

  test("it is created, and loaded into", async () => {
    const { context, done } = setUp();
    await carryOut(context, create);
    expect(done).toEqual(["create app latin1", "load app"]);
  });

  test("it is dropped again after a failure", async () => {
    const { context, done, databases } = setUp({ script: refused });
    await expect(carryOut(context, create)).rejects.toThrow("refused: no");
    expect(done).toEqual(["create app latin1", "load app", "drop app"]);
    expect([...databases.keys()]).toEqual([]);
  });

  test("nothing is dropped that could not be created", async () => {
    const { context, done } = setUp({ failing: ["create"] });
    await expect(carryOut(context, create)).rejects.toThrow("cannot create");
    expect(done).toEqual(["create app latin1"]);
  });

  test("it is told if it cannot be dropped, and why the restore failed all the same", async () => {
    const { context } = setUp({ script: refused, failing: ["drop"] });
    await expect(carryOut(context, create)).rejects.toMatchObject({
      operation: "restore",
      message: expect.stringMatching(
        /^refused: no[\s\S]*app, which was made for it, is still there .*cannot drop/,
      ),
      hint: "do this",
    });
  });

  test("it is dropped if the dump is not what it was, and that is told with its path", async () => {
    const { context, done } = setUp();
    const plain = { ...measure, sha256: sha256("other") };
    await expect(carryOut(context, { ...create, dump: { ...dump, plain } })).rejects.toMatchObject({
      operation: "integrity",
      message: expect.stringMatching(/^app\.sql: the dump in it is not what was backed up/),
    });
    expect(done.at(-1)).toBe("drop app");
  });
});

describe("in exchange", () => {
  const swap = (force = false): Restoration =>
    restoration({ state: full, manner: { create: false, swap: true, force } });
  const kept = "app_20261121_020005";

  test.for([false, true])(
    "a replacement is made like it, loaded into, and exchanged; by force: %s",
    async (force) => {
      const { context, done } = setUp({ databases: { app: full } });
      expect(await carryOut(context, swap(force))).toBe(kept);
      expect(done).toEqual([
        "create rcdump_restore_X like app",
        "load rcdump_restore_X",
        `exchange app ${kept}${force ? " by force" : ""}`,
      ]);
    },
  );

  test("a dump that cannot be loaded leaves it as it was, and nothing beside it", async () => {
    const { context, done, databases } = setUp({ databases: { app: full }, script: refused });
    await expect(carryOut(context, swap())).rejects.toThrow("refused: no");
    expect(done.at(-1)).toBe("drop rcdump_restore_X");
    expect([...databases.keys()]).toEqual(["app"]);
  });

  test("an exchange that fails wholly leaves it as it was, and nothing beside it", async () => {
    const { context, done, databases } = setUp({ databases: { app: full }, failing: ["exchange"] });
    await expect(carryOut(context, swap())).rejects.toMatchObject({
      message: "cannot exchange; app is as it was",
      hint: "a hint",
    });
    expect(done.at(-1)).toBe("drop rcdump_restore_X");
    expect([...databases.keys()]).toEqual(["app"]);
  });

  test("after an exchange that is half done nothing is dropped, and nothing is promised", async () => {
    const { context, done } = setUp({ databases: { app: full }, failing: ["exchange"], halfDone: true });
    await expect(carryOut(context, swap())).rejects.toMatchObject({
      message: expect.not.stringContaining("as it was"),
    });
    expect(done.filter((step) => step.startsWith("drop"))).toEqual([]);
  });

  test("that was done although its answer was lost is done", async () => {
    const { context, databases, done } = setUp({
      databases: { app: full },
      failing: ["exchange"],
      halfDone: true,
    });
    const { restorer } = context.engine;
    const exchange = restorer.exchange.bind(restorer);
    restorer.exchange = async (names, options) => {
      databases.delete(names.replacement);
      await exchange(names, options);
    };
    expect(await carryOut(context, swap())).toBe(kept);
    expect(done.filter((step) => step.startsWith("drop"))).toEqual([]);
  });

  test("where it cannot be told how far the exchange came, nothing is dropped and nothing is promised", async () => {
    const { context, done } = setUp({ databases: { app: full }, failing: ["exchange"] });
    const { restorer } = context.engine;
    restorer.inspect = async () => {
      throw new BackupError("connect", "cannot reach the server");
    };
    await expect(carryOut(context, swap())).rejects.toMatchObject({
      message: expect.stringMatching(/^cannot exchange(?!.*as it was)/),
    });
    expect(done.filter((step) => step.startsWith("drop"))).toEqual([]);
  });

  test("a run that is cancelled before the exchange leaves it as it was, and nothing beside it", async () => {
    const { context, databases, done } = setUp({ databases: { app: full } });
    const abort = new AbortController();
    const { restorer } = context.engine;
    const load = restorer.load.bind(restorer);
    restorer.load = async (...all) => {
      const loading = await load(...all);
      abort.abort(new BackupError("terminate", "cancelled by SIGTERM"));
      return loading;
    };
    await expect(carryOut({ ...context, signal: abort.signal }, swap())).rejects.toMatchObject({
      operation: "terminate",
    });
    expect(done.some((step) => step.startsWith("exchange"))).toBe(false);
    expect([...databases.keys()]).toEqual(["app"]);
  });
});

test("a whole server that fails says that something of it is there", async () => {
  const { context } = setUp({ script: refused });
  const whole = restoration({ target: { scope: "server" }, state: undefined });
  await expect(carryOut(context, whole)).rejects.toThrow(
    /refused: no; what was restored until then is on the server$/,
  );
});

describe("the name that the earlier database is kept under", () => {
  const at = new Date("2026-11-21T02:00:05.678Z");

  test.for<[live: string, kept: string]>([
    ["app", "app_20261121_020005"],
    ["a".repeat(47), `${"a".repeat(47)}_20261121_020005`],
    ["a".repeat(48), `${"a".repeat(47)}_20261121_020005`],
    ["a".repeat(63), `${"a".repeat(47)}_20261121_020005`],
    // Letters of two and of four bytes are never cut in their middle.
    ["ü".repeat(31), `${"ü".repeat(23)}_20261121_020005`],
    ["\u{1F4BE}".repeat(15), `${"\u{1F4BE}".repeat(11)}_20261121_020005`],
    ["", "_20261121_020005"],
  ])("of %s is %s", ([live, kept]) => {
    expect(keptName(live, at)).toBe(kept);
    expect(Buffer.byteLength(keptName(live, at))).toBeLessThanOrEqual(63);
  });
});
