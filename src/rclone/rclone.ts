import type { Environment } from "../environment.ts";
import type { Operation } from "../errors.ts";
import type { Command } from "../program.ts";
import { explainRclone } from "./failure.ts";
import { run } from "../subprocess.ts";

/**
 * The name under which the remote is handed to rclone: by environment, so that no secret of a connection string is in argv.
 * Not one that a user would give a remote, which would then be this one.
 */
const alias = "rcdump_folder";

/**
 * A question about a few objects takes rclone some milliseconds, and to start takes it sixty: fifteen less if its garbage collector waits for
 * 16 MiB. Not for what is about all objects, whose memory would grow by it.
 */
export const quickStart = { GOGC: "400" };

/** A remote that is down should be found out in seconds; rclone's own patience (minutes) is kept for uploads. */
export const impatience = { RCLONE_LOW_LEVEL_RETRIES: "3", RCLONE_CONTIMEOUT: "15s", RCLONE_TIMEOUT: "30s" };

/** Against a user's settings that are meant for a person at a terminal, or would have rclone guess what it is asked. */
const plainAnswers = { RCLONE_PROGRESS: "false", RCLONE_S3_NO_HEAD_OBJECT: "false" };

/** The longest that a question about no or few objects may take, in milliseconds. */
const answerWithin = 60_000;

/** The longest that each object adds where the question is about several, in milliseconds. */
const answerEachWithin = 100;

/** The longest that a question about all objects may take, in milliseconds: a hundred thousand are a hundred requests. */
const surveyWithin = 600_000;

/** A question to rclone. */
export interface Question {
  /** Written to its stdin. */
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  /** How many objects it is about; not many unless that is said. */
  readonly about?: number | "all";
}

/** rclone, with one folder of a remote. */
export class Rclone {
  /** In rclone's notation. */
  readonly location: string;
  /** What rclone reads its own settings from. */
  readonly environment: Environment;

  /**
   * @param location a folder in rclone's notation, as parseRemoteName gives it
   * @param environment what rclone reads its own settings from
   */
  constructor(location: string, environment: Environment) {
    this.location = location;
    this.environment = {
      ...environment,
      [`RCLONE_CONFIG_${alias.toUpperCase()}_TYPE`]: "alias",
      // Without a slash rclone asks whether it is a file, and takes an answer that it may not ask for a yes.
      [`RCLONE_CONFIG_${alias.toUpperCase()}_REMOTE`]: location.replace(/(?<=[^:/])$/, "/"),
    };
  }

  /** What an object of the folder, or with "" the folder itself, is called in a command. */
  address(path: string): string {
    return `${alias}:${path}`;
  }

  /** @param defaults of variables, for what the user has not set */
  command(operation: Operation, args: string[], defaults: Environment = {}): Command {
    return {
      file: "rclone",
      args,
      env: { ...defaults, ...this.environment, ...plainAnswers },
      explain: (failure) => explainRclone(operation, failure, this.location),
    };
  }

  /**
   * What rclone prints.
   * @throws RcloneFailure `remote`, also if it takes too long
   */
  async ask(args: string[], { about = 0, ...options }: Question = {}): Promise<string> {
    const isSurvey = about === "all";
    const command = this.command("remote", args, { ...impatience, ...(!isSurvey && quickStart) });
    const timeout = isSurvey ? surveyWithin : answerWithin + about * answerEachWithin;
    return (await run(command, { timeout, ...options })).stdout;
  }
}
