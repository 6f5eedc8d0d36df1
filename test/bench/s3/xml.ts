import type { StoredObject } from "./objects.ts";

/** A document of one element with others in it; what is raw is put in behind them as it is. */
export function xml(name: string, content: Readonly<Record<string, string>>, raw = ""): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(name, content, raw)}`;
}

/** What ListObjects and ListObjectsV2 answer, all in one page. */
export function listing(
  bucket: string,
  found: readonly { key: string; object: StoredObject }[],
  query: URLSearchParams,
): string {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const name = query.get("encoding-type") === "url" ? encodeURIComponent : (key: string): string => key;
  const folders = new Set<string>();
  const files: string[] = [];
  for (const { key, object } of found) {
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    if (end >= 0) folders.add(key.slice(0, end + delimiter.length));
    else {
      const { size, etag, modified } = object;
      const content = {
        Key: name(key),
        LastModified: modified.toISOString(),
        ETag: etag,
        Size: String(size),
      };
      files.push(element("Contents", { ...content, StorageClass: "STANDARD" }));
    }
  }
  const prefixes = [...folders].map((folder) => element("CommonPrefixes", { Prefix: name(folder) }));
  const head = { Name: bucket, Prefix: name(prefix), MaxKeys: "1000", IsTruncated: "false" };
  const encoding = query.has("encoding-type") ? { EncodingType: "url" } : {};
  return xml(
    "ListBucketResult",
    { ...head, ...encoding, KeyCount: String(files.length) },
    [...files, ...prefixes].join(""),
  );
}

/** What ListMultipartUploads answers. */
export function uploadListing(bucket: string, uploads: readonly { key: string; id: string }[]): string {
  const found = uploads.map(({ key, id }) =>
    element("Upload", {
      Key: key.slice(bucket.length + 1),
      UploadId: id,
      Initiated: new Date().toISOString(),
    }),
  );
  return xml("ListMultipartUploadsResult", { Bucket: bucket, IsTruncated: "false" }, found.join(""));
}

function element(name: string, content: Readonly<Record<string, string>>, raw = ""): string {
  const inside = Object.entries(content).map(([child, text]) => `<${child}>${escape(text)}</${child}>`);
  return `<${name}>${inside.join("")}${raw}</${name}>`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
