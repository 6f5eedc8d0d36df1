import { isScalar, parseDocument, visit } from "yaml";
import type { BakeFile } from "./bake-file.ts";

/** What a workflow refers to, and must find there. */
export interface Surroundings {
  /** Of package.json. */
  readonly scripts: ReadonlySet<string>;
  readonly bake: BakeFile;
  /** The workflows that there are, such as `./.github/workflows/ci.yml`. */
  readonly workflows: ReadonlySet<string>;
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, unknown>>;
}

interface Job extends Step {
  readonly "runs-on"?: string;
  readonly "timeout-minutes"?: number;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** What a workflow does that ours must not do, or leaves out: what actionlint does not look for. */
export function workflowProblems(text: string, surroundings: Surroundings): string[] {
  const workflow = parseDocument(text).toJS() as Workflow;
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps ?? []);
  return [
    ...(JSON.stringify(workflow.permissions) === '{"contents":"read"}'
      ? []
      : ["the workflow's permissions are not contents: read alone; give a job what it needs beyond"]),
    ...jobs.flatMap(([name, job]) =>
      job["runs-on"] !== undefined && job["timeout-minutes"] === undefined
        ? [`job ${name} has no timeout-minutes`]
        : [],
    ),
    ...usesProblems(text, surroundings),
    ...steps.flatMap((step) => stepProblems(step, surroundings)),
  ];
}

/** Who can move a tag can run code in our name: foreign actions are named by commit. */
function usesProblems(text: string, { workflows }: Surroundings): string[] {
  const problems: string[] = [];
  visit(parseDocument(text), {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.value !== "uses" || !isScalar(value)) return;
      const uses = String(value.value);
      if (uses.startsWith("./")) {
        if (!workflows.has(uses)) problems.push(`${uses} does not exist`);
      } else if (!/^[^@]+@[0-9a-f]{40}$/.test(uses)) {
        problems.push(`${uses} is not pinned by a commit's 40 digits`);
      } else if (!/^ v\d+\.\d+\.\d+$/.test(value.comment ?? "")) {
        problems.push(`${uses} has no comment with its version`);
      }
    },
  });
  return problems;
}

function stepProblems(
  { uses, run = "", with: inputs, env = {} }: Step,
  surroundings: Surroundings,
): string[] {
  const { scripts, bake } = surroundings;
  const wanted = [...run.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)].map(
    ([, name, test]) => name ?? test ?? "",
  );
  const baked = [...run.matchAll(/\bdocker buildx bake\b(.*)/g)].map(([, rest = ""]) => rest);
  return [
    ...(uses?.startsWith("actions/checkout@") && inputs?.["persist-credentials"] !== false
      ? ["a checkout leaves its token behind; set persist-credentials: false"]
      : []),
    // What is put into a script before the shell reads it is code.
    ...(run.includes("${{") ? [`an expression stands in a script: ${run.trim()}; hand it over by env`] : []),
    ...wanted.filter((name) => !scripts.has(name)).map((name) => `package.json has no script ${name}`),
    ...baked
      .flatMap(targetsIn)
      .filter((target) => !bake.targets.has(target))
      .map((target) => `docker-bake.hcl has no target ${target}`),
    ...(baked.length === 0 ? [] : Object.keys(env))
      .filter((name) => !bake.variables.has(name))
      .map((name) => `docker-bake.hcl has no variable ${name}`),
  ];
}

/** What stands behind `docker buildx bake`, but for options and their values. */
function targetsIn(rest: string): string[] {
  const words = rest.trim().split(/\s+/);
  const valued = /^(--(metadata-file|file|set|builder|progress|var)|-f)$/;
  return words.filter(
    (word, index) => word !== "" && !word.startsWith("-") && !valued.test(words[index - 1] ?? ""),
  );
}
