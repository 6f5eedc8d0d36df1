import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Two ends of one connection. */
export interface SocketPair {
  /** Nothing is read from it until it is told to flow. */
  readonly accepted: Socket;
  readonly connected: Socket;
}

/** Reads into buffers that are its own, and so makes no garbage. */
export interface Receiver {
  /** Where to read to next. */
  readonly buffer: () => Buffer;
  /**
   * @param length bytes that are in that buffer now
   * @returns whether to go on reading; if not, the socket's `resume()` does
   */
  readonly take: (buffer: Buffer<ArrayBuffer>, length: number) => boolean;
}

/**
 * Opens a connection within this process, one end of which can be handed to a child. Node makes no pipes.
 *
 * The socket lives in the abstract namespace, which needs no writable folder. Anyone in the same network
 * namespace could connect to it first, so the accepted end proves itself with a nonce before it is used.
 * @param receiver how `connected` reads; as streams do if it is not given
 */
export async function openSocketPair(receiver?: Receiver): Promise<SocketPair> {
  const name = `\0rcdump-${randomBytes(16).toString("hex")}`;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(name);
  await once(server, "listening");
  const accepting = once(server, "connection") as Promise<[Socket]>;

  const first = Promise.withResolvers<Buffer>();
  let isFirst = true;
  const receive = ({ take }: Receiver, length: number, buffer: Buffer<ArrayBuffer>): boolean => {
    if (!isFirst) return take(buffer, length);
    isFirst = false;
    first.resolve(Buffer.from(buffer.subarray(0, length)));
    return true;
  };
  const onread = receiver && {
    buffer: receiver.buffer,
    callback: (length: number, buffer: Uint8Array): boolean =>
      receive(receiver, length, buffer as Buffer<ArrayBuffer>),
  };
  const connected = connect({ path: name, allowHalfOpen: true, ...(onread && { onread }) });
  await once(connected, "connect");
  const [accepted] = await accepting;
  server.close();

  const nonce = randomBytes(16);
  accepted.write(nonce);
  if (!receiver) once(connected, "data").then(([chunk]) => first.resolve(chunk as Buffer), first.reject);
  if (!(await first.promise).equals(nonce)) throw new Error("another process connected to a channel of ours");
  return { accepted, connected };
}
