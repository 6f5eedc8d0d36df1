import { describe, expect, test } from "vitest";
import { commit, UploadKept } from "../../src/commit.ts";
import { type Destination, jobOfPartial, reserve } from "../../src/destination.ts";
import { put } from "../../src/put.ts";
import { parseManifest } from "../../src/manifest.ts";
import { describeContent, manifestText } from "../fixtures/manifests.ts";
import { MemoryRemote, rcloneFailure, type Step } from "../fixtures/memory-remote.ts";

const path = "daily/app.sql.gz";
const runId = "0123abcd-mb1x2y3zff00";
const partial = `${path}.${runId}.partial`;
const manifest = `${path}.manifest.json`;
const manifestPartial = `${manifest}.${runId}.partial`;
const denied = rcloneFailure({ exitCode: 1, stderr: "AccessDenied: Access Denied status code: 403" });

/** Fails a step by its name, once or always, before it does anything. */
function failing(pattern: RegExp, error: Error = new Error("the line is cut")) {
  return ({ name, moment }: Step): void => {
    if (moment === "before" && pattern.test(name)) throw error;
  };
}

async function reserveOne(remote: MemoryRemote, overwrite = true): Promise<Destination> {
  const [destination] = await reserve(remote, [{ path, runId }], { overwrite });
  if (!destination) throw new Error("nothing was reserved");
  return destination;
}

/** What a run does with a remote in which the new object has been uploaded. */
async function commitNew(remote: MemoryRemote, overwrite = true) {
  const destination = await reserveOne(remote, overwrite);
  remote.place(destination.place, "new content");
  return commit(remote, destination, describeContent("new content"), { overwrite });
}

describe("where an upload goes", () => {
  test.for([
    ["an atomic remote, a free name", true, [], path],
    ["an atomic remote, a name that is taken", true, [path], partial],
    ["an atomic remote, a name of which only a manifest is left", true, [manifest], partial],
    ["another remote, a free name", false, [], partial],
    ["another remote, a name that is taken", false, [path, manifest], partial],
  ] as const)("%s", async ([, atomic, there, place]) => {
    const remote = new MemoryRemote({ atomic });
    for (const name of there) remote.place(name, "earlier");
    expect(await reserveOne(remote)).toEqual({ path, place, runId, taken: there.length > 0 });
  });

  test.for([[path], [manifest]])("BACKUP_OVERWRITE=false refuses where there is %s", async ([there]) => {
    const remote = new MemoryRemote({ atomic: true });
    remote.place(there ?? "", "earlier");
    await expect(reserveOne(remote, false)).rejects.toMatchObject({
      operation: "upload",
      message: `${path} exists already, and BACKUP_OVERWRITE=false`,
      hint: expect.stringContaining("BACKUP_FILE_NAME"),
    });
    expect(remote.done).toEqual(["find"]);
  });

  test("credentials that may not look find nothing, and the upload goes on", async () => {
    const remote = new MemoryRemote({ atomic: true, onStep: failing(/^find/, denied) });
    expect(await reserveOne(remote)).toMatchObject({ taken: false, place: path });
  });

  test("a name that another run has taken meanwhile is not replaced", async () => {
    const remote = new MemoryRemote({ atomic: false });
    const destination = await reserveOne(remote);
    remote.place(destination.place, "new content");
    remote.place(path, "another's");
    const committing = commit(remote, destination, describeContent("new content"), { overwrite: true });
    await expect(committing).rejects.toMatchObject({ nameTaken: true });
    expect(remote.content(path)?.toString()).toBe("another's");
  });

  test("a refusal that passes does not let a name that is taken seem free", async () => {
    let finds = 0;
    const refuseOnce = ({ name, moment }: Step): void => {
      if (moment === "before" && name === "find" && ++finds === 1) throw denied;
    };
    const remote = new MemoryRemote({ atomic: true, onStep: refuseOnce });
    remote.place(path, "earlier");
    expect(await reserveOne(remote)).toMatchObject({ taken: true, place: partial });
  });

  test("credentials that may not look cannot keep a name from being replaced", async () => {
    const remote = new MemoryRemote({ atomic: true, onStep: failing(/^find/, denied) });
    await expect(reserveOne(remote, false)).rejects.toMatchObject({
      operation: "upload",
      message: expect.stringMatching(/^BACKUP_OVERWRITE=false, and these credentials may not look/),
      hint: expect.stringContaining("BACKUP_FILE_NAME"),
    });
  });

  test("a store that does not answer is no free name", async () => {
    const refused = rcloneFailure({ exitCode: 1, stderr: "dial tcp 127.0.0.1:9: connection refused" });
    const remote = new MemoryRemote({ atomic: true, onStep: failing(/^find/, refused) });
    await expect(reserveOne(remote)).rejects.toBe(refused);
  });
});

describe("the order of things", () => {
  test("on an atomic remote with a free name only the manifest is left to be written", async () => {
    const remote = new MemoryRemote({ atomic: true });
    await commitNew(remote);
    expect(remote.done).toEqual(["find", "find", `write ${manifest}`, "find"]);
  });

  test("elsewhere the object is moved, then the manifest is written by way of a name of its own", async () => {
    const remote = new MemoryRemote({ atomic: false });
    await commitNew(remote);
    expect(remote.done).toEqual([
      "find",
      "find",
      `move ${partial} ${path}`,
      "find",
      `begin ${manifestPartial}`,
      `half ${manifestPartial}`,
      `write ${manifestPartial}`,
      `move ${manifestPartial} ${manifest}`,
      "find",
    ]);
    expect(remote.paths).toEqual([path, manifest]);
  });

  test.for([true, false])(
    "where the name is taken the earlier manifest goes before the object does (atomic: %s)",
    async (atomic) => {
      const remote = new MemoryRemote({ atomic });
      remote.place(path, "earlier");
      remote.place(manifest, manifestText("earlier"));
      await commitNew(remote);
      const [first, second] = [`remove ${manifest}`, atomic ? `copy ${partial} ${path}` : `remove ${path}`];
      expect(remote.done.filter((name) => name === first || name === second)).toEqual([first, second]);
      expect(remote.paths).toEqual([path, manifest]);
      expect(remote.content(path)?.toString()).toBe("new content");
    },
  );

  test.for([true, false])(
    "the manifest that is stored is the one that is returned (atomic: %s)",
    async (atomic) => {
      const remote = new MemoryRemote({ atomic });
      const committed = await commitNew(remote);
      expect(committed).toEqual({ ...describeContent("new content"), readBack: true });
      expect(parseManifest(remote.content(manifest)?.toString() ?? "")).toEqual(committed);
    },
  );
});

describe("what was uploaded", () => {
  test.for([
    ["too short", "new conten", "is 10 bytes long after 11 bytes were uploaded"],
    ["too long", "new content!", "is 12 bytes long after 11 bytes were uploaded"],
    ["not there", undefined, "is not there after 11 bytes were uploaded"],
  ] as const)("an object that is %s is refused and nothing is touched", async ([, content, words]) => {
    const remote = new MemoryRemote({ atomic: false });
    remote.place(path, "earlier");
    remote.place(manifest, manifestText("earlier"));
    const destination = await reserveOne(remote);
    if (content !== undefined) remote.place(destination.place, content);
    const committing = commit(remote, destination, describeContent("new content"), { overwrite: true });
    await expect(committing).rejects.toMatchObject({ operation: "upload", message: `${partial} ${words}` });
    expect(remote.done).toEqual(["find", "find"]);
    expect(remote.content(manifest)?.toString()).toBe(manifestText("earlier"));
  });

  test("cannot be looked at with credentials that may only write, and the manifest says so", async () => {
    const remote = new MemoryRemote({ atomic: true, onStep: failing(/^find/, denied) });
    expect(await commitNew(remote)).toMatchObject({ readBack: false });
    expect(parseManifest(remote.content(manifest)?.toString() ?? "")).toMatchObject({ readBack: false });
  });

  test("is not taken for good where the store stops answering", async () => {
    let finds = 0;
    const onStep = ({ name, moment }: Step): void => {
      if (moment === "before" && name === "find" && ++finds > 1) throw new Error("the line is cut");
    };
    const remote = new MemoryRemote({ atomic: true, onStep });
    await expect(commitNew(remote)).rejects.toThrow("the line is cut");
    expect(remote.paths).toEqual([path]);
  });
});

describe("a move that fails", () => {
  test.for([true, false])("puts the earlier manifest back (atomic: %s)", async (atomic) => {
    const remote = new MemoryRemote({ atomic, onStep: failing(/^copy|^remove daily\/app\.sql\.gz$/) });
    remote.place(path, "earlier");
    remote.place(manifest, manifestText("earlier"));
    await expect(commitNew(remote)).rejects.toThrow("the line is cut");
    expect(remote.content(path)?.toString()).toBe("earlier");
    expect(remote.content(manifest)?.toString()).toBe(manifestText("earlier"));
  });

  test.for(["earlier", "old content"])(
    "is none if only its answer is lost, where there was `%s`",
    async (earlier) => {
      const lost = ({ name, moment }: Step): void => {
        if (moment === "after" && name === `move ${partial} ${path}`) throw new Error("the answer is lost");
      };
      const remote = new MemoryRemote({ atomic: false, onStep: lost });
      remote.place(path, earlier);
      remote.place(manifest, manifestText(earlier));
      await commitNew(remote);
      expect(remote.content(path)?.toString()).toBe("new content");
      expect(remote.content(manifest)?.toString()).toBe(manifestText("new content"));
    },
  );

  // The size alone does not tell: two encrypted backups of a database that did not change are equally long.
  test.for(["earlier", "old content"])(
    "half-way leaves no earlier manifest beside the new object, where there was `%s`",
    async (earlier) => {
      const onStep = failing(/^remove .*\.partial$/);
      const remote = new MemoryRemote({ atomic: true, onStep });
      remote.place(path, earlier);
      remote.place(manifest, manifestText(earlier));
      await expect(commitNew(remote)).rejects.toBeInstanceOf(UploadKept);
      expect(remote.content(path)?.toString()).toBe("new content");
      expect(remote.paths).toEqual([path, partial]);
    },
  );

  test("keeps the new object where the earlier one is gone, and says where it is", async () => {
    const remote = new MemoryRemote({ atomic: false, onStep: failing(/^move/) });
    remote.place(path, "earlier");
    remote.place(manifest, manifestText("earlier"));
    await expect(commitNew(remote)).rejects.toMatchObject({
      operation: "upload",
      message: `the line is cut, while ${path} was being replaced`,
      hint: expect.stringContaining(partial),
    });
    expect(remote.paths).toEqual([partial]);
  });

  test.for(["earlier", "old content"])(
    "because the upload has vanished leaves the earlier backup as it was, where there was `%s`",
    async (earlier) => {
      const remote: MemoryRemote = new MemoryRemote({
        atomic: true,
        onStep: ({ name, moment }) => {
          if (moment === "before" && name.startsWith("copy")) {
            remote.lose(partial);
            throw new Error("there is no such object");
          }
        },
      });
      remote.place(path, earlier);
      remote.place(manifest, manifestText(earlier));
      await expect(commitNew(remote)).rejects.toThrow("there is no such object");
      expect(remote.content(path)?.toString()).toBe(earlier);
      expect(remote.content(manifest)?.toString()).toBe(manifestText(earlier));
    },
  );

  test.for(["earlier", "old content"])(
    "without saying so, because the upload has vanished, is noticed, where there was `%s`",
    async (earlier) => {
      const remote: MemoryRemote = new MemoryRemote({
        atomic: true,
        onStep: ({ name, moment }) => {
          if (moment === "after" && name === `remove ${manifest}`) remote.lose(partial);
        },
      });
      remote.place(path, earlier);
      remote.place(manifest, manifestText(earlier));
      await expect(commitNew(remote)).rejects.toMatchObject({ operation: "upload" });
      expect(remote.content(path)?.toString()).toBe(earlier);
      expect(remote.content(manifest)?.toString()).toBe(manifestText(earlier));
    },
  );

  test.for([
    ["no object", "move", undefined],
    ["one of the same size", `^(move|remove ${path}$)`, "old content"],
    ["one of another size", `^(move|remove ${path}$)`, "earlier"],
  ] as const)("that a store only pretends is noticed, where there was %s", async ([, pretended, earlier]) => {
    const remote = new MemoryRemote({ atomic: false, pretends: new RegExp(pretended) });
    if (earlier !== undefined) {
      remote.place(path, earlier);
      remote.place(manifest, manifestText(earlier));
    }
    await expect(commitNew(remote)).rejects.toMatchObject({
      operation: "upload",
      message: `${partial} is still there after the store said that it was moved`,
    });
    expect(remote.content(path)?.toString()).toBe(earlier);
    expect(remote.content(partial)?.toString()).toBe("new content");
  });

  test.for([true, false])(
    "of the manifest that a store only pretends is noticed (atomic: %s)",
    async (atomic) => {
      const remote = new MemoryRemote({
        atomic,
        pretends: atomic ? /^write/ : new RegExp(`move.* ${manifest}$`),
      });
      await expect(commitNew(remote)).rejects.toMatchObject({
        operation: "upload",
        message: expect.stringContaining(`${manifest} is not there`),
      });
    },
  );

  test("tells why it failed, even if the earlier manifest cannot be put back", async () => {
    let cut = false;
    const onStep = ({ name, moment }: Step): void => {
      if (moment === "before" && name.startsWith("copy")) {
        cut = true;
        throw new Error("the move failed");
      }
      if (cut) throw new Error("the store does not answer");
    };
    const remote = new MemoryRemote({ atomic: true, onStep });
    remote.place(path, "earlier");
    remote.place(manifest, manifestText("earlier"));
    await expect(commitNew(remote)).rejects.toThrow("the move failed");
  });

  test("because another run took the name leaves that run's backup alone", async () => {
    const remote = new MemoryRemote({ atomic: false });
    const destination = await reserveOne(remote, false);
    remote.place(destination.place, "new content");
    remote.place(path, "another's");
    remote.place(manifest, manifestText("another's"));
    const committing = commit(remote, destination, describeContent("new content"), { overwrite: false });
    await expect(committing).rejects.toMatchObject({ exitCode: 9 });
    expect(remote.content(path)?.toString()).toBe("another's");
    expect(remote.content(manifest)?.toString()).toBe(manifestText("another's"));
  });
});

describe("a small object", () => {
  test.for([true, false])("is written again after a failure that may pass (atomic: %s)", async (atomic) => {
    const failure = rcloneFailure({ exitCode: 1, stderr: "connection reset by peer" });
    let failures = 2;
    const remote = new MemoryRemote({
      atomic,
      onStep: ({ name, moment }) => {
        if (moment === "before" && name.startsWith("write") && failures-- > 0) throw failure;
      },
    });
    await put(remote, manifest, "text", runId);
    expect(remote.content(manifest)?.toString()).toBe("text");
    expect(remote.paths).toEqual([manifest]);
  });

  test.for([
    ["is given up after three tries", rcloneFailure({ exitCode: 1, stderr: "connection reset by peer" }), 3],
    ["that may not be written is not tried again", denied, 1],
  ] as const)("%s", async ([, failure, tries]) => {
    let count = 0;
    const onStep = ({ name, moment }: Step): void => {
      if (moment !== "before" || !name.startsWith("write")) return;
      count++;
      throw failure;
    };
    const remote = new MemoryRemote({ atomic: true, onStep });
    await expect(put(remote, manifest, "text", runId)).rejects.toBe(failure);
    expect(count).toBe(tries);
  });

  test.for([
    [true, ["write probe.txt"]],
    [
      false,
      [
        "begin probe.txt.check.partial",
        "half probe.txt.check.partial",
        "write probe.txt.check.partial",
        "move probe.txt.check.partial probe.txt",
      ],
    ],
  ] as const)("appears whole or not at all (atomic: %s)", async ([atomic, done]) => {
    const remote = new MemoryRemote({ atomic });
    await put(remote, "probe.txt", "some text", "check");
    expect(remote.done).toEqual(done);
    expect(remote.content("probe.txt")?.toString()).toBe("some text");
  });
});

test.for([
  [partial, "0123abcd"],
  [manifestPartial, "0123abcd"],
  ["app.sql.gz.partial", undefined],
  ["app.sql.gz.0123abcd-mb1x.partial.gz", undefined],
  ["app.sql.gz.0123ABCD-mb1x.partial", undefined],
  ["app.sql.gz.0123abc-mb1x.partial", undefined],
  ["app.sql.gz.12345678.partial", undefined],
  ["rcdump-check-00.txt.check.partial", undefined],
] as const)("the job of %s is %s", ([name, job]) => {
  expect(jobOfPartial(name)).toBe(job);
});
