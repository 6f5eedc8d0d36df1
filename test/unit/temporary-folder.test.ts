import { mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { noteAbandonedFolders } from "../../src/leftovers.ts";
import { makeTemporaryFolder, temporaryFoldersOf } from "../../src/temporary-folder.ts";
import { temporaryFolder } from "../fixtures/folder.ts";

const job = "0123abcd";
const jobs = new Set([job]);
const runId = `${job}-mb1x2y3zff00`;

let root: string;

beforeEach(() => {
  root = temporaryFolder("tmp");
  vi.stubEnv("TMPDIR", root);
});
afterEach(() => vi.unstubAllEnvs());

/** A folder of a run of the job, in which rclone spools. */
function spooling(): { folder: string; file: string } {
  const folder = makeTemporaryFolder("upload", runId);
  const file = join(folder, "rclone-spool1");
  writeFileSync(file, "half");
  return { folder, file };
}

test("a folder is for its owner only", () => {
  const folder = makeTemporaryFolder("remote");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(root)).toEqual([basename(folder)]);
});

test.for(["remote", "upload"] as const)("without a place for one it fails: %s", (operation) => {
  vi.stubEnv("TMPDIR", join(root, "nowhere"));
  expect(() => makeTemporaryFolder(operation)).toThrow(
    expect.objectContaining({ operation, message: `cannot write to the temporary folder ${root}/nowhere` }),
  );
});

describe("the sweep", () => {
  test("removes what a run of the job left", async () => {
    const { folder } = spooling();
    const sweep = await noteAbandonedFolders(jobs);
    expect(await sweep(jobs)).toEqual([folder]);
    expect(readdirSync(root)).toEqual([]);
  });

  test("removes what whoever read manifests left, whose job it was that", async () => {
    makeTemporaryFolder("remote");
    const sweep = await noteAbandonedFolders(jobs);
    expect(await sweep(jobs)).toHaveLength(1);
    expect(readdirSync(root)).toEqual([]);
  });

  test("leaves what is still being written", async () => {
    const { file } = spooling();
    const sweep = await noteAbandonedFolders(jobs);
    writeFileSync(file, "more than half");
    expect(await sweep(jobs)).toEqual([]);
    expect(readdirSync(root)).toHaveLength(1);
  });

  test("leaves what was rewritten at the same size", async () => {
    const { file } = spooling();
    const sweep = await noteAbandonedFolders(jobs);
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    expect(await sweep(jobs)).toEqual([]);
  });

  test("leaves what a run has begun meanwhile, and what belongs to a job whose run was not good", async () => {
    spooling();
    const sweep = await noteAbandonedFolders(jobs);
    expect(await sweep(new Set())).toEqual([]);
    const { folder } = spooling();
    expect(await sweep(jobs)).toHaveLength(1);
    expect(readdirSync(root)).toEqual([basename(folder)]);
  });

  test("knows no folders of other jobs or other programs, no files and no links", () => {
    mkdirSync(join(root, "rcdump-89abcdef-mb1x2y3zff00-aaaaaa"));
    mkdirSync(join(root, `other-${runId}`));
    writeFileSync(join(root, `rcdump-${runId}-file`), "");
    symlinkSync(root, join(root, `rcdump-${runId}-link`));
    expect(temporaryFoldersOf(jobs).size).toBe(0);
  });

  test("finds nothing where there is no temporary folder", () => {
    vi.stubEnv("TMPDIR", join(root, "nowhere"));
    expect(temporaryFoldersOf(jobs).size).toBe(0);
  });
});
