import { expect, test } from "vitest";
import { AskedOnce } from "../../../src/rclone/asked-once.ts";

/** A question that the test answers. */
function asking() {
  const questions: PromiseWithResolvers<string>[] = [];
  const asked = new AskedOnce((signal) => {
    const question = Promise.withResolvers<string>();
    signal?.addEventListener("abort", () => question.reject(signal.reason as Error));
    questions.push(question);
    return question.promise;
  });
  return { asked, questions };
}

test("all who want it share one question", async () => {
  const { asked, questions } = asking();
  const both = [asked.get(), asked.get(new AbortController().signal)];
  questions[0]?.resolve("yes");
  expect(await Promise.all([...both, asked.get()])).toEqual(["yes", "yes", "yes"]);
  expect(questions).toHaveLength(1);
});

test("a failure is everybody's who waited, and is asked about anew", async () => {
  const { asked, questions } = asking();
  const both = [asked.get(), asked.get()].map((answer) => answer.catch(String));
  questions[0]?.reject(new Error("no"));
  expect(await Promise.all(both)).toEqual(["Error: no", "Error: no"]);
  const again = asked.get();
  questions[1]?.resolve("yes");
  expect(await again).toBe("yes");
});

test("who waits along with one that gives up does not", async () => {
  const { asked, questions } = asking();
  const [first, second] = [new AbortController(), new AbortController()];
  const given = asked.get(first.signal).catch(String);
  const waiting = [asked.get(second.signal), asked.get()];
  first.abort(new Error("late"));
  expect(await given).toBe("Error: late");
  questions[1]?.resolve("yes");
  expect(await Promise.all(waiting)).toEqual(["yes", "yes"]);
  expect(questions).toHaveLength(2);
});

test("who gives up meanwhile is told so", async () => {
  const { asked } = asking();
  const [first, second] = [new AbortController(), new AbortController()];
  const both = [first, second].map(({ signal }) => asked.get(signal).catch(String));
  second.abort(new Error("also late"));
  first.abort(new Error("late"));
  expect(await Promise.all(both)).toEqual(["Error: late", "Error: late"]);
});
