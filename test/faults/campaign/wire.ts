import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A connection to a store that can be harmed. */
export class Wire implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #state: "whole" | "gone" | "stalled" = "whole";

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((socket) => this.#pass(socket));
  }

  /** @param target a port of this machine */
  static async to(target: number): Promise<Wire> {
    const wire = new Wire(target);
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks off every connection; new ones are made as before. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Breaks off every connection, and each new one at once. */
  vanish(): void {
    this.#state = "gone";
    this.cut();
  }

  /** From now on nothing is passed on any more, and nothing breaks off. */
  stall(): void {
    this.#state = "stalled";
    for (const socket of this.#sockets) socket.pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(near: Socket): void {
    this.#watch(near);
    if (this.#state === "gone") return void near.resetAndDestroy();
    if (this.#state === "stalled") return void near.pause();
    const far = connect(this.#target, "127.0.0.1");
    this.#watch(far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (chunk: Buffer) => {
        if (this.#state !== "stalled" && !to.write(chunk)) from.pause();
      });
      to.on("drain", () => this.#state !== "stalled" && from.resume());
      from.on("end", () => this.#state !== "stalled" && to.end());
      from.on("close", () => this.#state !== "stalled" && to.destroy());
    }
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // it is about to be closed
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
