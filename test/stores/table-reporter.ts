import "../setup/environment.ts";
import { execa } from "execa";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Prints what became of the contract: a row for each store, a column for each property. */
export default class TableReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const stores = new Map<string, Map<string, string>>();
    for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
      const name = storeOf(test);
      const cells = stores.get(name) ?? new Map<string, string>();
      stores.set(name, cells.set(test.name, describe(test)));
    }
    const properties = [...new Set([...stores.values()].flatMap((cells) => [...cells.keys()]))];
    const rows = [...stores].map(([name, cells]) => [
      name,
      ...properties.map((each) => cells.get(each) ?? "–"),
    ]);
    const lines = [["store", ...properties], properties.map(() => "---").concat("---"), ...rows];
    const { stdout: version } = await execa("rclone", ["version"]);
    process.stdout.write(
      `\n${version.split("\n")[0]}\n\n${lines.map((line) => `| ${line.join(" | ")} |`).join("\n")}\n`,
    );
  }
}

function storeOf(test: TestCase): string {
  let name = "";
  for (let at = test.parent; at.type === "suite"; at = at.parent) ({ name } = at);
  return name;
}

function describe(test: TestCase): string {
  const { state } = test.result();
  if (state !== "passed") return state === "skipped" ? "–" : "**no**";
  return test.annotations()[0]?.message ?? "✓";
}
