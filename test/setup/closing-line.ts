import type { Reporter, TestModule } from "vitest/node";

/** Prints the one line that CI reads, after everything else: how many tests passed, and how many did not. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    );
    const count = (wanted: string): number => states.filter((state) => state === wanted).length;
    // A file that cannot be loaded has no tests, and is a failure all the same.
    const broken = modules.reduce((total, module) => total + module.errors().length, errors.length);
    const skipped = count("skipped") === 0 ? "" : `, ${count("skipped")} skipped`;
    process.once("exit", (code) => {
      // Images that cannot be built before the tests are no test that failed, and a failure all the same.
      const failed = Math.max(count("failed") + broken, code === 0 ? 0 : 1);
      process.stdout.write(`${count("passed")} passed, ${failed} failed${skipped}\n`);
    });
  }
}
