import { execa } from "execa";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { createGunzip, createGzip } from "node:zlib";
import { describe, expect, test, vi } from "vitest";
import { Digest } from "../../src/digest.ts";
import { BackupError } from "../../src/errors.ts";
import { type Command, environmentOf } from "../../src/program.ts";
import { openSocketPair } from "../../src/socket-pair.ts";
import { withSubprocesses } from "../../src/subprocess.ts";
import { locate } from "../fixtures/programs.ts";

function shell(script: string, env: Record<string, string | undefined> = process.env): Command {
  return {
    file: "sh",
    args: ["-c", script],
    env,
    explain: ({ message }) => new Error(`explained: ${message}`),
  };
}

/** Bytes that do not repeat within a buffer's length. */
const megabytes = `seq 1 1500000`;
const bytes = Buffer.from(Array.from({ length: 1_500_000 }, (_, index) => `${index + 1}\n`).join(""));

/** Takes a chunk at a time and reads it only after a while, as a slow pipe does. */
class Slow extends Writable {
  readonly hash = createHash("sha256");
  ended = false;
  #count = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const read = (): void => {
      this.hash.update(chunk);
      done();
    };
    // At once, in the next turn, a while later, and once so late that no buffer is left to read to.
    const manner = this.#count++ % 3;
    if (this.#count === 5) setTimeout(read, 200);
    else if (manner === 0) read();
    else if (manner === 1) setImmediate(read);
    else setTimeout(read, 2);
  }

  override _final(done: () => void): void {
    this.ended = true;
    done();
  }
}

/** Pours what a script writes; what came of it. */
async function pour(script: string, to = new Slow(), refusal?: Error) {
  const digest = new Digest();
  const taps = [digest, { take: () => {}, end: () => (refusal ? raise(refusal) : undefined) }];
  const closed = new Promise<unknown>((resolve) => {
    to.on("error", resolve).on("close", () => resolve(undefined));
  });
  const failure = await withSubprocesses(undefined, async (children) => {
    await children.pour(shell(script), taps, to);
    await closed;
    return children.failure;
  });
  return { error: await closed, failure, digest: digest.measure(), to };
}

function raise(error: Error): never {
  throw error;
}

describe("what a program writes is poured", () => {
  test("unchanged into whoever takes it slowly, and ended", async () => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const { error, digest, to } = await pour(megabytes);
    expect({ error, digest }).toEqual({ error: undefined, digest: { bytes: bytes.length, sha256 } });
    expect(to.hash.digest("hex")).toBe(sha256);
    expect(to.ended).toBe(true);
  });

  test("as far as the end, where there is nothing", async () => {
    const { error, digest, to } = await pour("exit 0");
    expect({ error, bytes: digest.bytes, ended: to.ended }).toEqual({
      error: undefined,
      bytes: 0,
      ended: true,
    });
  });

  test("into another program, by way of which it comes out whole", async () => {
    const out: Buffer[] = [];
    await withSubprocesses(undefined, async (children) => {
      const filter = children.duplex(shell("cat"));
      const pouring = children.pour(shell(megabytes), [], filter);
      await pipeline(filter, async (output) => {
        for await (const chunk of output) out.push(chunk as Buffer);
      });
      await pouring;
    });
    expect(Buffer.concat(out).equals(bytes)).toBe(true);
  });

  test("into zlib, which takes its time", async () => {
    const out: Buffer[] = [];
    await withSubprocesses(undefined, async (children) => {
      const gzip = createGzip({ level: 1 });
      const pouring = children.pour(shell(megabytes), [], gzip);
      await pipeline(gzip, createGunzip(), async (output) => {
        for await (const chunk of output) out.push(chunk as Buffer);
      });
      await pouring;
    });
    expect(Buffer.concat(out).equals(bytes)).toBe(true);
  });

  test.for([
    [`${megabytes}; exit 3`, "sh exited with code 3"],
    ["kill -KILL $$", "sh was ended by SIGKILL, perhaps for want of memory"],
    ["printf good; exec >&-; exit 1", "sh exited with code 1"],
  ] as const)("and not ended if it does `%s`", async ([script, words]) => {
    const { error, failure, to } = await pour(script);
    expect(error).toMatchObject({ message: `explained: ${words}` });
    expect(failure).toBe(error);
    expect(to.ended).toBe(false);
  });

  test("and not ended if a tap refuses it", async () => {
    const refusal = new BackupError("dump", "its end is missing");
    const { error, to } = await pour(megabytes, new Slow(), refusal);
    expect(error).toBe(refusal);
    expect(to.ended).toBe(false);
  });

  test("no further if nobody takes it any more, and the program is ended", async () => {
    const broken = new Error("the compressor broke");
    let written = 0;
    const to = new Slow();
    const work = withSubprocesses(undefined, async (children) => {
      const pouring = children.pour(
        shell("yes"),
        [{ take: (chunk) => void (written += chunk.length), end: () => {} }],
        to,
      );
      await vi.waitFor(() => expect(written).toBeGreaterThan(1_000_000), { interval: 5 });
      to.destroy(broken);
      to.on("error", () => {});
      await pouring;
      const before = written;
      await delay(50);
      expect(written).toBe(before);
    });
    await work;
  });

  test("not at all into what has been destroyed", async () => {
    const to = new Slow();
    to.destroy();
    let taken = 0;
    await withSubprocesses(undefined, (children) =>
      children.pour(shell("yes"), [{ take: () => void taken++, end: () => {} }], to),
    );
    expect(taken).toBe(0);
  });
});

describe("a socket pair", () => {
  test("that reads into buffers of its own gets what is written, to the end", async () => {
    const buffers = [Buffer.alloc(1000), Buffer.alloc(1000)];
    let [text, count] = ["", 0];
    const { accepted, connected } = await openSocketPair({
      buffer: () => buffers[count % 2] as Buffer,
      take: (buffer, length) => {
        expect(buffer).toBe(buffers[count++ % 2]);
        text += buffer.toString("utf8", 0, length);
        return true;
      },
    });
    const ended = new Promise((resolve) => connected.once("end", resolve));
    await pipeline(Readable.from(["a".repeat(5000), "b"]), accepted);
    await ended;
    expect(text).toBe(`${"a".repeat(5000)}b`);
    connected.destroy();
  });
});

describe("a program that moves much", () => {
  const library = locate("node"); // any file
  const environment = (movesMuch: boolean, there: string, LD_PRELOAD?: string) =>
    environmentOf({ ...shell("true", { PATH: "/bin", LD_PRELOAD }), movesMuch }, there);

  test("has larger buffers, where there is the library for it", () => {
    const larger = { PATH: "/bin", _STDBUF_I: "65536", _STDBUF_O: "65536" };
    expect(environment(true, library)).toEqual({ ...larger, LD_PRELOAD: library });
    expect(environment(true, library, "/its/own.so")).toEqual({
      ...larger,
      LD_PRELOAD: `${library}:/its/own.so`,
    });
    expect(environment(true, "/nonexistent.so")).toEqual({ PATH: "/bin" });
    expect(environment(false, library)).toEqual({ PATH: "/bin" });
  });

  test("is loaded with it", async () => {
    const command: Command = { ...shell("echo $_STDBUF_O:$LD_PRELOAD"), movesMuch: true };
    let text = "";
    await withSubprocesses(undefined, async (children) => {
      for await (const chunk of children.source(command)) text += String(chunk);
    });
    expect(text).toBe("65536:/usr/libexec/coreutils/libstdbuf.so\n");
  });
});

describe("where a program cannot be started", () => {
  /** The errors of streams to and from programs in a process that may open no more files, by kind. */
  test.for(["source", "duplex", "pour", "sink"])("for want of file descriptors: a %s fails", async (kind) => {
    const script = join(import.meta.dirname, "../fixtures/no-more-files.ts");
    const { stdout } = await execa("prlimit", ["--nofile=64", process.execPath, script, kind], {
      timeout: 20_000,
    });
    expect(stdout).toMatch(/^explained: (sh|cat) could not be run \(E[MN]FILE: too many open files/);
  });

  test("for arguments that are too long: it is explained", async () => {
    const command: Command = { ...shell(""), args: ["x".repeat(3_000_000)] };
    const reading = withSubprocesses(undefined, (children) => pipeline(children.source(command), new Slow()));
    await expect(reading).rejects.toThrow("explained: sh could not be run (E2BIG)");
    const to = new Slow();
    const broken = new Promise((resolve) => to.once("error", resolve));
    await withSubprocesses(undefined, (children) => children.pour(command, [], to));
    expect(await broken).toMatchObject({ message: "explained: sh could not be run (E2BIG)" });
  });
});
