import type { Socket } from "node:net";
import { openSocketPair } from "./socket-pair.ts";

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
 */
export async function openGuardedPipe(): Promise<GuardedPipe> {
  const { accepted: writer, connected: reader } = await openSocketPair();
  await new Promise<void>((resolve, reject) => {
    reader.write("!", (error) => (error ? reject(error) : resolve()));
  });
  return { writer, reader };
}
