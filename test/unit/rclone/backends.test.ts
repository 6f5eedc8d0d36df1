import { expect, test } from "vitest";
import { backendsOf, type Sections } from "../../../src/rclone/backends.ts";

const sections: Sections = {
  store: { type: "s3", chunk_size: "7M", provider: "Minio" },
  secret: { type: "crypt", remote: "store:bucket/folder" },
  "on-disk": { type: "alias", remote: "/backups" },
  twice: { type: "union", upstreams: 'store:one "azure,chunk_size=8M:two:ro" /three' },
  parts: { type: "combine", upstreams: 'a=store:one "b=secret:"' },
  pieces: { type: "chunker", remote: "store:pieces" },
  round: { type: "alias", remote: "round:" },
};
const azure = { RCLONE_CONFIG_AZURE_TYPE: "azureblob", RCLONE_CONFIG_AZURE_CHUNK_SIZE: "9M" };
const s3 = { type: "s3", options: sections["store"] };

test.each([
  ["a remote of the file", "store:bucket", {}, [s3]],
  [
    "one of the environment",
    "azure:box",
    azure,
    [{ type: "azureblob", options: { type: "azureblob", chunk_size: "9M" } }],
  ],
  [
    "a name with a dash",
    "on-disk:x",
    { RCLONE_CONFIG_ON_DISK_TYPE: "s3" },
    [{ type: "s3", options: { type: "s3", remote: "/backups" } }],
  ],
  ["a layer over another", "secret:", {}, [{ type: "crypt", options: sections["secret"] }, s3]],
  [
    "a union, with options of its own for one",
    "twice:",
    azure,
    [{ type: "union" }, { type: "azureblob", options: { type: "azureblob", chunk_size: "8M" } }, s3],
  ],
  ["combine", "parts:", {}, [{ type: "combine" }, { type: "crypt" }, s3, s3]],
  ["what cuts a stream into pieces itself: no further", "pieces:", {}, [{ type: "chunker" }]],
  ["one that leads to itself", "round:", {}, [{ type: "alias" }]],
  ["a folder", "/backups:s3", {}, []],
  ["a remote that is not there", "nowhere:", {}, []],
])("%s", (_, location, environment, expected) => {
  expect(backendsOf(location, sections, environment)).toMatchObject(expected);
  expect(backendsOf(location, sections, environment)).toHaveLength(expected.length);
});

test("rclone's precedence: connection string, RCLONE_<TYPE>_*, RCLONE_CONFIG_<NAME>_*, file", () => {
  const chunk = (location: string, environment = {}): string | undefined =>
    backendsOf(location, sections, environment)[0]?.options["chunk_size"];
  const named = { RCLONE_CONFIG_STORE_CHUNK_SIZE: "8M" };
  const typed = { ...named, RCLONE_S3_CHUNK_SIZE: "9M" };
  expect(chunk("store:x")).toBe("7M");
  expect(chunk("store:x", named)).toBe("8M");
  expect(chunk("store:x", typed)).toBe("9M");
  expect(chunk("store,chunk_size=10M:x", typed)).toBe("10M");
});

test("connection strings", () => {
  const [backend] = backendsOf(
    `:s3,endpoint="http://host:9000/""x""",no_check_bucket,chunk_size='64M',region=:bucket`,
    {},
    {},
  );
  expect(backend).toEqual({
    type: "s3",
    options: {
      type: "s3",
      endpoint: 'http://host:9000/"x"',
      no_check_bucket: "true",
      chunk_size: "64M",
      region: "",
    },
  });
  expect(backendsOf(":alias,remote='store:bucket':", sections, {})).toMatchObject([{ type: "alias" }, s3]);
  expect(backendsOf(":oracleobjectstorage:b", {}, { RCLONE_OOS_CHUNK_SIZE: "6M" })).toMatchObject([
    { options: { chunk_size: "6M" } },
  ]);
});
