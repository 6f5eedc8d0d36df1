import { describe, expect, test } from "vitest";
import {
  encodeManifest,
  type Manifest,
  manifestPath,
  parseManifest,
  UnreadableManifest,
  unsentManifest,
} from "../../src/manifest.ts";
import { describeContent, sha256 } from "../fixtures/manifests.ts";

const manifest: Manifest = { ...describeContent("content"), readBack: true };
const text = encodeManifest(manifest);

/** A manifest with something else in it, sealed like a real one. */
function altered(change: Record<string, unknown>): string {
  return encodeManifest({ ...manifest, ...change });
}

test("it lies beside its object", () => {
  expect(manifestPath("daily/app.sql.gz.age")).toBe("daily/app.sql.gz.age.manifest.json");
});

test("what was written reads back the same", () => {
  expect(parseManifest(text)).toEqual(manifest);
  expect(text).toMatch(/^\{.*\}\n$/);
});

test("it has these fields and no others, so that no secret gets into it by accident", () => {
  const parsed = parseManifest(altered({ password: "hunter2", environment: { PGPASSWORD: "hunter2" } }));
  const fields =
    "arguments client compression database engine finished format object plain readBack recipients schemaVersion scope server started stored tool";
  expect(Object.keys(parsed).toSorted()).toEqual(fields.split(" "));
});

test("cut off at any byte it is no manifest", () => {
  const whole = text.trimEnd().length;
  const parsed = Array.from({ length: whole }, (_, length) => length).filter((length) => {
    try {
      parseManifest(text.slice(0, length));
      return true;
    } catch {
      return false;
    }
  });
  expect(parsed).toEqual([]);
});

test("with any bit flipped it is no manifest", () => {
  const bytes = Buffer.from(text);
  const parsed: string[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      parseManifest(flipped.toString());
      parsed.push(flipped.toString());
    } catch (error) {
      expect(error).toBeInstanceOf(UnreadableManifest);
    }
  }
  expect(parsed).toEqual([]);
});

test("the checksum is that of the line without it", () => {
  const [, body = "", checksum] = /^(.*),"checksum":"(\w+)"\}\n$/.exec(text) ?? [];
  expect(checksum).toBe(sha256(`${body}}`));
});

test("a newer schema is told apart from damage, whatever else is in it", () => {
  expect(() => parseManifest('{"schemaVersion":2,"entirely":"different"}')).toThrow(
    "is of schema version 2, and this rcdump knows version 1: use a newer rcdump",
  );
});

describe("is refused", () => {
  test.for([
    ["an older schema", { schemaVersion: 0 }],
    ["a hash that is cut", { stored: { bytes: 7, sha256: manifest.stored.sha256.slice(1) } }],
    ["a hash in capitals", { stored: { bytes: 7, sha256: "A".repeat(64) } }],
    ["a negative size", { stored: { bytes: -1, sha256: manifest.stored.sha256 } }],
    ["half a byte", { plain: { bytes: 1.5, sha256: manifest.stored.sha256 } }],
    ["an unknown engine", { engine: "oracle" }],
    ["a time that is none", { finished: "yesterday" }],
    ["a missing field", { readBack: undefined }],
  ] as const)("%s", ([, change]) => {
    expect(() => parseManifest(altered(change))).toThrow(Object.keys(change)[0]);
  });

  test.for(["", "null", "[]", "{}", "not JSON"])("`%s`", (text) => {
    expect(() => parseManifest(text)).toThrow(/./);
  });
});

test("a dump that waits to be sent has all of it but whether it was read back", () => {
  const unsent = { path: "app.sql.gz", manifest: describeContent("content") };
  expect(unsentManifest.parse(JSON.parse(JSON.stringify(unsent)))).toEqual(unsent);
  expect(() => unsentManifest.parse({ manifest: unsent.manifest })).toThrow("path");
});
