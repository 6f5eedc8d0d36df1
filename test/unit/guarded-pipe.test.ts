import { execa } from "execa";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openGuardedPipe } from "../../src/guarded-pipe.ts";
import { temporaryFolder } from "../fixtures/folder.ts";

const script = join(import.meta.dirname, "../fixtures/what-a-reader-sees.ts");

/** What a child process that reads the pipe got, and how that ended for it. */
async function whatReaderSees(ending: "end" | "destroy" | "SIGKILL", bytes: number) {
  const report = join(temporaryFolder("pipe"), "report");
  const { signal } = await execa(process.execPath, [script, report, ending, String(bytes)], {
    reject: false,
    stdio: "ignore",
  });
  expect(signal).toBe(ending === "SIGKILL" ? "SIGKILL" : undefined);
  await vi.waitFor(() => expect(existsSync(report)).toBe(true), { timeout: 10_000, interval: 10 });
  return JSON.parse(readFileSync(report, "utf8")) as { bytes: number; end: string };
}

// 300,000 bytes are more than the socket's buffer holds.
test.for([0, 1, 1000, 300_000])("end() is end-of-file, after %i bytes", async (bytes) => {
  expect(await whatReaderSees("end", bytes)).toEqual({ bytes, end: "eof" });
});

test.for([0, 1, 1000, 300_000])("destroy() is an error for the reader, after %i bytes", async (bytes) => {
  expect(await whatReaderSees("destroy", bytes)).toMatchObject({ end: "ECONNRESET" });
});

test.for([0, 1, 1000, 300_000])(
  "a writer that is killed is an error for the reader, after %i bytes",
  async (bytes) => {
    expect(await whatReaderSees("SIGKILL", bytes)).toMatchObject({ end: "ECONNRESET" });
  },
);

test("pipes opened at the same time are not mixed up", async () => {
  const pipes = await Promise.all(Array.from({ length: 20 }, openGuardedPipe));
  const texts = await Promise.all(
    pipes.map(async ({ reader, writer }, index) => {
      writer.end(`pipe ${index}`);
      return (await reader.toArray()).join("");
    }),
  );
  expect(texts).toEqual(pipes.map((_, index) => `pipe ${index}`));
  for (const { writer } of pipes) writer.destroy();
});
