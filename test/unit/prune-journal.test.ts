import { describe, expect, test } from "vitest";
import { type Doomed, finishEarlierPrunes, isPruneJournal, removeBackups } from "../../src/prune-journal.ts";
import { checksumOf } from "../../src/manifest.ts";
import { manifestText } from "../fixtures/manifests.ts";
import { MemoryRemote, type Step } from "../fixtures/memory-remote.ts";

const day = 24 * 3600 * 1000;
const written = new Date("2026-01-02T00:00:00Z");
const { signal } = new AbortController();
const journal = "rcdump-prune-0123456789ab.json";

function clock(now: Date = written): { now: Date; signal: AbortSignal } {
  return { now, signal };
}

function manifestOf(path: string): string {
  return `${path}.manifest.json`;
}

function placeBackup(remote: MemoryRemote, path: string, content = `-- ${path}\n`): void {
  remote.place(path, content);
  remote.place(manifestOf(path), manifestText(content));
}

function remoteWith(...paths: string[]): MemoryRemote {
  const remote = new MemoryRemote({ atomic: true });
  for (const path of paths) placeBackup(remote, path);
  return remote;
}

/** Notes these objects as they are now: a prune that was cut off as soon as it had begun. */
async function note(remote: MemoryRemote, paths: readonly string[], writtenAt = written): Promise<void> {
  const objects = [...(await remote.find(paths)).values()];
  remote.place(journal, JSON.stringify({ writtenAt, objects }));
}

async function finish(remote: MemoryRemote, now?: Date): Promise<string[]> {
  return finishEarlierPrunes(remote, await remote.inventory(), clock(now));
}

/** Backups as they are now, to be removed. */
function doom(remote: MemoryRemote, paths: readonly string[]): Doomed[] {
  return paths.map((path) => ({
    path,
    bytes: remote.content(path)?.length ?? 0,
    checksum: checksumOf(remote.content(manifestOf(path))?.toString() ?? "") ?? "",
  }));
}

function remove(remote: MemoryRemote, paths: readonly string[]): Promise<string[]> {
  return removeBackups(remote, doom(remote, paths), clock());
}

describe("removing backups", () => {
  test.for([true, false])(
    "leaves what was stored anew under a name meanwhile; atomic: %s",
    async (atomic) => {
      const anew = ({ name, moment }: Step): void => {
        if (moment === "after" && name === `remove ${manifestOf("b.sql")}`)
          placeBackup(remote, "b.sql", "-- new\n");
      };
      const remote: MemoryRemote = new MemoryRemote({ atomic, onStep: anew });
      for (const path of ["a.sql", "b.sql"]) placeBackup(remote, path);
      expect(await remove(remote, ["a.sql", "b.sql"])).toEqual(["a.sql"]);
      expect(remote.paths).toEqual(["b.sql", "b.sql.manifest.json"]);
      expect(remote.content("b.sql")?.toString()).toBe("-- new\n");
    },
  );

  test.for([true, false])("leaves nothing of them, and all of the others; atomic: %s", async (atomic) => {
    const remote = new MemoryRemote({ atomic });
    for (const path of ["a.sql", "b.sql", "daily/c.sql"]) placeBackup(remote, path);
    remote.place("a.sql.gz", "somebody's");
    expect(await remove(remote, ["a.sql", "daily/c.sql"])).toEqual(["a.sql", "daily/c.sql"]);
    expect(remote.paths).toEqual(["a.sql.gz", "b.sql", "b.sql.manifest.json"]);
  });

  test("all is noted first, then the manifests go, then the objects, and the note last", async () => {
    const remote = remoteWith("a.sql", "b.sql");
    await remove(remote, ["a.sql", "b.sql"]);
    const [wrote = "", ...others] = remote.done.filter((step) => /^(write|remove) /.test(step));
    const name = wrote.replace("write ", "");
    expect(isPruneJournal(name)).toBe(true);
    expect(others).toEqual([
      "remove a.sql.manifest.json",
      "remove b.sql.manifest.json",
      "remove a.sql",
      "remove b.sql",
      `remove ${name}`,
    ]);
  });

  test("what is gone already is no failure", async () => {
    const remote = remoteWith("a.sql", "b.sql");
    const doomed = doom(remote, ["a.sql", "b.sql"]);
    remote.lose("a.sql");
    remote.lose("a.sql.manifest.json");
    await removeBackups(remote, doomed, clock());
    expect(remote.paths).toEqual([]);
  });

  test.for<[title: string, takeAnew: (remote: MemoryRemote) => void]>([
    ["another object", (remote) => remote.place("a.sql", "-- a new dump\n")],
    ["another manifest", (remote) => remote.place("a.sql.manifest.json", manifestText("-- b.sql\n"))],
    ["no manifest", (remote) => remote.lose("a.sql.manifest.json")],
  ])("what has %s since it was judged stays", async ([, takeAnew]) => {
    const remote = remoteWith("a.sql", "b.sql");
    const doomed = doom(remote, ["a.sql", "b.sql"]);
    takeAnew(remote);
    const before = remote.paths.filter((path) => path.startsWith("a.sql"));
    expect(await removeBackups(remote, doomed, clock())).toEqual(["b.sql"]);
    expect(remote.paths).toEqual(before);
  });

  test("where nothing is to be removed nothing is noted", async () => {
    const remote = remoteWith("a.sql");
    await remove(remote, []);
    expect(remote.done.filter((step) => /^(write|remove) /.test(step))).toEqual([]);
  });
});

describe("finishing what an earlier prune noted", () => {
  test("without a note nothing is done", async () => {
    const remote = remoteWith("a.sql");
    remote.place("b.sql", "an object without a manifest");
    expect(await finish(remote)).toEqual([]);
    expect(remote.done).toEqual(["inventory"]);
  });

  test("an orphan goes, and the note with it", async () => {
    const remote = remoteWith("a.sql", "b.sql");
    remote.place("c.sql", "somebody's, without a manifest");
    await note(remote, ["a.sql"]);
    remote.lose(manifestOf("a.sql"));
    expect(await finish(remote)).toEqual(["a.sql"]);
    expect(remote.paths).toEqual(["b.sql", "b.sql.manifest.json", "c.sql"]);
  });

  test("several notes are finished at once", async () => {
    const remote = remoteWith("a.sql", "b.sql");
    await note(remote, ["a.sql"]);
    const text = remote.content(journal) ?? "";
    remote.place("rcdump-prune-ba9876543210.json", text);
    await note(remote, ["b.sql"]);
    for (const path of ["a.sql", "b.sql"]) remote.lose(manifestOf(path));
    expect((await finish(remote)).toSorted()).toEqual(["a.sql", "b.sql"]);
    expect(remote.paths).toEqual([]);
  });

  test.for<[title: string, takeAnew: (remote: MemoryRemote) => void]>([
    ["another size", (remote) => remote.place("a.sql", "-- quite another dump\n")],
    ["another time", (remote) => remote.place("a.sql", "-- a.sql\n")],
    ["a manifest", (remote) => remote.place("a.sql.manifest.json", manifestText("-- a.sql\n"))],
  ])("what has %s since is not removed", async ([, takeAnew]) => {
    const remote = remoteWith("a.sql");
    await note(remote, ["a.sql"]);
    remote.lose("a.sql.manifest.json");
    takeAnew(remote);
    const before = remote.paths;
    expect(await finish(remote)).toEqual([]);
    expect(remote.paths).toEqual(before);
  });

  test.for<[title: string, takeAnew: (remote: MemoryRemote) => void]>([
    ["is written anew", (remote) => remote.place("a.sql", "-- a.sql\n")],
    ["gets a manifest", (remote) => remote.place("a.sql.manifest.json", manifestText("-- a.sql\n"))],
  ])("what %s after everything was listed is not removed", async ([, takeAnew]) => {
    const remote = remoteWith("a.sql");
    await note(remote, ["a.sql"]);
    remote.lose("a.sql.manifest.json");
    const present = await remote.inventory();
    takeAnew(remote);
    expect(await finishEarlierPrunes(remote, present, clock())).toEqual([]);
    expect(remote.content("a.sql")?.toString()).toBe("-- a.sql\n");
  });

  test("a note whose objects have all gone goes", async () => {
    const remote = remoteWith("a.sql");
    await note(remote, ["a.sql"]);
    remote.lose("a.sql");
    remote.lose("a.sql.manifest.json");
    expect(await finish(remote)).toEqual([]);
    expect(remote.paths).toEqual([]);
  });

  test.for<[age: number, stays: boolean]>([
    [0, true],
    [day, true],
    [day + 1, false],
    [-7 * day, true],
  ])("a note of backups that are whole, %i ms old, stays: %s", async ([age, stays]) => {
    const remote = remoteWith("a.sql", "b.sql");
    await note(remote, ["a.sql", "b.sql"]);
    expect(await finish(remote, new Date(written.getTime() + age))).toEqual([]);
    expect(remote.paths.filter((path) => path !== journal)).toHaveLength(4);
    expect(remote.paths.includes(journal)).toBe(stays);
  });

  test.for([0, 2 * day])(
    "of a prune that is under way only what has lost its manifest goes; %i ms old",
    async (age) => {
      const remote = remoteWith("a.sql", "b.sql");
      await note(remote, ["a.sql", "b.sql"]);
      remote.lose("a.sql.manifest.json");
      expect(await finish(remote, new Date(written.getTime() + age))).toEqual(["a.sql"]);
      expect(remote.paths).toEqual(["b.sql", "b.sql.manifest.json", journal]);
    },
  );

  const object = '{"path":"a.sql","bytes":9,"modified":"2026-01-01T00:00:01.000Z"}';
  test.for([
    "",
    "{",
    "null",
    "[]",
    "{}",
    `{"writtenAt":"yesterday","objects":[${object}]}`,
    `{"writtenAt":"2026-01-02T00:00:00.000Z","objects":[${object}`,
    `{"writtenAt":"2026-01-02T00:00:00.000Z","objects":[${object},{"path":"b.sql"}]}`,
    `{"writtenAt":"2026-01-02T00:00:00.000Z","objects":["a.sql"]}`,
  ])("nothing is done by a note that is damaged, and it goes: %s", async (text) => {
    const remote = remoteWith("a.sql", "b.sql");
    remote.lose("a.sql.manifest.json");
    remote.place(journal, text);
    expect((await remote.find(["a.sql"])).get("a.sql")).toEqual(JSON.parse(object));
    expect(await finish(remote)).toEqual([]);
    expect(remote.paths).toEqual(["a.sql", "b.sql", "b.sql.manifest.json"]);
  });

  test("a note in a folder below is another store's, whose paths begin there", async () => {
    const remote = remoteWith("a.sql");
    remote.place("daily/b.sql", "-- an orphan there\n");
    const [orphan] = (await remote.find(["daily/b.sql"])).values();
    const text = JSON.stringify({ writtenAt: written, objects: [{ ...orphan, path: "b.sql" }] });
    remote.place(`daily/${journal}`, text);
    const before = remote.paths;
    expect(await finish(remote)).toEqual([]);
    expect(remote.paths).toEqual(before);
  });

  test("a note that another prune is done with meanwhile is no failure", async () => {
    const remote = remoteWith("a.sql");
    await note(remote, ["a.sql"]);
    const present = await remote.inventory();
    remote.lose(journal);
    expect(await finishEarlierPrunes(remote, present, clock())).toEqual([]);
    expect(remote.paths).toEqual(["a.sql", "a.sql.manifest.json"]);
  });
});

test.for<[path: string, is: boolean]>([
  [journal, true],
  ["rcdump-prune-0123456789ab.json.manifest.json", false],
  ["rcdump-prune-0123456789AB.json", false],
  ["rcdump-prune-0123456789.json", false],
  ["my-rcdump-prune-0123456789ab.json", false],
  [`${journal}.0123abcd-mb1.partial`, false],
])("%s is a note: %s", ([path, is]) => {
  expect(isPruneJournal(path)).toBe(is);
});
