import type { Tap } from "./tap.ts";

/** Has something looked at as soon as the first bytes have come, and ends well only if that went well. */
export class Beginning implements Tap, AsyncDisposable {
  readonly #look: (signal: AbortSignal) => Promise<void>;
  readonly #stop: (error: Error) => void;
  readonly #disposal = new AbortController();
  #looking: Promise<void> | undefined;

  /**
   * @param look is ended by its signal when nobody wants to know any more
   * @param stop is called as soon as it fails
   */
  constructor(look: (signal: AbortSignal) => Promise<void>, stop: (error: Error) => void) {
    this.#look = look;
    this.#stop = stop;
  }

  take(): void {
    if (this.#looking || this.#disposal.signal.aborted) return;
    this.#looking = this.#look(this.#disposal.signal);
    this.#looking.catch(this.#stop);
  }

  async end(): Promise<void> {
    await this.#looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal.abort();
    await this.#looking?.catch(() => {}); // whoever was to be told has been
  }
}
