import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { Digest, ExpectedDigest } from "../../src/digest.ts";
import { through } from "../../src/tap.ts";
import { sha256 } from "../fixtures/manifests.ts";
import { collect, flipBit, inPieces } from "./encryption/streams.ts";

test.for([0, 1, 65_535, 65_536, 65_537])("%i bytes pass unchanged, counted and hashed", async (length) => {
  const bytes = Buffer.alloc(length, "abc");
  const digest = new Digest();
  const passed = Buffer.concat((await chunked(bytes, 1000).compose(through(digest)).toArray()) as Buffer[]);
  expect(passed.equals(bytes)).toBe(true);
  expect(digest.measure()).toEqual({ bytes: length, sha256: sha256(bytes) });
});

test("nothing has the well-known hash of nothing", () => {
  expect(new Digest().measure().sha256).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

describe("a digest that is expected", () => {
  const bytes = Buffer.from("--\nSELECT 1;\n".repeat(5000));
  const measure = { bytes: bytes.length, sha256: sha256(bytes) };

  /** What passes, and what it fails with. */
  async function pass(expected: ConstructorParameters<typeof ExpectedDigest>[0], given: Buffer = bytes) {
    return collect(through(new ExpectedDigest(expected, "the object")), inPieces(given, 1000));
  }

  test("lets through what it is", async () => {
    expect(await pass(measure)).toEqual({ output: bytes, error: undefined });
    const nothing = { bytes: 0, sha256: sha256("") };
    expect(await pass(nothing, Buffer.alloc(0))).toEqual({ output: Buffer.alloc(0), error: undefined });
  });

  test("lets through anything where nothing is known", async () => {
    expect(await pass(undefined)).toEqual({ output: bytes, error: undefined });
  });

  test.for<[title: string, given: Buffer, message: string]>([
    ["one byte less", bytes.subarray(0, -1), "the object is 64999 bytes long, and its manifest says 65000"],
    [
      "one byte more",
      Buffer.concat([bytes, Buffer.from("x")]),
      "the object is 65001 bytes long, and its manifest says 65000",
    ],
    ["nothing", Buffer.alloc(0), "the object is 0 bytes long, and its manifest says 65000"],
    [
      "a bit that is flipped at the very end",
      flipBit(bytes, bytes.length - 1),
      "the object is not what was backed up: its SHA-256 is not the manifest's",
    ],
  ])("fails for %s", async ([, given, message]) => {
    expect((await pass(measure, given)).error).toMatchObject({ operation: "integrity", message });
  });

  test("does not end before it has failed", async () => {
    const digest = through(new ExpectedDigest(measure, "the object")).resume();
    let ended = false;
    digest.on("end", () => void (ended = true));
    await expect(pipeline(inPieces(bytes.subarray(1), 1000), digest)).rejects.toThrow("64999 bytes long");
    expect(ended).toBe(false);
  });
});

function chunked(bytes: Buffer, size: number): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return Readable.from(chunks);
}
