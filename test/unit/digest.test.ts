import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { Digest } from "../../src/digest.ts";
import { sha256 } from "../fixtures/manifests.ts";

test.for([0, 1, 65_535, 65_536, 65_537])("%i bytes pass unchanged, counted and hashed", async (length) => {
  const bytes = Buffer.alloc(length, "abc");
  const digest = new Digest();
  const passed = Buffer.concat((await chunked(bytes, 1000).compose(digest).toArray()) as Buffer[]);
  expect(passed.equals(bytes)).toBe(true);
  expect(digest.bytes).toBe(length);
  expect(digest.sha256()).toBe(sha256(bytes));
});

test("nothing has the well-known hash of nothing", () => {
  expect(new Digest().sha256()).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

function chunked(bytes: Buffer, size: number): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return Readable.from(chunks);
}
