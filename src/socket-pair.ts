import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type OnReadOpts, type Socket } from "node:net";

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
  const sockets: Socket[] = [];
  try {
    server.listen(name);
    await once(server, "listening");
    const { onread, first } = readNonceFirst(receiver);
    const connected = connect({ path: name, allowHalfOpen: true, ...(onread && { onread }) });
    sockets.push(connected);
    const [[accepted]] = (await Promise.all([once(server, "connection"), once(connected, "connect")])) as [
      [Socket],
      unknown,
    ];
    sockets.push(accepted);
    const nonce = randomBytes(nonceLength);
    accepted.write(nonce);
    const read = onread ? first : once(connected, "data").then(([chunk]) => chunk as Buffer);
    const nothing = once(connected, "end").then(() => Buffer.alloc(0));
    if (!nonce.equals(await Promise.race([read, nothing])))
      throw new Error("another process connected to a channel of ours");
    return { accepted, connected };
  } catch (error) {
    for (const socket of sockets) socket.destroy();
    throw error;
  } finally {
    server.close();
  }
}

const nonceLength = 16;

/** What the first read gives, by a receiver that gets everything after it. */
function readNonceFirst(receiver: Receiver | undefined): { onread?: OnReadOpts; first: Promise<Buffer> } {
  const { promise: first, resolve } = Promise.withResolvers<Buffer>();
  if (!receiver) return { first };
  let isFirst = true;
  const callback = (length: number, buffer: Uint8Array): boolean => {
    const bytes = buffer as Buffer<ArrayBuffer>;
    if (!isFirst) return receiver.take(bytes, length);
    isFirst = false;
    resolve(Buffer.from(bytes.subarray(0, length)));
    return true;
  };
  return { onread: { buffer: receiver.buffer, callback }, first };
}
