import { Readable, type Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What a transform makes of buffers that are written one by one, and the error it ended with, if any. */
export async function collect(
  transform: Transform,
  input: Iterable<Buffer>,
): Promise<{ output: Buffer; error: unknown }> {
  const output: Buffer[] = [];
  const sink = new Writable({
    write(data: Buffer, _encoding, done) {
      output.push(data);
      done();
    },
  });
  const failure = await pipeline(Readable.from(input), transform, sink).catch((error: unknown) => error);
  return { output: Buffer.concat(output), error: failure };
}

/** What a transform makes of buffers that are written one by one; throws what it fails with. */
export async function through(transform: Transform, ...input: Buffer[]): Promise<Buffer> {
  const { output, error } = await collect(transform, input);
  if (error !== undefined) throw error;
  return output;
}

/** The same bytes in buffers of `size` bytes, the last one shorter. */
export function* inPieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

/** `bytes` with one bit of one byte flipped. */
export function flipBit(bytes: Buffer, index: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[index]! ^= 1;
  return flipped;
}
