/** What is asked once, and known from then on to all who want it. An answer that failed is asked for anew. */
export class AskedOnce<T> {
  readonly #ask: (signal: AbortSignal | undefined) => Promise<T>;
  #question: { readonly answer: Promise<T>; readonly by: AbortSignal | undefined } | undefined;

  constructor(ask: (signal: AbortSignal | undefined) => Promise<T>) {
    this.#ask = ask;
  }

  /** @param signal ends the wait of who asks first; who waits along then asks for himself */
  async get(signal?: AbortSignal): Promise<T> {
    for (;;) {
      const question = (this.#question ??= { answer: this.#ask(signal), by: signal });
      try {
        return await question.answer;
      } catch (error) {
        if (this.#question === question) this.#question = undefined;
        const wasOthers = question.by !== signal && question.by?.aborted === true;
        if (!wasOthers || signal?.aborted === true) throw error;
      }
    }
  }
}
