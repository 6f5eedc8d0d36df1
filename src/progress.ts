import { formatBytes, formatSeconds } from "./format.ts";
import type { Logger } from "./log.ts";
import type { Meter } from "./pipeline.ts";

/** The stream that a person may be looking at. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** What is being done to a backup; the words for it. */
export type Activity = "dumping" | "reading" | "restoring";

interface Tracked {
  readonly name: string;
  readonly activity: Activity;
  readonly meter: Meter;
  readonly startedAt: number;
}

/** How often the line on a terminal is painted anew, and how often a line is logged elsewhere, in milliseconds. */
const repaintEvery = 200;
const logEvery = 10_000;

/** Shows how far backups are: one line that changes on a terminal, a line of log every ten seconds otherwise. */
export class Progress {
  readonly #screen: Screen;
  readonly #tracked = new Set<Tracked>();
  #timer: NodeJS.Timeout | undefined;
  #painted = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Begins to show a backup; the function that is returned ends it. */
  track(name: string, activity: Activity, meter: Meter, log: Logger): () => void {
    const tracked = { name, activity, meter, startedAt: performance.now() };
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
    for (const { name, activity, meter, startedAt } of this.#tracked) {
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      log.info({ database: name, plainBytes: meter.plain(), storedBytes: meter.stored(), seconds }, activity);
    }
  }
}

function describe({ name, activity, meter, startedAt }: Tracked): string {
  const seconds = (performance.now() - startedAt) / 1000;
  const [plain, stored] = [meter.plain(), meter.stored()];
  const rate = formatBytes((activity === "reading" ? stored : plain) / Math.max(seconds, 0.001));
  const pace = `${rate}/s, ${formatSeconds(seconds)}`;
  // The path of an object may be long: what moves comes before it.
  return activity === "dumping"
    ? `${name}  ${formatBytes(plain)} dumped, ${formatBytes(stored)} stored, ${pace}`
    : `${describeWayBack(activity, plain, stored, meter.total)}, ${pace}  ${name}`;
}

const barWidth = 20;

/** Only on the way back it is known how much there is to come. */
function describeWayBack(activity: Activity, plain: number, stored: number, total = 0): string {
  const share = total > 0 ? Math.min(1, (activity === "reading" ? stored : plain) / total) : 0;
  const filled = Math.round(share * barWidth);
  const bar = `[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}] ${Math.floor(share * 100)} %`;
  const what = activity === "reading" ? `${formatBytes(stored)} read` : `${formatBytes(plain)} restored`;
  return `${total > 0 ? `${bar}, ` : ""}${what}`;
}
