import { expect, test } from "vitest";
import { type Ending, SubprocessError } from "../../src/program.ts";

test.each<[Ending, string]>([
  [{ exitCode: 3 }, "x exited with code 3"],
  [{ signal: "SIGTERM" }, "x was ended by SIGTERM"],
  [{ signal: "SIGKILL" }, "x was ended by SIGKILL, perhaps for want of memory"],
  [{ signal: "SIGTERM", overdue: 60_000 }, "x gave no answer within 60 s"],
  [{ cause: { code: "ENOENT" } }, "x is not installed"],
  [{ cause: { code: "EMFILE" } }, "x could not be run (EMFILE: too many open files, see ulimit -n)"],
  [{ cause: { code: "ENFILE" } }, "x could not be run (ENFILE: too many open files)"],
  [{ cause: { code: "EAGAIN" } }, "x could not be run (EAGAIN: too many processes, see ulimit -u)"],
  [{ cause: { code: "ENOMEM" } }, "x could not be run (ENOMEM: out of memory)"],
  [{ cause: { code: "EACCES" } }, "x could not be run (EACCES)"],
  [{}, "x could not be run"],
])("how a program ended: %j", (end, message) => {
  expect(new SubprocessError("x", end, "").message).toBe(message);
});
