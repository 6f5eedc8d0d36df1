import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Deadline, type Stand } from "../../src/deadline.ts";
import { BackupError } from "../../src/errors.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const running = (): AbortSignal => new AbortController().signal;

describe("when the time is over", () => {
  test.for<[string, Stand | undefined, string, string, string]>([
    [
      "before the dump program was started",
      undefined,
      "dump",
      "BACKUP_TIMEOUT=60 was reached waiting for the dump, of which 0 B had come",
      "see what holds the dump up, such as a lock on a table, or raise BACKUP_TIMEOUT",
    ],
    [
      "while the database gives nothing",
      { awaited: "dump", dumped: 3_000_000 },
      "dump",
      "BACKUP_TIMEOUT=60 was reached waiting for the dump, of which 3.0 MB had come",
      "see what holds the dump up, such as a lock on a table, or raise BACKUP_TIMEOUT",
    ],
    [
      "while the store takes nothing",
      { awaited: "store", dumped: 3_000_000 },
      "upload",
      "BACKUP_TIMEOUT=60 was reached waiting for the store, with 3.0 MB dumped",
      "see that the store is up and takes what it is sent, or raise BACKUP_TIMEOUT",
    ],
    [
      "with the dump in the spool folder",
      { awaited: "store", dumped: 3_000_000, spooled: true },
      "upload",
      "BACKUP_TIMEOUT=60 was reached waiting for the store, with 3.0 MB dumped",
      "see that the store is up and takes what it is sent, or raise BACKUP_TIMEOUT; the dump stays in the spool folder, and the next run sends it",
    ],
  ])("%s", ([, stand, operation, message, hint]) => {
    using deadline = new Deadline(60, running());
    if (stand) deadline.follow(() => stand);
    vi.advanceTimersByTime(59_999);
    expect(deadline.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(deadline.signal.reason).toBeInstanceOf(BackupError);
    expect(deadline.signal.reason).toMatchObject({ operation, message, hint });
  });
});

test("a run that is to end ends it before its time, for the run's reason", () => {
  const run = new AbortController();
  using deadline = new Deadline(60, run.signal);
  const reason = new BackupError("terminate", "cancelled by SIGTERM");
  run.abort(reason);
  vi.advanceTimersByTime(60_000);
  expect(deadline.signal.reason).toBe(reason);
});

test("what is done in time is not struck later", () => {
  const deadline = new Deadline(60, running());
  deadline[Symbol.dispose]();
  vi.advanceTimersByTime(60_000);
  expect(deadline.signal.aborted).toBe(false);
});

test("without a limit there is none", () => {
  using deadline = new Deadline(undefined, running());
  vi.advanceTimersByTime(365 * 86_400_000);
  expect(deadline.signal.aborted).toBe(false);
});

test("the longest that can be set is not too long for a timer", () => {
  using deadline = new Deadline(604_800, running());
  vi.advanceTimersByTime(604_799_999);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.aborted).toBe(true);
});
