import { defineConfig } from "vitest/config";

/** Fast and pure; broken tools and cut connections; the program as its users call it; real stores and large data. */
const projects = ["unit", "faults", "cli", "integration"];

export default defineConfig({
  test: {
    reporters: ["default", "./test/setup/closing-line.ts"],
    projects: projects.map((name) => ({
      extends: true,
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        setupFiles: ["./test/setup/environment.ts"],
        testTimeout: name === "unit" ? 30_000 : 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
});
