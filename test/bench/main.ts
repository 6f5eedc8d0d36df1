import { execa } from "execa";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { temporaryFolder } from "../fixtures/folder.ts";
import { projectFolder } from "../setup/environment.ts";
import setup from "../setup/bundle.ts";
import { describeMachine } from "./machine.ts";
import { formatPage, writePage } from "./page.ts";
import { parts } from "./parts.ts";
import { merge, type PartResult, readResults, type Results, writeResults } from "./results.ts";
import { measurePart } from "./rounds.ts";
import { startBenchServer } from "./servers.ts";

const usage = `npm run bench -- [--rounds N] [--scale F] [--only PART,...] [--data-folder DIR] [--results DIR] [--render]

Measures rcdump beside what else one could do, on servers and stores of its own.
  --rounds N         how often each is measured (5)
  --scale F          the share of the data, such as 0.05 (1)
  --only PART,...    of ${parts.map(({ name }) => name).join(", ")}
  --data-folder DIR  keeps the data there for the next time
  --results DIR      where results.json, README.md and the charts go (docs/bench, if the scale is 1)
  --render           measures nothing: writes page and charts again from results.json
`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    scale: { type: "string", default: "1" },
    only: { type: "string" },
    "data-folder": { type: "string" },
    results: { type: "string" },
    render: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit();
}

// However it ends, its folders go: there are gigabytes in them.
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.on(signal, () => process.exit(code));

const tell = (what: string): void => void process.stderr.write(`${what}\n`);
const scale = Number(values.scale);
const rounds = Number(values.rounds);
const names = values.only?.split(",") ?? parts.map(({ name }) => name);
const unknown = names.find((name) => !parts.some((part) => part.name === name));
if (!(scale > 0) || !Number.isInteger(rounds) || rounds < 1 || unknown !== undefined) {
  process.stderr.write(usage);
  throw new Error(
    unknown === undefined ? "--scale and --rounds are numbers" : `there is no part called ${unknown}`,
  );
}
// Figures of small data are no results.
const folder =
  values.results ?? (scale === 1 || values.render ? join(projectFolder, "docs/bench") : undefined);
const earlier = folder === undefined ? undefined : await readResults(folder);

const results = values.render ? earlier : await measure();
if (!results) throw new Error(`there is no results.json in ${folder}`);
process.stdout.write(formatPage(results));
if (folder !== undefined) await writePage(folder, results);

/** Measures the parts that were asked for, and saves each as it is done. */
async function measure(): Promise<Results> {
  const [load = 0] = loadavg();
  if (load > 0.5)
    tell(`something else keeps this machine busy (load ${load.toFixed(1)}): times will be too long`);
  const tearDown = await setup();
  const machine = await describeMachine();
  const keys = temporaryFolder("keys");
  const identity = join(keys, "identity");
  await execa("age-keygen", ["-o", identity]);
  const variables = {
    RECIPIENT: (await execa("age-keygen", ["-y", identity])).stdout,
    IDENTITY: identity,
    RCDUMP: `${process.execPath} ${process.env["RCDUMP_TEST_PROGRAM"]}`,
  };
  const commit = (
    await execa("git", ["describe", "--always", "--dirty"], { cwd: projectFolder, reject: false })
  ).stdout;
  const done: PartResult[] = [];
  const soFar = (): Results =>
    merge(
      earlier,
      { machine, parts: done },
      parts.map(({ name }) => name),
    );
  for (const engine of ["postgres", "mariadb"] as const) {
    const wanted = parts.filter((part) => part.engine === engine && names.includes(part.name));
    if (wanted.length === 0) continue;
    await using server = await startBenchServer(engine, { scale, dataFolder: values["data-folder"], tell });
    for (const part of wanted) {
      const { name, title, limit, predecessor } = part;
      const measured = await measurePart(part, { server, variables, rounds, tell });
      const compared = {
        ...(limit !== undefined && { limit }),
        ...(predecessor !== undefined && { predecessor }),
      };
      const date = new Date().toISOString().slice(0, 10);
      done.push({ name, title, ...compared, ...measured, scale, date, commit });
      tell(`${name}: done in ${Math.round(measured.seconds)} s`);
      if (folder !== undefined) await writeResults(folder, soFar());
    }
  }
  tearDown?.();
  return soFar();
}
