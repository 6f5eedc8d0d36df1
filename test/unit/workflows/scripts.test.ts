/** The scripts that the release runs, on what they would find. */
import { execa } from "execa";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../fixtures/folder.ts";
import { projectFolder } from "../../setup/environment.ts";

const folder = temporaryFolder("release");

/** Runs one of them in a folder with these files. */
async function run(script: string, argument: string, files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [join(projectFolder, ".github/scripts", script), argument],
    { cwd: folder, reject: false },
  );
  return { exitCode, stdout, stderr };
}

describe("release-notes", () => {
  const changelog = `# Changelog

## Unreleased

- Not yet.

## 1.2.0 (2026-12-01)

- First.
  ## no heading

### Under it

- Second.

## 1.1.0

- Before.

## 1.0.0
`;
  const notes = (tag: string, version = tag.slice(1)) =>
    run("release-notes.mjs", tag, { "package.json": JSON.stringify({ version }), "CHANGELOG.md": changelog });

  test("prints the section of the version, without its heading", async () => {
    expect(await notes("v1.2.0")).toMatchObject({
      exitCode: 0,
      stdout: "- First.\n  ## no heading\n\n### Under it\n\n- Second.",
    });
    expect(await notes("v1.1.0")).toMatchObject({ exitCode: 0, stdout: "- Before." });
  });

  test.for([
    ["v1.2.0", "1.2.1", "the tag is v1.2.0, but the version in package.json is 1.2.1"],
    ["1.2.0", "1.2.0", "the tag is 1.2.0, but the version in package.json is 1.2.0"],
    ["v1.2", "1.2", "CHANGELOG.md has no section ## 1.2, or nothing in it"],
    ["v1.0.0", "1.0.0", "CHANGELOG.md has no section ## 1.0.0, or nothing in it"],
  ])("fails: %s of %s", async ([tag = "", version, problem]) => {
    const { exitCode, stdout, stderr } = await notes(tag, version);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain(problem);
  });
});

describe("pushed-digests", () => {
  const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
  const print = (metadata: unknown) =>
    run("pushed-digests.mjs", "pushed.json", { "pushed.json": JSON.stringify(metadata) });

  test("prints each image that was pushed once, by its digest", async () => {
    const metadata = {
      "buildx.build.warnings": [{ vertex: digest("f") }],
      tools: { "buildx.build.ref": "builder/builder0/x" },
      "postgres-18": {
        "buildx.build.ref": "builder/builder0/y",
        "containerimage.digest": digest("a"),
        "image.name": "ghcr.io/o/rcdump-postgres:18,ghcr.io/o/rcdump-postgres:latest",
      },
      mariadb: {
        "containerimage.digest": digest("b"),
        "image.name": "localhost:5000/rcdump-mariadb:11.8",
      },
    };
    expect(await print(metadata)).toMatchObject({
      exitCode: 0,
      stdout: `ghcr.io/o/rcdump-postgres@${digest("a")}\nlocalhost:5000/rcdump-mariadb@${digest("b")}`,
    });
  });

  test.for<[problem: string, metadata: unknown]>([
    ["names no image", {}],
    ["names no image", { tools: { "containerimage.digest": digest("a") } }],
    ["has no digest", { mariadb: { "image.name": "o/rcdump-mariadb:11.8" } }],
  ])("fails: %s", async ([problem, metadata]) => {
    const { exitCode, stdout, stderr } = await print(metadata);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain(problem);
  });
});
