import { Writable } from "node:stream";
import { Child, cleanUpAfter } from "./child.ts";
import { openGuardedPipe } from "./guarded-pipe.ts";
import { cannotRun, type Command } from "./program.ts";

/**
 * Starts a program that takes end-of-file on its stdin for success, as `rclone rcat` does. It sees one only if the stream
 * was ended and everything before it was fine; if the stream is destroyed the program is ended while its stdin is
 * still open. The stream finishes when the program has exited with 0.
 */
export async function openSink(command: Command): Promise<{ child: Child; stream: Writable }> {
  const { reader, writer } = await openGuardedPipe().catch((cause: unknown) => {
    cleanUpAfter(command);
    throw cannotRun(command, cause);
  });
  const child = new Child(command, reader, "ignore");
  const { exited } = child;
  reader.destroy();
  writer.on("error", () => {}); // the child has gone; its exit says why

  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      writer.write(chunk, (error) => {
        if (error) void exited.then((failure) => done(failure ?? error));
        else done();
      });
    },
    final: (done) => {
      writer.end();
      void exited.then(done);
    },
    destroy: (error, done) => {
      // rclone removes what it has stored so far when its stdin breaks, and nobody can when it is killed.
      const mayClearUp = command.sheltered === true && !stream.writableEnded;
      if (mayClearUp) writer.destroy();
      // What a wrapper script has started lives on, and reads a broken pipe as soon as the wrapper has gone.
      else child.onceGone(() => writer.destroy());
      const signal = command.sheltered ? "SIGKILL" : "SIGTERM";
      void child.stop(mayClearUp ? undefined : signal).then(() => {
        writer.destroy();
        done(error);
      });
    },
  });
  void exited.then((failure) => {
    if (!stream.writableEnded) stream.destroy(failure ?? child.endedEarly());
  });
  return { child, stream };
}
