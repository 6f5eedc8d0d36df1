import type { AgeIdentity } from "./encryption/age.ts";
import type { Config } from "./config.ts";
import type { Engine } from "./engines/engine.ts";
import type { Logger } from "./log.ts";
import type { Progress } from "./progress.ts";
import type { Remote } from "./remote.ts";

/** What a command works with. main makes it; a test replaces a part. */
export interface Context {
  readonly config: Config;
  readonly engine: Engine;
  readonly remote: Remote;
  readonly log: Logger;
  readonly progress: Progress;
  /** When the run started: one time for all names and manifests. */
  readonly startedAt: Date;
  readonly now: () => Date;
  /** Whether a program can be run. */
  readonly isInstalled: (program: string) => boolean;
  /** Why what is written to a folder of this machine is soon gone; undefined if it is not. */
  readonly vanishing: (folder: string) => string | undefined;
  /** Aborts when the run is to end early; the reason is the error to end with. */
  readonly signal: AbortSignal;
  /** What the settings have to decrypt with. Read when it is needed: a protected key takes a second. */
  readonly identities: () => Promise<AgeIdentity[]>;
  /** Asks a person at the terminal to go on; undefined if there is none. */
  readonly ask: (question: string) => Promise<boolean | undefined>;
  /** Writes a result to stdout. */
  readonly print: (text: string) => void;
}
