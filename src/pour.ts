import type { Writable } from "node:stream";
import type { Receiver } from "./socket-pair.ts";
import type { Tap } from "./tap.ts";

/** Bytes that are read at once: as many as a socket holds. */
const bufferSize = 256 * 1024;

/**
 * How many of them may wait to be taken. A compressor takes a mebibyte at a time and nothing while it works on that; with less than twice as much
 * to wait in, the database server would stand still meanwhile.
 */
const bufferCount = 8;

/**
 * Receives what a program writes and hands it on to a stream. The buffers are used again and again: no garbage is made of gigabytes.
 * @param to is done with a chunk when it calls back
 * @param resume goes on reading after `take` has returned false
 */
export function receiveInto(to: Writable, taps: readonly Tap[], resume: () => void): Receiver {
  const free = Array.from({ length: bufferCount }, () => Buffer.allocUnsafeSlow(bufferSize));
  const take = (): Buffer<ArrayBuffer> => free.pop() ?? Buffer.allocUnsafeSlow(bufferSize);
  let isPaused = false;
  // The socket asks for the next buffer when it has filled one, whether it is to go on or not: there always has to be one.
  let next = take();
  const release = (buffer: Buffer<ArrayBuffer>): void => {
    free.push(buffer);
    if (!isPaused) return;
    isPaused = false;
    resume();
  };
  return {
    buffer: () => next,
    take(buffer, length) {
      const chunk = buffer.subarray(0, length);
      for (const tap of taps) tap.take(chunk);
      let isTaken = false;
      to.write(chunk, () => {
        if (!isTaken) release(buffer);
      });
      // Mostly it is at once, and need not wait for the event loop to say so.
      isTaken = to.writableLength === 0;
      if (isTaken) return true;
      next = take();
      isPaused = free.length === 0;
      return !isPaused;
    },
  };
}
