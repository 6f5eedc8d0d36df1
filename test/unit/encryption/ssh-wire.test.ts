import { expect, test } from "vitest";
import { encodePositive, encodeStrings, WireReader } from "../../../src/encryption/ssh-wire.ts";

// The examples of RFC 4251, section 5.
test("a string is its length and its bytes", () => {
  expect(encodeStrings("testing").toString("hex")).toBe("0000000774657374696e67");
  const reader = new WireReader(Buffer.from("0000000774657374696e6729b7f4aa", "hex"));
  expect(reader.string().toString()).toBe("testing");
  expect(reader.uint32()).toBe(699921578);
  expect(reader.rest).toHaveLength(0);
});

test.each([
  ["00", ""],
  ["0009a378f9b2e332a7", "09a378f9b2e332a7"],
  ["80", "0080"],
  ["7f", "7f"],
])("the positive number %s is the mpint %s", (number, mpint) => {
  expect(encodePositive(Buffer.from(number, "hex")).toString("hex")).toBe(mpint);
});

test.each(["", "000000", "00000001", "0000000774657374", "ffffffff"])(
  "bytes that end too early: %j",
  (hex) => {
    expect(() => new WireReader(Buffer.from(hex, "hex")).string()).toThrow(RangeError);
  },
);
