import { expect, test } from "vitest";
import { noteAbandonedUploads } from "../../src/leftovers.ts";
import { MemoryRemote } from "../fixtures/memory-remote.ts";

const own = "0123abcd";
const mine = new Set([own]);
const stale = `daily/app.sql.gz.${own}-mi6ax3s0beef.partial`;
const staleManifest = `daily/app.sql.gz.manifest.json.${own}-mi6ax3s0beef.partial`;

/** A remote with these objects in it. */
function remoteWith(...paths: string[]): MemoryRemote {
  const remote = new MemoryRemote({ atomic: false });
  for (const path of paths) remote.place(path, "half");
  return remote;
}

test("what runs of this job abandoned is removed, and told", async () => {
  const remote = remoteWith(stale, staleManifest, "daily/app.sql.gz");
  const sweep = await noteAbandonedUploads(remote, mine);
  expect(remote.paths).toHaveLength(3);
  expect((await sweep(mine)).toSorted()).toEqual([stale, staleManifest]);
  expect(remote.paths).toEqual(["daily/app.sql.gz"]);
});

test("what is of another job, or none of ours, stays", async () => {
  const others = [
    "app.sql.gz.ffffffff-mi6ax3s0beef.partial",
    "app.sql.gz.partial",
    `app.sql.gz.${own}.partial`,
    `app.sql.gz.${own}-mi6ax3s0beef.partial.txt`,
    `${own}-mi6ax3s0beef.partial.sql.gz`,
  ];
  const remote = remoteWith(...others);
  expect(await (await noteAbandonedUploads(remote, mine))(mine)).toEqual([]);
  expect(remote.paths).toEqual(others.toSorted());
});

test("what changed meanwhile is another run's, and stays", async () => {
  const remote = remoteWith(stale, staleManifest);
  const sweep = await noteAbandonedUploads(remote, mine);
  remote.place(stale, "half and more");
  remote.place(staleManifest, "half"); // of the same size, but newer
  expect(await sweep(mine)).toEqual([]);
  expect(remote.paths).toEqual([stale, staleManifest]);
});

test("what appeared meanwhile stays, and what went needs no removing", async () => {
  const remote = remoteWith(stale);
  const sweep = await noteAbandonedUploads(remote, mine);
  await remote.remove(stale);
  remote.place(staleManifest, "half");
  expect(await sweep(mine)).toEqual([]);
  expect(remote.paths).toEqual([staleManifest]);
});

test("only jobs whose run was good are swept up after", async () => {
  const other = "app.sql.gz.ffffffff-mi6ax3s0beef.partial";
  const remote = remoteWith(stale, other);
  const sweep = await noteAbandonedUploads(remote, new Set([own, "ffffffff"]));
  expect(await sweep(new Set())).toEqual([]);
  expect(await sweep(new Set(["ffffffff"]))).toEqual([other]);
  expect(remote.paths).toEqual([stale]);
});
