import { formatBytes, formatSeconds } from "./format.ts";
import type { Logger } from "./log.ts";
import type { Meter } from "./pipeline.ts";

/** The stream that a person may be looking at. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

interface Tracked {
  readonly name: string;
  readonly meter: Meter;
  readonly startedAt: number;
}

/** How often the line on a terminal is painted anew, and how often a line is logged elsewhere, in milliseconds. */
const repaintEvery = 200;
const logEvery = 10_000;

/** Shows how far dumps are: one line that changes on a terminal, a line of log every ten seconds otherwise. */
export class Progress {
  readonly #screen: Screen;
  readonly #tracked = new Set<Tracked>();
  #timer: NodeJS.Timeout | undefined;
  #painted = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Begins to show a dump; the function that is returned ends it. */
  track(name: string, meter: Meter, log: Logger): () => void {
    const tracked = { name, meter, startedAt: performance.now() };
    this.#tracked.add(tracked);
    const interval = this.#screen.isTTY === true ? repaintEvery : logEvery;
    this.#timer ??= setInterval(() => this.#show(log), interval).unref();
    return () => {
      this.#tracked.delete(tracked);
      this.clear();
      if (this.#tracked.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Takes the line off the terminal, so that something else can be written. */
  clear(): void {
    if (this.#painted) this.#screen.write("\r\u001b[2K");
    this.#painted = false;
  }

  #show(log: Logger): void {
    if (this.#screen.isTTY === true) {
      this.clear();
      this.#screen.write(
        [...this.#tracked]
          .map(describe)
          .join("   ")
          .slice(0, (this.#screen.columns || 80) - 1),
      );
      this.#painted = true;
      return;
    }
    for (const { name, meter, startedAt } of this.#tracked) {
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      log.info(
        { database: name, plainBytes: meter.plain(), storedBytes: meter.stored(), seconds },
        "dumping",
      );
    }
  }
}

function describe({ name, meter, startedAt }: Tracked): string {
  const seconds = (performance.now() - startedAt) / 1000;
  const rate = formatBytes(meter.plain() / Math.max(seconds, 0.001));
  return `${name}  ${formatBytes(meter.plain())} dumped, ${formatBytes(meter.stored())} stored, ${rate}/s, ${formatSeconds(seconds)}`;
}
