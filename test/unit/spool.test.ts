import { readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { newRunId } from "../../src/job.ts";
import { noteAbandonedDumps } from "../../src/leftovers.ts";
import { Spool } from "../../src/spool.ts";
import { temporaryFolder } from "../fixtures/folder.ts";
import { describeContent } from "../fixtures/manifests.ts";

const job = "0123abcd";
const jobs = new Set([job]);
const runId = `${job}-mb1x2y3zff00`;
const path = "daily/app.sql.gz";
const manifest = describeContent("content");

let folder: string;
let spool: Spool;

beforeEach(() => {
  folder = join(temporaryFolder("spool"), "made/by/the/first/dump");
  spool = new Spool(folder);
});

async function writePart(id = runId): Promise<void> {
  await pipeline(Readable.from([Buffer.from("content")]), await spool.write(id));
}

async function finish(id = runId): Promise<void> {
  await writePart(id);
  await spool.finish(id, path, manifest);
}

/** What is there, with its mode. */
function files(): string[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`);
}

test("a dump goes from .part to .dump with its .json, for the owner only, and is forgotten", async () => {
  await writePart();
  expect(files()).toEqual([`${runId}.part 600`]);
  const spooled = await spool.finish(runId, path, manifest);
  expect(files()).toEqual([`${runId}.dump 600`, `${runId}.json 600`]);
  expect(spooled).toEqual({ file: join(folder, `${runId}.dump`), path, runId, manifest });
  expect(readFileSync(spooled.file, "utf8")).toBe("content");
  await spool.remove(runId);
  expect(files()).toEqual([]);
});

test("a later run finds it as it was", async () => {
  await finish();
  expect(await new Spool(folder).unsent(jobs)).toEqual([
    { file: join(folder, `${runId}.dump`), path, runId, manifest },
  ]);
});

test("what none of these jobs finished is told apart from what is unfinished, and from what is no dump", async () => {
  const others = ["89abcdef", "76543210"].map((other) => newRunId(other, new Date("2026-11-21")));
  for (const id of [runId, ...others]) await finish(id);
  await writePart(newRunId("76543210", new Date("2026-11-20")));
  for (const name of ["notes.json", "package-lock.json"])
    writeFileSync(join(folder, name), JSON.stringify({ path, manifest }));
  expect((await spool.unsentOfOthers(jobs)).map((each) => each.runId)).toEqual(others.toReversed());
  expect(await spool.unsentOfOthers(new Set([job, "89abcdef", "76543210"]))).toEqual([]);
});

test("the oldest is first, whatever order the folder has", async () => {
  const ids = ["mb3", "mb1", "mb2"].map((time) => `${job}-${time}`);
  for (const id of ids) await finish(id);
  expect((await spool.unsent(jobs)).map(({ runId }) => runId)).toEqual(ids.toSorted());
});

test("other jobs' dumps, and files that are none of ours, are not looked at", async () => {
  await finish("ffffffff-mb1");
  await writePart("ffffffff-mb2");
  writeFileSync(join(folder, "notes.json"), "mine");
  expect(await spool.unsent(jobs)).toEqual([]);
  expect(await spool.unfinished(jobs)).toEqual(new Map());
});

test("a folder that is not there has nothing in it", async () => {
  expect(await spool.unsent(jobs)).toEqual([]);
  expect(await spool.unfinished(jobs)).toEqual(new Map());
});

test("two dumps never share a file", async () => {
  await writePart();
  await expect(spool.write(runId)).rejects.toMatchObject({ operation: "configuration" });
  expect(readFileSync(join(folder, `${runId}.part`), "utf8")).toBe("content");
});

describe("a run that is cut off", () => {
  /** What the folder holds after the power failed at a moment, from first to last. */
  const moments: [moment: string, make: () => Promise<void>, state: "unfinished" | "unsent"][] = [
    ["in the dump", () => writePart(), "unfinished"],
    [
      "after the dump has its name",
      async () => {
        await writePart();
        renameSync(join(folder, `${runId}.part`), join(folder, `${runId}.dump`));
      },
      "unfinished",
    ],
    [
      "in the note",
      async () => {
        await finish();
        renameSync(join(folder, `${runId}.json`), join(folder, `${runId}.json.new`));
        writeFileSync(join(folder, `${runId}.json.new`), '{"path":"da');
      },
      "unfinished",
    ],
    ["after the note", () => finish(), "unsent"],
    [
      "after the note was forgotten, before the dump was",
      async () => {
        await finish();
        renameSync(join(folder, `${runId}.json`), join(folder, "elsewhere"));
      },
      "unfinished",
    ],
  ];

  test.for(moments)("%s", async ([, make, state]) => {
    await make();
    expect([...(await spool.unfinished(jobs)).keys()]).toEqual(state === "unfinished" ? [runId] : []);
    expect((await spool.unsent(jobs)).map(({ runId }) => runId)).toEqual(state === "unsent" ? [runId] : []);
  });

  test.for(moments.filter(([, , state]) => state === "unfinished"))(
    "%s leaves what the next good run removes",
    async ([, make]) => {
      await make();
      await finish(`${job}-mb9`);
      expect(await (await noteAbandonedDumps(spool, jobs))(jobs)).toEqual([runId]);
      expect(files().filter((name) => name.startsWith(runId))).toEqual([]);
      expect(await spool.unsent(jobs)).toHaveLength(1);
    },
  );
});

describe("the sweep", () => {
  test("leaves what is still being written", async () => {
    await writePart();
    const sweep = await noteAbandonedDumps(spool, jobs);
    writeFileSync(join(folder, `${runId}.part`), "content and more");
    expect(await sweep(jobs)).toEqual([]);
    expect(files()).toHaveLength(1);
  });

  test("leaves what was rewritten at the same size", async () => {
    await writePart();
    const sweep = await noteAbandonedDumps(spool, jobs);
    utimesSync(join(folder, `${runId}.part`), new Date(), new Date(Date.now() + 5000));
    expect(await sweep(jobs)).toEqual([]);
    expect(files()).toHaveLength(1);
  });

  test("leaves what was finished meanwhile, and what belongs to a job whose run was not good", async () => {
    await writePart();
    const sweep = await noteAbandonedDumps(spool, jobs);
    expect(await sweep(new Set())).toEqual([]);
    await spool.finish(runId, path, manifest);
    expect(await sweep(jobs)).toEqual([]);
    expect(await spool.unsent(jobs)).toHaveLength(1);
  });
});

describe("a folder that will not do", () => {
  test.for([
    ["is a file", "ENOTDIR", (root: string) => join(root, "file")],
    ["cannot be made", "ENOTDIR", (root: string) => join(root, "file/spool")],
    ["cannot be written to", "E[A-Z]+", () => "/proc/1"],
  ] as const)("because it %s is a matter of configuration", async ([, code, name]) => {
    const root = temporaryFolder("spool");
    writeFileSync(join(root, "file"), "");
    const bad = name(root);
    await expect(new Spool(bad).write(runId)).rejects.toMatchObject({
      operation: "configuration",
      message: expect.stringMatching(
        new RegExp(`^BACKUP_SPOOL_DIR names ${bad}, which cannot be written to \\((${code}|EEXIST)\\)$`),
      ),
      hint: expect.stringContaining("mount a volume"),
    });
  });
});

test("a note that is damaged does not keep the others from being sent", async () => {
  await finish();
  writeFileSync(join(folder, `${job}-mb0.json`), '{"path":"da');
  expect((await spool.unsent(jobs)).map(({ runId }) => runId)).toEqual([runId]);
});
