import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A one-way channel to a child process. Hand `reader` to the child as its stdin, then destroy it here. */
export interface GuardedPipe {
  /** `end()` is end-of-file for the child. Any other way of closing it, death included, is an error for the child. */
  writer: Socket;
  reader: Socket;
}

/**
 * Opens a channel whose reader can tell a writer that finished from one that died.
 *
 * On an ordinary pipe the two look the same: when the writing process is killed the kernel closes its
 * end, and `rclone rcat` takes that for the end of the file and commits a truncated object. On a Unix
 * stream socket Linux reports ECONNRESET instead of end-of-file when the closing side still has unread
 * input (unix_release_sock in net/unix/af_unix.c). So one byte is left unread here for ever: `end()`
 * (shutdown) still means end-of-file, and SIGKILL, a crash or destroy() becomes a read error in the child.
 *
 * The socket lives in the abstract namespace, which needs no writable folder. Anyone in the same network
 * namespace could connect to it first, so the accepted end proves itself with a nonce before it is used.
 */
export async function openGuardedPipe(): Promise<GuardedPipe> {
  const name = `\0rcdump-${randomBytes(16).toString("hex")}`;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(name);
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const reader = connect({ path: name, allowHalfOpen: true });
  await once(reader, "connect");
  const [writer] = await accepted;
  server.close();

  const nonce = randomBytes(16);
  writer.write(nonce);
  const [received] = (await once(reader, "data")) as [Buffer];
  if (!received.equals(nonce)) throw new Error("another process connected to the upload channel");
  await new Promise<void>((resolve, reject) => {
    reader.write("!", (error) => (error ? reject(error) : resolve()));
  });
  return { writer, reader };
}
