import { execa } from "execa";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test, vi } from "vitest";
import { BackupError } from "../../src/errors.ts";
import { type Command, isInstalled, type SubprocessError } from "../../src/program.ts";
import { run, Subprocesses, withSubprocesses } from "../../src/subprocess.ts";
import { temporaryFolder } from "../fixtures/folder.ts";

/** What a command that failed is explained as, so that tests see what it was told. */
class Explained extends Error {
  override readonly cause: SubprocessError;

  constructor(cause: SubprocessError) {
    super(`explained: ${cause.message}: ${cause.stderr}`);
    this.cause = cause;
  }
}

function program(file: string, args: string[] = [], env: Record<string, string> = {}): Command {
  const PATH = process.env["PATH"];
  return { file, args, env: { PATH, ...env }, explain: (failure) => new Explained(failure) };
}

function shell(script: string, ...args: string[]): Command {
  return program("sh", ["-c", script, "sh", ...args]);
}

/** What came out of a stream, and whether it ended or failed. */
async function readAll(stream: Readable): Promise<{ text: string; ended: boolean; error?: unknown }> {
  let text = "";
  try {
    for await (const chunk of stream) text += String(chunk);
    return { text, ended: true };
  } catch (error) {
    return { text, ended: false, error };
  }
}

function noSignal(): AbortSignal {
  return new AbortController().signal;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function appears(file: string): Promise<string> {
  await vi.waitFor(() => expect(existsSync(file) && readFileSync(file, "utf8")).toMatch(/\n$/), {
    timeout: 10_000,
    interval: 10,
  });
  return readFileSync(file, "utf8").trim();
}

/** Destroys a stream and waits until that is done. */
async function destroy(stream: Writable): Promise<void> {
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.destroy(new Error("the dump failed"));
  await closed;
}

/** Waits until a number has stopped growing. */
async function waitUntilStill(read: () => number): Promise<void> {
  let before = -1;
  await vi.waitFor(
    () => {
      const now = read();
      const isStill = now === before;
      before = now;
      expect(isStill).toBe(true);
    },
    { timeout: 10_000, interval: 100 },
  );
}

function temporaryFile(): string {
  return join(temporaryFolder("subprocess"), "file");
}

/** The process group of a process: the fifth field of its line, behind the name in parentheses. */
function groupOf(pid: number): number {
  const [, rest = ""] = /\) (.*)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  return Number(rest.split(" ")[2]);
}

describe("run", () => {
  test("ends a sheltered program at once", async () => {
    const file = temporaryFile();
    const script = 'trap "echo SIGTERM >>$1; exit" TERM; echo $$ >"$1"; while :; do sleep 0.1; done';
    const controller = new AbortController();
    const running = run({ ...shell(script, file), sheltered: true }, { signal: controller.signal });
    const pid = await appears(file);
    controller.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    expect(readFileSync(file, "utf8")).toBe(`${pid.trim()}\n`);
  });

  test("returns what the program wrote, to the last line feed", async () => {
    const { stdout, stderr } = await run(shell("echo out; echo; echo err >&2"));
    expect({ stdout, stderr }).toEqual({ stdout: "out\n\n", stderr: "err\n" });
  });

  test("gives it its input, and an empty one otherwise", async () => {
    expect((await run(program("cat"), { input: "words\n" })).stdout).toBe("words\n");
    expect((await run(program("cat"))).stdout).toBe("");
  });

  test("gives it its environment and nothing else", async () => {
    vi.stubEnv("RCDUMP_TEST_SECRET", "inherited");
    const { stdout } = await run(program("env", [], { OWN: "1" }));
    vi.unstubAllEnvs();
    expect(stdout.trim().split("\n").toSorted()).toEqual(["OWN=1", `PATH=${process.env["PATH"]}`]);
  });

  test.for([
    ["exit 3", "sh exited with code 3", { exitCode: 3, signal: undefined }],
    [
      "kill -KILL $$",
      "sh was ended by SIGKILL, perhaps for want of memory",
      { exitCode: undefined, signal: "SIGKILL" },
    ],
  ] as const)("explains a program that does `%s`", async ([script, words, end]) => {
    const failure = await run(shell(`echo why >&2; ${script}`)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Explained);
    expect(failure).toMatchObject({ message: `explained: ${words}: why`, cause: end });
  });

  test("explains a program that does not exist", async () => {
    await expect(run(program("no-such-program"))).rejects.toThrow(
      "explained: no-such-program is not installed",
    );
  });

  test("ends a program that takes too long", async () => {
    await expect(run(program("sleep", ["60"]), { timeout: 100 })).rejects.toMatchObject({
      message: "explained: sleep gave no answer within 0.1 s: ",
    });
  });

  test("ends it when the signal aborts, and throws its reason", async () => {
    const file = temporaryFile();
    const abort = new AbortController();
    const reason = new BackupError("terminate", "cancelled by SIGTERM");
    const running = run(shell('echo $$ > "$1"; exec sleep 60', file), { signal: abort.signal });
    const pid = Number(await appears(file));
    abort.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(isAlive(pid)).toBe(false);
  });
});

describe("a source", () => {
  test("ends after a program that exits with 0", async () => {
    const children = new Subprocesses(noSignal());
    expect(await readAll(children.source(shell("echo all")))).toEqual({ text: "all\n", ended: true });
    await children.ended();
    expect(children.failure).toBeUndefined();
  });

  test.for([
    ["exit 1", "sh exited with code 1"],
    ["kill -KILL $$", "sh was ended by SIGKILL, perhaps for want of memory"],
    ["kill -TERM $$", "sh was ended by SIGTERM"],
  ] as const)("never ends, but fails, after good bytes and `%s`", async ([script, words]) => {
    const children = new Subprocesses(noSignal());
    const { text, ended } = await readAll(children.source(shell(`echo good; echo why >&2; ${script}`)));
    expect({ text, ended }).toEqual({ text: "good\n", ended: false });
    await children.ended();
    expect(children.failure?.message).toBe(`explained: ${words}: why`);
  });

  test("does not end while the program still runs, though it has closed its stdout", async () => {
    const children = new Subprocesses(noSignal());
    const gate = temporaryFile();
    const script = 'echo good; exec >&-; while ! [ -e "$1" ]; do sleep 0.01; done; exit 1';
    const reading = readAll(children.source(shell(script, gate)));
    await execa("touch", [gate]);
    expect(await reading).toMatchObject({ text: "good\n", ended: false });
  });

  test("that does not exist fails", async () => {
    const children = new Subprocesses(noSignal());
    expect((await readAll(children.source(program("no-such-program")))).ended).toBe(false);
    await children.ended();
    expect(children.failure?.message).toBe("explained: no-such-program is not installed: ");
  });

  test("keeps the end of what was complained about, not megabytes of it", async () => {
    const children = new Subprocesses(noSignal());
    const script = "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1";
    await readAll(children.source(shell(script)));
    await children.ended();
    const { stderr } = (children.failure as Explained).cause;
    expect(stderr).toMatch(/xxx\nthe end$|xxxthe end$/);
    expect(stderr.length).toBeLessThan(10_000);
  });
});

describe("a duplex", () => {
  test("passes a megabyte through", async () => {
    const children = new Subprocesses(noSignal());
    const bytes = randomBytes(1024 ** 2);
    const received: Buffer[] = [];
    await pipeline(Readable.from([bytes]), children.duplex(program("cat")), async (output) => {
      for await (const chunk of output) received.push(chunk as Buffer);
    });
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
  });

  test("that exits with 1 after it wrote everything does not end", async () => {
    const children = new Subprocesses(noSignal());
    const duplex = children.duplex(shell("cat; exit 1"));
    duplex.end("good");
    expect(await readAll(duplex)).toMatchObject({ text: "good", ended: false });
  });

  test.for(["head -c 100000", "exit 0", "head -c 1000 >/dev/null; printf abc"])(
    "that does `%s`, and so has not read all of it, does not end",
    async (script) => {
      let ended = false;
      const input = Readable.from(Array.from({ length: 32 }, () => Buffer.alloc(65_536)));
      const work = withSubprocesses(undefined, (children) =>
        pipeline(input, children.duplex(shell(script)), async (output: AsyncIterable<unknown>) => {
          for await (const _ of output);
          ended = true;
        }),
      );
      await expect(work).rejects.toThrow("explained: sh exited with code 0");
      expect(ended).toBe(false);
    },
  );

  test("behind a source that failed shows no end to what is behind it", async () => {
    let ended = false;
    const work = withSubprocesses(undefined, (children) =>
      pipeline(
        children.source(shell("echo good; exit 1")),
        children.duplex(program("cat")),
        async (output: AsyncIterable<unknown>) => {
          for await (const _ of output);
          ended = true;
        },
      ),
    );
    await expect(work).rejects.toThrow("explained: sh exited with code 1");
    expect(ended).toBe(false);
  });
});

describe("a sink", () => {
  test("finishes when its program has exited with 0, and not before", async () => {
    const children = new Subprocesses(noSignal());
    const file = temporaryFile();
    const bytes = randomBytes(1024 ** 2);
    await pipeline(
      Readable.from([bytes]),
      await children.sink(shell('cat > "$1.new"; mv "$1.new" "$1"', file)),
    );
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test("that is given nothing still tells its program of the end", async () => {
    const children = new Subprocesses(noSignal());
    const file = temporaryFile();
    await pipeline(Readable.from([]), await children.sink(shell('cat; echo "saw the end" > "$1"', file)));
    expect(readFileSync(file, "utf8")).toBe("saw the end\n");
  });

  test.for([
    ["cat >/dev/null; exit 1", "sh exited with code 1"],
    ["cat >/dev/null; kill -KILL $$", "sh was ended by SIGKILL, perhaps for want of memory"],
    ["exec <&-; exit 1", "sh exited with code 1"],
    ["exec <&-; exit 0", "sh exited with code 0"],
    ["head -c 1 >/dev/null; exit 0", "sh exited with code 0"],
  ] as const)("fails if its program does `%s`", async ([script, words]) => {
    const children = new Subprocesses(noSignal());
    const endless = Readable.from(
      (function* () {
        for (let index = 0; index < 512; index++) yield Buffer.alloc(65536);
      })(),
    );
    const storing = pipeline(endless, await children.sink(shell(script)));
    await expect(storing).rejects.toThrow(`explained: ${words}`);
  });

  test.for([
    ["has gone", "cat > /dev/null", ""],
    ["has failed", "cat > /dev/null; exit 1", "explained: sh exited with code 1: "],
  ] as const)("clears up when its program %s; failing at that is no failure", async ([, script, words]) => {
    const children = new Subprocesses(noSignal());
    const cleanUp = vi.fn(() => {
      throw new Error("the disk is read-only");
    });
    const storing = pipeline(Readable.from(["a"]), await children.sink({ ...shell(script), cleanUp }));
    const said = await storing.then(
      () => "",
      (error: Error) => error.message,
    );
    expect(said).toBe(words);
    expect(cleanUp).toHaveBeenCalledOnce();
  });

  test("that does not exist fails", async () => {
    const children = new Subprocesses(noSignal());
    const sink = await children.sink(program("no-such-program"));
    await expect(pipeline(Readable.from(["a"]), sink)).rejects.toThrow(
      "explained: no-such-program is not installed",
    );
    await children.ended();
  });

  test("that is destroyed ends its program by SIGTERM, which sees no end of file", async () => {
    const children = new Subprocesses(noSignal());
    const file = temporaryFile();
    const script = `
      // It takes its time, in which an end of file would show.
      process.on("SIGTERM", () => { note("SIGTERM"); setTimeout(() => process.exit(143), 300); });
      const note = (what) => require("node:fs").appendFileSync(process.argv[1], what + "\\n");
      process.stdin.on("data", (data) => note(String(data)));
      process.stdin.on("end", () => note("end"));
      process.stdin.on("error", (error) => note(error.code));`;
    const sink = await children.sink(program(process.execPath, ["-e", script, file]));
    sink.write("good");
    expect(await appears(file)).toBe("good");
    await destroy(sink);
    expect(readFileSync(file, "utf8")).toBe("good\nSIGTERM\n");
  });

  test("that is sheltered sees its stdin break and has time to clear up, and is out of reach of Ctrl-C", async () => {
    const children = new Subprocesses(noSignal());
    const file = temporaryFile();
    const script = `
      const note = (what) => require("node:fs").appendFileSync(process.argv[1], what + "\\n");
      note(process.pid);
      process.on("SIGTERM", () => note("SIGTERM"));
      process.stdin.on("data", () => {});
      process.stdin.on("end", () => note("end"));
      process.stdin.on("error", ({ code }) => setTimeout(() => { note(code); process.exit(1); }, 300));`;
    const command = program(process.execPath, ["-e", script, file]);
    const sink = await children.sink({ ...command, sheltered: true });
    const pid = await appears(file);
    // Ctrl-C goes to the terminal's foreground group.
    expect(groupOf(Number(pid))).toBe(Number(pid));
    await destroy(sink);
    expect(readFileSync(file, "utf8")).toBe(`${pid.trim()}\nECONNRESET\n`);
  });

  test.for([
    { does: "does not end by itself", script: "exec sleep 60", ends: false },
    { does: "has seen the end", script: 'cat >/dev/null; echo end >>"$1"; exec sleep 60', ends: true },
  ])("that is sheltered and $does is ended by SIGKILL", { timeout: 15_000 }, async ({ script, ends }) => {
    const children = new Subprocesses(noSignal());
    const file = temporaryFile();
    const command = shell(`trap "echo SIGTERM >>$1" TERM; echo $$ >"$1"; ${script}`, file);
    const sink = await children.sink({ ...command, sheltered: true });
    const pid = (await appears(file)).trim();
    if (ends) {
      sink.end();
      await vi.waitFor(() => expect(readFileSync(file, "utf8")).toBe(`${pid}\nend\n`));
    }
    await destroy(sink);
    expect(isAlive(Number(pid))).toBe(false);
    expect(readFileSync(file, "utf8")).not.toContain("SIGTERM");
  });

  test("that is destroyed ends what a wrapper has started, too", async () => {
    const children = new Subprocesses(noSignal());
    const file = temporaryFile();
    const inner = `
      const { appendFileSync } = require("node:fs");
      process.stdin.on("data", () => appendFileSync(process.argv[1], process.pid + "\\n"));
      process.stdin.on("error", () => process.exit(1));`;
    const wrapper = '"$1" -e "$2" "$3"; exit $?';
    const sink = await children.sink(shell(wrapper, process.execPath, inner, file));
    sink.write("good");
    const pid = Number(await appears(file));
    try {
      await destroy(sink);
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5000 });
    } finally {
      if (isAlive(pid)) process.kill(pid, "SIGKILL");
    }
  }, 15_000);

  test("whose program ignores SIGTERM ends it by SIGKILL after five seconds", async () => {
    const children = new Subprocesses(noSignal());
    const file = temporaryFile();
    const sink = await children.sink(shell('trap "" TERM; echo $$ > "$1"; while :; do sleep 1; done', file));
    const pid = Number(await appears(file));
    const start = performance.now();
    await destroy(sink);
    expect(performance.now() - start).toSatisfy((elapsed: number) => elapsed > 4900 && elapsed < 9000);
    expect(isAlive(pid)).toBe(false);
  });
});

describe("a filter", () => {
  /** What a filter makes of some chunks, and whether all of them were taken and the result came to its end. */
  async function filter(
    script: string,
    input: Iterable<Buffer>,
  ): Promise<{ output: Buffer; taken: number; ended: boolean; error: unknown }> {
    const chunks: Buffer[] = [];
    const seen = { taken: 0, ended: false };
    const counted = function* (): Generator<Buffer> {
      for (const chunk of input) {
        seen.taken += chunk.length;
        yield chunk;
      }
    };
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk);
        done();
      },
      final: (done) => {
        seen.ended = true;
        done();
      },
    });
    const error = await withSubprocesses(undefined, (children) =>
      pipeline(Readable.from(counted(), { objectMode: false }), children.filter(shell(script)), sink),
    ).catch((failure: unknown) => failure);
    return { output: Buffer.concat(chunks), ...seen, error };
  }

  const megabyte = randomBytes(1_000_000);
  const much = Array.from({ length: 8 }, () => megabyte);

  test.for([
    ["nothing", []],
    ["a byte", [Buffer.from("x")]],
    ["megabytes", much],
  ] as const)("passes %s on whole", async ([, input]) => {
    const { output, ended, error } = await filter("cat", input);
    expect({ same: output.equals(Buffer.concat(input)), ended, error }).toEqual({
      same: true,
      ended: true,
      error: undefined,
    });
  });

  test.for([
    ["head -c 100000", 100_000],
    ["exit 0", 0],
    ["head -c 1000 >/dev/null; printf abc", 3],
    ["exec <&-; head -c 300000 /dev/zero", 300_000],
  ] as const)(
    "that does `%s` lets what is before it come to its end, and gives all it wrote",
    async ([script, length]) => {
      const { output, taken, ended, error } = await filter(script, much);
      expect({ length: output.length, taken, ended, error }).toEqual({
        length,
        taken: 8_000_000,
        ended: true,
        error: undefined,
      });
    },
  );

  test.for(["head -c 1000; echo why >&2; exit 1", "cat; echo why >&2; exit 1", "echo why >&2; exit 1"])(
    "that does `%s` fails, and with what it is explained as",
    async (script) => {
      const { ended, error } = await filter(script, much);
      expect(ended).toBe(false);
      expect(error).toMatchObject({ message: "explained: sh exited with code 1: why" });
    },
  );

  test("does not end while what is before it may still fail", async () => {
    let ended = false;
    const chunks: Buffer[] = [];
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk);
        done();
      },
      final: (done) => {
        ended = true;
        done();
      },
    });
    const file = temporaryFile();
    const failing = async function* (): AsyncGenerator<Buffer> {
      yield megabyte;
      // The program has written all that it will, and has gone.
      const pid = Number(await appears(file));
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000, interval: 10 });
      await waitUntilStill(() => chunks.length);
      throw new BackupError("integrity", "its digest is another");
    };
    const work = withSubprocesses(undefined, (children) => {
      const filtering = children.filter(shell('echo $$ > "$1"; exec head -c 1000', file));
      return pipeline(Readable.from(failing(), { objectMode: false }), filtering, sink);
    });
    await expect(work).rejects.toThrow("its digest is another");
    expect(Buffer.concat(chunks)).toHaveLength(1000);
    expect(ended).toBe(false);
  });

  test("does not take more than its reader does", async () => {
    let taken = 0;
    const endless = function* (): Generator<Buffer> {
      for (;;) {
        taken += megabyte.length;
        yield megabyte;
      }
    };
    const full = new Error("enough");
    const stuck = new Writable({
      highWaterMark: 1,
      // A second round lets everything that can move come to rest.
      write: (_chunk, _encoding, done) => void waitUntilStill(() => taken).then(() => done(full)),
    });
    const work = withSubprocesses(undefined, (children) =>
      pipeline(Readable.from(endless(), { objectMode: false }), children.filter(program("cat")), stuck),
    );
    await expect(work).rejects.toBe(full);
    expect(taken).toBeLessThan(20_000_000);
  });

  test("has ended its program when the work is over", async () => {
    const file = temporaryFile();
    let pid = 0;
    await withSubprocesses(undefined, async (children) => {
      children.filter(shell('echo $$ > "$1"; exec sleep 60', file));
      pid = Number(await appears(file));
    });
    expect(isAlive(pid)).toBe(false);
  });
});

describe("a program whose words are reviewed", () => {
  /** Runs a script as a sink; the lines that the review was given, and what it ended with. */
  async function reviewed(script: string, verdict?: Error): Promise<{ lines: string[]; error: unknown }> {
    const lines: string[] = [];
    const command: Command = {
      ...shell(script),
      review: () => ({ line: (text) => void lines.push(text), verdict: () => verdict }),
    };
    const error = await withSubprocesses(undefined, async (children) =>
      pipeline(Readable.from([Buffer.from("input")]), await children.sink(command)),
    ).catch((failure: unknown) => failure);
    return { lines, error };
  }

  test("has done well if the review finds nothing", async () => {
    expect(await reviewed("cat >/dev/null; echo one >&2; echo größe >&2")).toEqual({
      lines: ["one", "größe"],
      error: undefined,
    });
  });

  test("has failed if the review says so, although it exited with 0", async () => {
    const verdict = new BackupError("restore", "not all of it");
    expect(await reviewed("cat >/dev/null", verdict)).toEqual({ lines: [], error: verdict });
  });

  test("has failed as it is explained if it did not exit with 0, whatever the review says", async () => {
    const { error } = await reviewed("cat >/dev/null; echo why >&2; exit 3", new Error("the review's"));
    expect(error).toMatchObject({ message: "explained: sh exited with code 3: why" });
  });

  test("is heard to the last line, however much it says", async () => {
    const { lines } = await reviewed("cat >/dev/null; seq 200000 >&2; printf end >&2");
    expect(lines.length).toBe(200_001);
    expect([lines[0], lines.at(-1)]).toEqual(["1", "end"]);
  });
});

describe("withSubprocesses", () => {
  /** Starts three children that go on for ever and tells their process ids. */
  async function startThree(children: Subprocesses): Promise<number[]> {
    const files = [temporaryFile(), temporaryFile(), temporaryFile()] as const;
    const script = 'echo $$ > "$1"; exec sleep 60';
    const streams = [
      children.source(shell(script, files[0])),
      children.duplex(shell(script, files[1])),
      await children.sink(shell(script, files[2])),
    ];
    for (const stream of streams) stream.on("error", () => {}); // they are about to be ended
    return Promise.all(files.map(async (file) => Number(await appears(file))));
  }

  test.for(["returns", "throws", "is aborted"])("leaves no child when its work %s", async (manner) => {
    let pids: number[] = [];
    const abort = new AbortController();
    const work = withSubprocesses(abort.signal, async (children) => {
      pids = await startThree(children);
      expect(pids.map(isAlive)).toEqual([true, true, true]);
      if (manner === "throws") throw new Error("the work failed");
      if (manner === "is aborted") {
        abort.abort(new Error("aborted"));
        abort.signal.throwIfAborted();
      }
      return "fine";
    });
    if (manner === "returns") expect(await work).toBe("fine");
    else await expect(work).rejects.toThrow(manner === "throws" ? "the work failed" : "aborted");
    expect(pids.map(isAlive)).toEqual([false, false, false]);
  });

  test("throws the failure that came first, not those that it caused", async () => {
    const work = withSubprocesses(undefined, async (children) =>
      pipeline(
        children.source(shell("yes")),
        children.duplex(program("cat")),
        await children.sink(shell("head -c 100000 >/dev/null; echo the store is full >&2; exit 7")),
      ),
    );
    await expect(work).rejects.toThrow("explained: sh exited with code 7: the store is full");
  });

  test("throws the reason of an abort, whatever breaks because of it", async () => {
    const abort = new AbortController();
    const reason = new BackupError("interrupt", "cancelled by SIGINT");
    const file = temporaryFile();
    const work = withSubprocesses(abort.signal, async (children) => {
      const script = 'echo $$ > "$1"; exec cat >/dev/null';
      await pipeline(children.source(program("yes")), await children.sink(shell(script, file)));
    });
    const failing = expect(work).rejects.toBe(reason);
    await appears(file);
    abort.abort(reason);
    await failing;
  });

  test("with a signal that has been aborted before lets nothing finish", async () => {
    const aborted = AbortSignal.abort(new Error("aborted"));
    const work = withSubprocesses(aborted, async (children) => {
      const sink = await children.sink(shell("exec sleep 60"));
      await pipeline([children.source(shell("exec sleep 60")), sink], { signal: aborted });
    });
    await expect(work).rejects.toThrow("aborted");
  });
});

test("isInstalled looks along the PATH it is given", () => {
  const env = { PATH: process.env["PATH"] };
  expect(isInstalled("sh", env)).toBe(true);
  expect(isInstalled("no-such-program", env)).toBe(false);
  expect(isInstalled("sh", { PATH: "/nonexistent" })).toBe(false);
  expect(isInstalled("sh", {})).toBe(false);
});
