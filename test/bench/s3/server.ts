/**
 * An S3 server that costs next to nothing: `node server.ts PORT`. It keeps everything in memory, lets everybody in, and checks nothing
 * that it is sent. moto, which the tests use, takes in some 60 MB/s and would be what is measured; Debian's rclone has no `serve s3`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { type Body, Objects, type StoredObject } from "./objects.ts";
import { listing, uploadListing, xml } from "./xml.ts";

const objects = new Objects();
const buckets = new Set<string>();

createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    console.error(request.method, request.url, error);
    fail(response, 500, "InternalError");
  });
}).listen(Number(process.argv[2]), "127.0.0.1");

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://localhost");
  const path = decodeURIComponent(pathname).slice(1);
  const [bucket = ""] = path.split("/", 1);
  if (path === bucket || path === `${bucket}/`) return answerBucket(request, response, bucket, query);
  const about: ObjectRequest = { request, response, bucket, path, query };
  if (request.method === "PUT") return put(about);
  if (request.method === "POST") return post(about);
  if (request.method === "DELETE") return remove(about);
  const object = objects.get(path);
  return object ? deliver(request, response, object) : fail(response, 404, "NoSuchKey");
}

interface ObjectRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly bucket: string;
  /** Bucket and key. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Stores an object or a part of one, or copies one. */
async function put({ request, response, path, query }: ObjectRequest): Promise<void> {
  const source = request.headers["x-amz-copy-source"];
  if (typeof source === "string") {
    const copied = objects.copy(decodeURIComponent(source).replace(/^\//, ""), path);
    if (!copied) return fail(response, 404, "NoSuchKey");
    const result = { ETag: copied.etag, LastModified: copied.modified.toISOString() };
    return send(response, xml("CopyObjectResult", result));
  }
  const body = await receive(request);
  const uploadId = query.get("uploadId");
  const etag =
    uploadId === null
      ? objects.put(path, body, kept(request)).etag
      : objects.putPart(uploadId, Number(query.get("partNumber")), body);
  if (etag === undefined) return fail(response, 404, "NoSuchUpload");
  response.writeHead(200, { etag: `"${etag}"` }).end();
}

/** Begins an upload in parts, or completes one. */
async function post({ request, response, bucket, path, query }: ObjectRequest): Promise<void> {
  await receive(request);
  const Key = path.slice(bucket.length + 1);
  const uploadId = query.get("uploadId");
  if (uploadId === null) {
    const UploadId = objects.begin(path, kept(request));
    return send(response, xml("InitiateMultipartUploadResult", { Bucket: bucket, Key, UploadId }));
  }
  const object = objects.complete(uploadId);
  if (!object) return fail(response, 404, "NoSuchUpload");
  send(response, xml("CompleteMultipartUploadResult", { Bucket: bucket, Key, ETag: object.etag }));
}

async function remove({ response, path, query }: ObjectRequest): Promise<void> {
  const uploadId = query.get("uploadId");
  if (uploadId === null) objects.remove(path);
  else objects.abort(uploadId);
  response.writeHead(204).end();
}

async function answerBucket(
  request: IncomingMessage,
  response: ServerResponse,
  bucket: string,
  query: URLSearchParams,
): Promise<void> {
  const body = await receive(request);
  if (request.method === "PUT") buckets.add(bucket);
  else if (!buckets.has(bucket)) return fail(response, 404, "NoSuchBucket");
  if (request.method === "POST") {
    const keys = Buffer.concat(body.pieces)
      .toString()
      .matchAll(/<Key>(.*?)<\/Key>/gs);
    for (const [, key] of keys) objects.remove(`${bucket}/${key}`);
    return send(response, xml("DeleteResult", {}));
  }
  if (request.method !== "GET") return void response.writeHead(200).end();
  const prefix = `${bucket}/${query.get("prefix") ?? ""}`;
  if (query.has("uploads")) return send(response, uploadListing(bucket, objects.uploads(prefix)));
  const found = objects
    .keys(prefix)
    .map((key) => ({ key: key.slice(bucket.length + 1), object: objects.get(key)! }));
  send(response, listing(bucket, found, query));
}

/** Headers that come back with the object. */
function kept(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      typeof value === "string" && (name.startsWith("x-amz-meta-") || name === "content-type")
        ? [[name, value]]
        : [],
    ),
  );
}

async function receive(request: IncomingMessage): Promise<Body> {
  if (String(request.headers["x-amz-content-sha256"]).startsWith("STREAMING"))
    throw new Error("this server does not know aws-chunked bodies");
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    pieces.push(piece as Buffer);
    size += (piece as Buffer).length;
  }
  return { pieces, size };
}

async function deliver(
  request: IncomingMessage,
  response: ServerResponse,
  object: StoredObject,
): Promise<void> {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const first = Number(range?.[1] ?? 0);
  const end = Math.min(range?.[2] ? Number(range[2]) + 1 : object.size, object.size);
  response.writeHead(range ? 206 : 200, {
    ...object.headers,
    "accept-ranges": "bytes",
    "content-length": end - first,
    etag: `"${object.etag}"`,
    "last-modified": object.modified.toUTCString(),
    ...(range && { "content-range": `bytes ${first}-${end - 1}/${object.size}` }),
  });
  if (request.method === "GET") await pipeline(within(object, first, end), response);
  else response.end();
}

function* within({ pieces }: Body, first: number, end: number): Generator<Buffer> {
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(Math.max(0, first - at), Math.max(0, end - at));
    at += piece.length;
    if (part.length > 0) yield part;
  }
}

function send(response: ServerResponse, document: string): void {
  response.writeHead(200, { "content-type": "application/xml" }).end(document);
}

function fail(response: ServerResponse, status: number, code: string): void {
  response
    .writeHead(status, { "content-type": "application/xml" })
    .end(xml("Error", { Code: code, Message: code }));
}
