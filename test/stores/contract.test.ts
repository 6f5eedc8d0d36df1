/** What every kind of store has to do for rcdump, by way of the real Remote and of what another program sees. `npm run contract` prints the table. */
import { execa } from "execa";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commit } from "../../src/commit.ts";
import { reserve } from "../../src/destination.ts";
import { put } from "../../src/put.ts";
import { noteAbandonedUploads } from "../../src/leftovers.ts";
import { manifestPath, parseManifest } from "../../src/manifest.ts";
import type { Remote } from "../../src/remote.ts";
import { withSubprocesses } from "../../src/subprocess.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { describeContent } from "../fixtures/manifests.ts";
import { until } from "../fixtures/process.ts";
import { startSlowProxy } from "../fixtures/tcp.ts";
import { expected } from "./expectations.ts";
import {
  type Folder,
  locationIn,
  remoteIn,
  startSubject,
  type Subject,
  type SubjectName,
  subjectNames,
} from "./subject.ts";
import { beginUpload, uploaderOf } from "./upload.ts";

const job = "0123abcd";
const runId = `${job}-mb1x2y3zff00`;
/** Several parts, chunks or segments wherever there are such. */
const large = randomBytes(12 * 1024 * 1024);

/** Where an upload to this name goes first. */
async function reserveOne(remote: Remote, path: string, overwrite = true) {
  const [destination] = await reserve(remote, [{ path, runId }], { overwrite });
  if (!destination) throw new Error("nothing was reserved");
  return destination;
}

async function upload(remote: Remote, path: string, content: string | Buffer): Promise<void> {
  await withSubprocesses(undefined, async (children) => {
    await pipeline(Readable.from([Buffer.from(content)]), await remote.write(path, children));
  });
}

/** Makes a backup of this content. */
async function backUp(remote: Remote, path: string, content: string): Promise<void> {
  const destination = await reserveOne(remote, path);
  await upload(remote, destination.place, content);
  await commit(remote, destination, { ...describeContent(content), object: path }, { overwrite: true });
}

describe.concurrent.for(subjectNames)("%s", (name: SubjectName) => {
  const { traits, description, longestName, hidesUploads, leavesWhenKilled, slowly } = expected[name];
  let subject: Subject;
  let folder: Folder;
  let remote: Remote;
  let count = 0;

  beforeAll(async () => {
    subject = await startSubject(name);
    folder = subject.folder("prefix/nested");
    ({ remote } = folder);
  });
  afterAll(() => subject.stop());

  /** A folder of a test's own in that folder. */
  const newFolder = () => {
    const below = `${subjectNames.indexOf(name)}-${++count}`;
    return { at: (path: string) => `${below}/${path}`, see: () => folder.see(below) };
  };
  const read = async (path: string): Promise<string> => (await folder.read(path)).toString();

  /** Waits until the store has a piece of an upload. */
  const pieceAfter = async (before: readonly string[]): Promise<void> => {
    const isMore = async (): Promise<boolean> => (await subject.everything()).length > before.length;
    if (!hidesUploads) await until("the store has a piece of an upload", isMore);
  };

  describe("one after the other", { concurrent: false }, () => {
    test("traits", async ({ annotate }) => {
      const words = { description: expect.stringMatching(description) };
      expect(await remote.traits()).toMatchObject({ ...traits, ...words });
      const { program = "rclone" } = subject.store ?? {};
      const manner = traits.atomic ? "atomic" : "renamed";
      await annotate(program === "rclone" ? manner : `${manner}, ${program}`);
    });

    test("appears whole or not at all", async () => {
      const { at, see } = newFolder();
      const destination = await reserveOne(remote, at("app.sql"));
      expect(destination.place === at("app.sql")).toBe(traits.atomic);
      const { finish } = await beginUpload(remote, destination.place, large);
      expect(Object.keys(await see())).not.toContain("app.sql");
      await finish();
      const manifest = { ...describeContent(large.toString("latin1")), object: at("app.sql") };
      await commit(remote, destination, manifest, { overwrite: false });
      expect(await see()).toEqual({
        "app.sql": large.length,
        "app.sql.manifest.json": expect.any(Number),
      });
      expect(large.equals(await folder.read(at("app.sql")))).toBe(true);
    });

    test("is replaced only by a whole one", async () => {
      const { at, see } = newFolder();
      await backUp(remote, at("app.sql"), "whole");
      const before = await see();

      const { place } = await reserveOne(remote, at("app.sql"));
      const { abort } = await beginUpload(remote, place, large);
      expect(await see()).toMatchObject(before);
      expect(await read(at("app.sql"))).toBe("whole");
      await abort();
      await remote.discard(place);
      expect(await see()).toEqual(before);
      expect(await read(at("app.sql"))).toBe("whole");

      // Of the same size, and soon after: many a store would take it for the same.
      await backUp(remote, at("app.sql"), "WHOLE");
      expect(await see()).toEqual(before);
      expect(await read(at("app.sql"))).toBe("WHOLE");
      const manifest = parseManifest(await read(manifestPath(at("app.sql"))));
      expect(manifest).toMatchObject({ ...describeContent("WHOLE"), object: at("app.sql"), readBack: true });
    });

    test("stays with BACKUP_OVERWRITE=false", async () => {
      const { at, see } = newFolder();
      await upload(remote, at("new.partial"), "other");
      await remote.move(at("new.partial"), at("new"), { replace: false });
      await upload(remote, at("app.sql"), "whole");
      await expect(reserveOne(remote, at("app.sql"), false)).rejects.toThrow("exists already");
      // The name is taken while the upload goes on.
      const moving = remote.move(at("new"), at("app.sql"), { replace: false });
      await expect(moving).rejects.toMatchObject({ nameTaken: true });
      expect(await see()).toEqual({ "app.sql": 5, new: 5 });
      expect(await read(at("app.sql"))).toBe("whole");
    });

    test("names that differ in case", async ({ annotate }) => {
      const { at } = newFolder();
      const [one, other] = [at("A Name [1] {x}.sql"), at("a name [1] {x}.sql")];
      await backUp(remote, one, "one");
      expect((await remote.findAnyCase([other])).map(({ path }) => path)).toEqual([one]);
      const another = backUp(remote, other, "the other");
      if (traits.ignoresCase) {
        await expect(another).rejects.toThrow("are one name to this store");
        await annotate("refused");
      } else {
        await another;
        expect(await read(other)).toBe("the other");
      }
      expect(await read(one)).toBe("one");
    });

    test("leaves nothing when aborted", async () => {
      const { at, see } = newFolder();
      await upload(remote, at("other.sql"), "other");
      const before = await subject.everything();
      const { place } = await reserveOne(remote, at("app.sql"));
      const { abort } = await beginUpload(remote, place, large);
      await pieceAfter(before);
      await abort();
      expect(Object.keys(await see())).not.toContain("app.sql");
      await remote.discard(place);
      expect(await subject.everything()).toEqual(before);
    });

    test("leaves nothing when it breaks off early, unbuffered", async () => {
      const { store } = subject;
      const unbuffered = store
        ? remoteIn(store, "prefix/nested", { ...store.env, RCLONE_BUFFER_SIZE: "0" })
        : remote;
      // Less than rclone waits for before it begins to upload, and more.
      for (const bytes of [50_000, 300_000]) {
        const { at, see } = newFolder();
        const { place } = await reserveOne(unbuffered, at("app.sql"));
        const { abort } = await beginUpload(unbuffered, place, large.subarray(0, bytes));
        await abort();
        expect(Object.keys(await see())).not.toContain("app.sql");
      }
    });

    test("find, read", async () => {
      const { at } = newFolder();
      expect(await remote.find([at("app.sql")])).toEqual(new Map());
      await upload(remote, at("app.sql"), "whole");
      const found = await remote.find([at("app.sql"), at("app"), at("no/app.sql"), at("")]);
      const object = { path: at("app.sql"), bytes: 5, modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) };
      expect(found).toEqual(new Map([[at("app.sql"), object]]));
      expect(await remote.read(at("app.sql"))).toBe("whole");
      const opened = await withSubprocesses(undefined, (children) =>
        buffer(remote.open(at("app.sql"), children)),
      );
      expect(opened.toString()).toBe("whole");
    });

    test("list, read many", async () => {
      const { remote } = subject.folder("a folder");
      const texts = async (pattern: string): Promise<string> => {
        const { named, unnamed } = await remote.readAll(pattern);
        return [...named.values(), unnamed].join("");
      };
      expect(await remote.list("*.txt")).toEqual([]);
      expect(await remote.inventory()).toEqual(new Map());
      expect(await texts("*.txt")).toBe("");
      await upload(remote, "one.txt", "one");
      await upload(remote, "a b/two.txt", "two");
      await upload(remote, "a b/c/three.sql", "three");

      const listed = await remote.list("*.txt");
      expect(new Map(listed.map(({ path, bytes }) => [path, bytes]))).toEqual(
        new Map([
          ["one.txt", 3],
          ["a b/two.txt", 3],
        ]),
      );
      expect(await remote.inventory()).toEqual(
        new Map([
          ["one.txt", 3],
          ["a b/two.txt", 3],
          ["a b/c/three.sql", 5],
        ]),
      );
      expect(["onetwo", "twoone"]).toContain(await texts("*.txt"));
      expect(await remote.readEach(["one.txt", "a b/c/three.sql", "four.txt"])).toEqual(
        new Map([
          ["one.txt", "one"],
          ["a b/c/three.sql", "three"],
        ]),
      );
    });

    test("send a file", async () => {
      const { at, see } = newFolder();
      const file = join(temporaryFolder("spool"), "0123abcd");
      writeFileSync(file, large);
      await remote.send(file, at("app.sql"));
      expect(await see()).toEqual({ "app.sql": large.length });
      expect(large.equals(await folder.read(at("app.sql")))).toBe(true);
    });

    test("move, remove", async () => {
      const { at, see } = newFolder();
      for (const path of ["one", "two", "a/three", "a/four", "five"]) await upload(remote, at(path), path);
      await remote.move(at("one"), at("a/three"), { replace: true });
      expect(await see()).toEqual({ two: 3, "a/three": 3, "a/four": 6, five: 4 });
      expect(await read(at("a/three"))).toBe("one");
      await remote.remove(at("two"));
      await remote.removeAll(["a/three", "a/four", "a/missing", "two"].map(at));
      expect(await see()).toEqual({ five: 4 });
    });

    test("spaces, unicode", async () => {
      const { at, see } = newFolder();
      const path = `täglich 日本/App Übung [x] {y} *? 100%+é~'"#&.sql`;
      await backUp(remote, at(path), "whole");
      expect(await see()).toEqual({ [path]: 5, [manifestPath(path)]: expect.any(Number) });
      expect(await read(at(path))).toBe("whole");
      expect(await remote.read(at(path))).toBe("whole");
      const both = [at(path), manifestPath(at(path))];
      expect([...(await remote.find(both)).keys()].toSorted()).toEqual(both);
      expect(new Set((await remote.readEach(both)).keys())).toEqual(new Set(both));
      await remote.removeAll(both);
      expect(await see()).toEqual({});
    });

    test("200 characters", async ({ annotate }) => {
      const { at, see } = newFolder();
      const path = "n".repeat(longestName ?? 200);
      await upload(remote, at(path), "earlier");
      await backUp(remote, at(path), "whole");
      expect(await see()).toEqual({ [path]: 5, [manifestPath(path)]: expect.any(Number) });
      if (longestName === undefined) return;
      await expect(backUp(remote, at(`${path}n`), "whole")).rejects.toMatchObject({
        message: expect.stringContaining("file name too long"),
        hint: expect.stringContaining("BACKUP_FILE_NAME"),
      });
      await annotate(`up to ${longestName}`);
    });

    test("empty prefix", async () => {
      const { remote } = subject.folder("");
      await put(remote, "top.sql", "whole", runId);
      expect(await remote.read("top.sql")).toBe("whole");
      expect((await remote.list("*top.sql")).map(({ path, bytes }) => [path, bytes])).toEqual([
        ["top.sql", 5],
      ]);
      await remote.remove("top.sql");
      expect(await remote.find(["top.sql"])).toEqual(new Map());
    });

    if (name.startsWith("memory")) return;

    /** rclone sees an object there, and says that it is not there when it is to remove it. */
    const removingWhatCanBe = async (remove: () => Promise<unknown>): Promise<void> => {
      if (leavesWhenKilled !== "what rclone cannot remove") await remove();
      else await expect(remove()).rejects.toThrow(/object not found|failed to delete/);
    };

    test("rclone killed", async ({ annotate }) => {
      const { at, see } = newFolder();
      await upload(remote, at("other.sql"), "other");
      const before = await subject.everything();
      const { place } = await reserveOne(remote, at("app.sql"));
      const { gone } = await beginUpload(remote, place, large);
      await pieceAfter(before);
      process.kill(uploaderOf(place).pid, "SIGKILL");
      await gone;
      expect(Object.keys(await see())).not.toContain("app.sql");
      const soon = new Date(Date.now() + 60_000);
      expect(await remote.unfinishedUploads(soon)).toEqual(traits.keepsParts ? [place] : []);
      expect(await remote.unfinishedUploads(new Date(0))).toEqual([]);
      expect(await subject.folder("prefix/nest").remote.unfinishedUploads(soon)).toEqual([]);
      if (traits.keepsParts) {
        await remote.abortUploads(place, new Date(0));
        expect(await remote.unfinishedUploads(soon)).toEqual([place]);
      }
      await removingWhatCanBe(() => remote.discard(place));
      expect(await remote.unfinishedUploads(soon)).toEqual([]);
      const left = (await subject.everything()).filter((each) => !before.includes(each));
      expect(left.length > 0).toBe(leavesWhenKilled !== undefined);
      if (leavesWhenKilled !== undefined) await annotate(`leaves ${leavesWhenKilled}`);
    });

    test("rcdump killed", async () => {
      const { store } = subject;
      if (!store) throw new Error("what is in memory has no processes");
      const { at, see } = newFolder();
      await upload(remote, at("other.sql"), "other");
      const before = await subject.everything();
      const { place } = await reserveOne(remote, at("app.sql"));
      const args = [
        join(import.meta.dirname, "upload-process.ts"),
        locationIn(store, "prefix/nested"),
        place,
      ];
      const input = JSON.stringify(store.env);
      const running = execa(process.execPath, args, { input, reject: false });
      await once(running.stdout, "data");
      const rclone = uploaderOf(place);
      running.kill("SIGKILL");
      await running;
      await rclone.gone();
      expect(Object.keys(await see())).not.toContain("app.sql");
      // What the next good run does.
      const jobs = new Set([job]);
      const abandoned = `other.sql.${runId}.partial`;
      await upload(remote, at(abandoned), "half");
      const sweep = await noteAbandonedUploads(remote, jobs);
      await removingWhatCanBe(() => sweep(jobs));
      expect(Object.keys(await see())).not.toContain(abandoned);
      if (leavesWhenKilled === undefined) expect(await subject.everything()).toEqual(before);
    });

    if (!slowly) return;

    test("100 ms, 5 MB/s", async () => {
      const { store } = subject;
      if (store?.port === undefined) throw new Error("there is no network to slow down");
      await using proxy = await startSlowProxy(store.port, { delay: 50, bytesPerSecond: 5_000_000 });
      const remote = remoteIn(store, "prefix/nested", store.through?.(proxy.port));
      const { at, see } = newFolder();
      const destination = await reserveOne(remote, at("app.sql"));
      await upload(remote, destination.place, large);
      const manifest = { ...describeContent(large.toString("latin1")), object: at("app.sql") };
      await commit(remote, destination, manifest, { overwrite: true });
      expect(proxy.connections()).toBeGreaterThan(0);
      expect(await see()).toMatchObject({ "app.sql": large.length });
      expect(large.equals(await folder.read(at("app.sql")))).toBe(true);
    });
  });
});
