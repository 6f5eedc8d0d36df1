import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { unwrapWithKey, wrapWithKey } from "../../../src/encryption/file-key.ts";

const fileKey = randomBytes(16);
const key = randomBytes(32);

test("a file key comes back with the key that wrapped it, and with no other", () => {
  const body = wrapWithKey(fileKey, key);
  expect(body).toHaveLength(32);
  expect(unwrapWithKey(body, key)).toEqual(fileKey);
  expect(unwrapWithKey(body, randomBytes(32))).toBeNull();
});

test.each([0, 15, 31, 33, 48])("a body of %i bytes is malformed, whatever is in it", (length) => {
  expect(() => unwrapWithKey(randomBytes(length), key)).toThrow("invalid stanza body");
});

test("a longer secret that is wrapped with the key is malformed", () => {
  expect(() => unwrapWithKey(wrapWithKey(randomBytes(17), key), key)).toThrow("invalid stanza body");
});
