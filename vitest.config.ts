import { availableParallelism } from "node:os";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** Fast and pure; broken tools and cut connections; the program as its users call it; real stores and large data; every kind of store. */
const projects = ["unit", "faults", "cli", "integration", "stores"];

/** The images, with servers in containers. After the others, which would otherwise be slow beside them. */
const images: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: "images",
    include: ["test/images/**/*.test.ts"],
    globalSetup: ["./test/setup/temporary.ts", "./test/images/setup.ts"],
    setupFiles: ["./test/setup/environment.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { groupOrder: 1 },
  },
};

export default defineConfig({
  test: {
    // Most of the work is that of other programs, and a third of the time they wait.
    maxWorkers: availableParallelism() + 1,
    reporters: ["default", "./test/setup/closing-line.ts"],
    projects: [
      ...projects.map((name) => ({
        extends: true as const,
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          globalSetup: ["./test/setup/temporary.ts", ...(name === "unit" ? [] : ["./test/setup/bundle.ts"])],
          setupFiles: ["./test/setup/environment.ts"],
          testTimeout: name === "unit" ? 30_000 : 120_000,
          hookTimeout: 120_000,
        },
      })),
      images,
    ],
  },
});
