import { describe, expect, test } from "vitest";
import {
  type Catalogue,
  examine,
  groupBySeries,
  readCatalogue,
  serverOf,
  seriesOf,
  type StoredBackup,
  subjectOf,
} from "../../src/catalogue.ts";
import { encodeManifest, type Manifest, manifestPath } from "../../src/manifest.ts";
import { longestText } from "../../src/remote.ts";
import { describeContent, manifestText } from "../fixtures/manifests.ts";
import { MemoryRemote, type Step } from "../fixtures/memory-remote.ts";

function manifestOf(content: string, changes: Partial<Manifest> = {}): Manifest {
  return { ...describeContent(content), readBack: true, ...changes };
}

/** Puts a whole backup there. */
function placeBackup(remote: MemoryRemote, path: string, changes: Partial<Manifest> = {}): void {
  // One byte a letter.
  const content = path.replaceAll(/[^ -~]/gu, "?");
  remote.place(path, content);
  remote.place(manifestPath(path), encodeManifest(manifestOf(content, { object: path, ...changes })));
}

function newRemote(onStep?: (step: Step) => void): MemoryRemote {
  return new MemoryRemote({ atomic: true, ...(onStep && { onStep }) });
}

/** A catalogue by its paths, and what is wrong with each. */
function summary({ backups, damaged, incomplete, leftovers }: Catalogue) {
  return {
    backups: backups.map(({ path }) => path),
    damaged: damaged.map(({ path, problem }) => `${path} ${problem}`),
    incomplete: incomplete.map(({ path, bytes }) => `${path} ${bytes}`),
    leftovers: leftovers.map(({ path, bytes }) => `${path} ${bytes}`),
  };
}

const nothing = { backups: [], damaged: [], incomplete: [], leftovers: [] };

async function read(remote: MemoryRemote): Promise<ReturnType<typeof summary>> {
  return summary(await readCatalogue(remote));
}

describe("what lies in a remote", () => {
  test("is nothing, if nothing does", async () => {
    const catalogue = await readCatalogue(newRemote());
    expect(summary(catalogue)).toEqual(nothing);
    expect(catalogue.sizes.size).toBe(0);
  });

  test("is a backup with its manifest and the time that its dump began", async () => {
    const remote = newRemote();
    placeBackup(remote, "a/b/app.sql.gz");
    const { backups, sizes } = await readCatalogue(remote);
    expect(backups).toEqual([
      {
        path: "a/b/app.sql.gz",
        manifest: manifestOf("a/b/app.sql.gz", { object: "a/b/app.sql.gz" }),
        startedAt: new Date("2026-01-02T03:04:05.000Z"),
        checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
        bytes: 14,
      },
    ]);
    expect([...sizes.keys()]).toEqual(["a/b/app.sql.gz", "a/b/app.sql.gz.manifest.json"]);
  });

  test("is told apart, each in order", async () => {
    const remote = newRemote();
    placeBackup(remote, "app-1", { started: "2026-01-01T00:00:00Z" });
    placeBackup(remote, "app-2", { started: "2026-01-02T00:00:00Z" });
    remote.place(manifestPath("gone-2"), manifestText("x"));
    remote.place(manifestPath("gone-1"), manifestText("x"));
    remote.place("notes.txt", "mine");
    remote.place("app-3", "cut");
    remote.place("b.0123abcd-mk4z0a1b2c3d.partial", "half");
    remote.place("a.manifest.json.0123abcd-mk4z0a1b2c3d.partial", "ha");
    remote.place("rcdump-prune-0123456789ab.json", "{}");
    expect(await read(remote)).toEqual({
      backups: ["app-2", "app-1"],
      damaged: ["gone-1 is not there, only its manifest is", "gone-2 is not there, only its manifest is"],
      incomplete: ["app-3 3", "notes.txt 4"],
      leftovers: ["a.manifest.json.0123abcd-mk4z0a1b2c3d.partial 2", "b.0123abcd-mk4z0a1b2c3d.partial 4"],
    });
  });

  test("tells the sizes of all of it, prune's notes and manifests too", async () => {
    const remote = newRemote();
    placeBackup(remote, "app");
    remote.place("rcdump-prune-0123456789ab.json", "{}");
    const { sizes } = await readCatalogue(remote);
    expect(Object.fromEntries(sizes)).toMatchObject({ app: 3, "rcdump-prune-0123456789ab.json": 2 });
    expect(sizes.has("app.manifest.json")).toBe(true);
  });
});

describe("a backup is damaged", () => {
  const good = manifestText("content");
  const newer = good.replace('"schemaVersion":1', '"schemaVersion":2');

  test.for<[title: string, text: string, object: string | undefined, problem: RegExp]>([
    [
      "by a manifest that is cut off",
      good.slice(0, 200),
      "content",
      /^has a manifest that is damaged: it is no JSON$/,
    ],
    ["by an empty manifest", "", "content", /^has a manifest that is damaged: it is no JSON$/],
    [
      "by a manifest without its checksum",
      "{}",
      "content",
      /^has a manifest that is damaged: its checksum is missing$/,
    ],
    [
      "by a manifest of which a letter is another",
      good.replace('"app"', '"apq"'),
      "content",
      /^has a manifest that is damaged: it does not match its checksum$/,
    ],
    [
      "for it cannot be read yet",
      newer,
      "content",
      /^has a manifest that is of schema version 2, .*use a newer rcdump$/,
    ],
    ["by an object that is longer", good, "content, and more", /^is 17 bytes long, and its manifest says 7$/],
    ["by an object that was cut off", good, "", /^is 0 bytes long, and its manifest says 7$/],
    ["by an object that is not there", good, undefined, /^is not there, only its manifest is$/],
    [
      "by a manifest that is cut off, of an object that is not there",
      good.slice(0, 200),
      undefined,
      /^has a manifest that is damaged/,
    ],
  ])("%s", async ([, text, object, problem]) => {
    const remote = newRemote();
    placeBackup(remote, "other");
    remote.place(manifestPath("app"), text);
    if (object !== undefined) remote.place("app", object);
    const { backups, damaged, incomplete } = await readCatalogue(remote);
    expect(backups.map(({ path }) => path)).toEqual(["other"]);
    expect(incomplete).toEqual([]);
    expect(damaged).toMatchObject([{ path: "app", problem: expect.stringMatching(problem) }]);
  });

  test("and its manifest is told if it can be read", async () => {
    const remote = newRemote();
    remote.place(manifestPath("app"), good);
    expect((await readCatalogue(remote)).damaged[0]?.manifest?.database).toBe("app");
  });

  test("by a manifest that is too long to be read at all", async () => {
    const remote = newRemote();
    remote.place("app", "content");
    remote.place(manifestPath("app"), "x".repeat(longestText + 1));
    // As a real remote does, which leaves it out.
    remote.readAll = async () => ({ named: new Map(), unnamed: "" });
    expect(await read(remote)).toEqual({
      ...nothing,
      damaged: ["app has a manifest that is too long to be one"],
    });
    expect(remote.done.filter((step) => step.startsWith("read"))).toEqual([]);
  });

  test("by a manifest of the greatest length, which is read", async () => {
    const remote = newRemote();
    remote.place("app", "content");
    remote.place(manifestPath("app"), "x".repeat(longestText));
    expect(await read(remote)).toEqual({
      ...nothing,
      damaged: ["app has a manifest that is damaged: it is no JSON"],
    });
  });
});

describe("whose manifest a text is", () => {
  test("is told by the object that it names, so that all are read at once", async () => {
    const remote = newRemote();
    for (const path of ["a", "b", "c/d"]) placeBackup(remote, path);
    expect((await read(remote)).backups).toHaveLength(3);
    expect(remote.done).toEqual(["read all", "inventory"]);
  });

  test("is told by where it lies, if the backup was given another name since", async () => {
    const remote = newRemote();
    placeBackup(remote, "moved", { object: "before" });
    const { backups, damaged } = await readCatalogue(remote);
    expect(damaged).toEqual([]);
    expect(backups).toMatchObject([{ path: "moved", manifest: { object: "before" } }]);
  });

  test("is told by where it lies, if the backup was copied", async () => {
    const remote = newRemote();
    remote.place("app", "content");
    remote.place("copies/app", "content");
    const text = encodeManifest(manifestOf("content", { object: "app" }));
    for (const path of ["app", "copies/app"]) remote.place(manifestPath(path), text);
    expect((await read(remote)).backups.toSorted()).toEqual(["app", "copies/app"]);
  });

  test("is told by where it lies, if a copy is of an earlier backup of the same name", async () => {
    const remote = newRemote();
    for (const [path, content, day] of [
      ["app", "new", "02"],
      ["copies/app", "old!", "01"],
    ] as const) {
      remote.place(path, content);
      const changes = { object: "app", started: `2026-01-${day}T00:00:00Z` };
      remote.place(manifestPath(path), encodeManifest(manifestOf(content, changes)));
    }
    expect(await read(remote)).toEqual({ ...nothing, backups: ["app", "copies/app"] });
  });

  test("is not told by a copy, if its own text is damaged", async () => {
    const remote = newRemote();
    const text = encodeManifest(manifestOf("app", { object: "app" }));
    for (const path of ["app", "copies/app"]) remote.place(path, "app");
    remote.place(manifestPath("app"), text.slice(0, -10));
    remote.place(manifestPath("copies/app"), text);
    expect(await read(remote)).toEqual({
      ...nothing,
      backups: ["copies/app"],
      damaged: ["app has a manifest that is damaged: it is no JSON"],
    });
  });

  test("is not told by a text that only claims it", async () => {
    const remote = newRemote();
    placeBackup(remote, "app");
    placeBackup(remote, "liar", { object: "app", database: "other" });
    const { backups } = await readCatalogue(remote);
    expect(Object.fromEntries(backups.map(({ path, manifest }) => [path, manifest.database]))).toEqual({
      app: "app",
      liar: "other",
    });
  });

  test.for(['a `quoted` \\ "name"', "größe \u{1F4BE}", " a ", "a\tb"])("is told of %j", async (path) => {
    const remote = newRemote();
    placeBackup(remote, path);
    placeBackup(remote, "other");
    expect((await read(remote)).backups.toSorted()).toEqual(["other", path].toSorted());
  });

  test("is told though there is a text without an end before it", async () => {
    const remote = newRemote();
    placeBackup(remote, "z");
    remote.place(manifestPath("a"), '{"schemaVersion":1');
    expect(await read(remote)).toEqual({
      ...nothing,
      backups: ["z"],
      damaged: ["a has a manifest that is damaged: it is no JSON"],
    });
  });
});

test("a store that tells which text is which is believed, whatever the text claims", async () => {
  const remote = new MemoryRemote({ atomic: true });
  remote.place("moved/app.sql.gz", "content");
  const name = manifestPath("moved/app.sql.gz");
  remote.place(name, manifestText("content"));
  remote.readAll = async () => ({ named: new Map([[name, manifestText("content")]]), unnamed: "" });
  const { backups } = await readCatalogue(remote);
  expect(backups.map(({ path }) => path)).toEqual(["moved/app.sql.gz"]);
  expect(remote.done).toEqual(["inventory"]);
});

describe("between the two looks", () => {
  /** Does something when the manifests have been read and the objects are not listed yet. */
  function changing(change: (remote: MemoryRemote) => void): MemoryRemote {
    const remote = newRemote(({ name, moment }) => {
      if (name === "inventory" && moment === "before") change(remote);
    });
    return remote;
  }

  test("the manifests are looked at first", async () => {
    const remote = newRemote();
    await read(remote);
    expect(remote.done).toEqual(["read all", "inventory"]);
  });

  test("a backup that is committed is no object without a manifest", async () => {
    const remote = changing(() => placeBackup(remote, "new"));
    placeBackup(remote, "old");
    expect(await read(remote)).toEqual({ ...nothing, backups: ["new", "old"].toSorted().toReversed() });
  });

  test("an object that gets its manifest is no object without one", async () => {
    const remote = changing(() => placeBackup(remote, "new"));
    remote.place("new", "new");
    expect(await read(remote)).toEqual({ ...nothing, backups: ["new"] });
  });

  test("a backup that is committed, and removed before it is read, is nothing", async () => {
    const remote = newRemote(({ name, moment }) => {
      if (name === "inventory" && moment === "before") placeBackup(remote, "new");
      if (name === "read each" && moment === "before") {
        remote.lose(manifestPath("new"));
        remote.lose("new");
      }
    });
    expect(await read(remote)).toEqual(nothing);
  });

  test("an upload that begins is one", async () => {
    const remote = changing(() => remote.place("new.0123abcd-mk4z0a1b2c3d.partial", "ne"));
    expect(await read(remote)).toEqual({ ...nothing, leftovers: ["new.0123abcd-mk4z0a1b2c3d.partial 2"] });
  });

  test("a backup that is removed is no damaged one", async () => {
    const remote = changing(() => {
      remote.lose(manifestPath("old"));
      remote.lose("old");
    });
    placeBackup(remote, "old");
    placeBackup(remote, "new");
    expect(await read(remote)).toEqual({ ...nothing, backups: ["new"] });
  });

  test("a backup that is half removed, its manifest first, is no damaged one", async () => {
    const remote = changing(() => remote.lose(manifestPath("old")));
    placeBackup(remote, "old");
    expect(await read(remote)).toEqual({ ...nothing, incomplete: ["old 3"] });
  });

  test("an object that vanishes under its manifest is a damaged backup", async () => {
    const remote = changing(() => remote.lose("old"));
    placeBackup(remote, "old");
    expect(await read(remote)).toEqual({
      ...nothing,
      damaged: ["old is not there, only its manifest is"],
    });
  });

  test("a backup that is replaced is no damaged one", async () => {
    const remote = changing(() => {
      remote.place("app", "longer than before");
      remote.place(manifestPath("app"), manifestText("longer than before"));
    });
    placeBackup(remote, "app");
    expect(await read(remote)).toEqual({ ...nothing, backups: ["app"] });
  });
});

test("many that are damaged are all told", async () => {
  const remote = newRemote();
  placeBackup(remote, "good");
  for (let number = 10; number < 40; number++)
    remote.place(manifestPath(`gone-${number}`), manifestText("x"));
  const { backups, damaged } = await read(remote);
  expect(backups).toEqual(["good"]);
  expect(damaged).toHaveLength(30);
  expect(damaged).toEqual(damaged.toSorted());
});

test("where a remote cannot tell sizes they are not compared", () => {
  expect(examine("app", manifestText("content"), -1)).toMatchObject({
    path: "app",
    startedAt: expect.any(Date),
  });
  expect(examine("app", manifestText("content"), undefined)).toMatchObject({
    problem: "is not there, only its manifest is",
  });
});

test("an object of no bytes can be one that is whole", () => {
  expect(examine("app", manifestText(""), 0)).not.toHaveProperty("problem");
});

describe("the order", () => {
  test("is newest first by the time that the dump began, whatever the names are and the time zone they are written in", async () => {
    const remote = newRemote();
    placeBackup(remote, "a", { started: "2026-01-02T00:00:00Z" });
    placeBackup(remote, "b", { started: "2026-01-02T00:00:00.001Z" });
    placeBackup(remote, "c", { started: "2026-01-01T23:59:59.999Z", finished: "2026-01-09T00:00:00Z" });
    expect((await read(remote)).backups).toEqual(["b", "a", "c"]);
  });

  test("of those that began together does not depend on how they are listed", async () => {
    const orders = [
      ["x-1", "x-2", "x-10"],
      ["x-10", "x-2", "x-1"],
      ["x-2", "x-10", "x-1"],
    ];
    for (const paths of orders) {
      const remote = newRemote();
      for (const path of paths) placeBackup(remote, path);
      const sizes = await remote.inventory();
      const entries = paths.flatMap((path) => [path, manifestPath(path)]);
      remote.inventory = async () => new Map(entries.map((path) => [path, sizes.get(path) ?? 0]));
      expect((await read(remote)).backups).toEqual(["x-2", "x-10", "x-1"]);
    }
  });
});

describe("a series", () => {
  const server = { host: "a.example.org", port: 5432, version: "17.2" };

  test.for<[title: string, changes: Partial<Manifest>]>([
    ["database", { database: "app2" }],
    ["host", { server: { ...server, host: "b.example.org" } }],
    ["port", { server: { ...server, port: 5433 } }],
    ["kind of server", { engine: "mariadb" }],
    ["scope", { scope: "server", database: null }],
  ])("is another for another %s", ([, changes]) => {
    expect(seriesOf(manifestOf("x", { server, ...changes }))).not.toBe(seriesOf(manifestOf("x", { server })));
  });

  test.for<[title: string, changes: Partial<Manifest>]>([
    ["version of the server", { server: { ...server, version: "18.0" } }],
    ["format", { format: "custom", compression: "none" }],
    ["key", { recipients: [] }],
    ["time", { started: "2020-01-01T00:00:00Z" }],
    ["list of arguments", { arguments: [] }],
  ])("is the same for another %s", ([, changes]) => {
    expect(seriesOf(manifestOf("x", { server, ...changes }))).toBe(seriesOf(manifestOf("x", { server })));
  });

  test("of the whole server is none of its roles, and none of a database of that name", () => {
    const all: Partial<Manifest>[] = [
      { scope: "server", database: null },
      { scope: "globals", database: null },
      { scope: "database", database: "all databases" },
      { scope: "database", database: "null" },
    ];
    expect(new Set(all.map((changes) => seriesOf(manifestOf("x", changes)))).size).toBe(4);
  });

  test("keeps its backups in their order", () => {
    const backup = (path: string, host: string): StoredBackup => ({
      path,
      manifest: manifestOf(path, { server: { ...server, host } }),
      startedAt: new Date(0),
      checksum: "",
      bytes: 0,
    });
    const backups = [backup("3", "a"), backup("2", "b"), backup("1", "a"), backup("0", "b")];
    expect(groupBySeries(backups).map((series) => series.map(({ path }) => path))).toEqual([
      ["3", "1"],
      ["2", "0"],
    ]);
    expect(groupBySeries([])).toEqual([]);
  });
});

test.for<[changes: Partial<Manifest>, subject: string]>([
  [{ database: "app" }, "app"],
  [{ scope: "server", database: null }, "all databases"],
  [{ scope: "globals", database: null }, "roles and tablespaces"],
])("what a backup of %j is of", ([changes, subject]) => {
  expect(subjectOf(manifestOf("x", changes))).toBe(subject);
  expect(serverOf(manifestOf("x", changes))).toBe("db.example.org:5432");
});
