import { parseArgs } from "node:util";
import { availableParallelism } from "node:os";
import { type StoreName, storeNames } from "../stores/store.ts";
import { describeDraw } from "./campaign/draw.ts";
import { formatForms, formatMatrix, legend } from "./campaign/matrix.ts";
import type { RunReport } from "./campaign/run.ts";
import { defaultStores } from "./campaign/stores.ts";
import setup from "../setup/bundle.ts";

const usage = `npm run faults -- [--runs N] [--seed S] [--only RUN,...] [--stores NAME,...]

Breaks backups at random moments, on servers and stores of its own, and looks what became of the promises.
  --runs N       how many runs (100)
  --seed S       draws what an earlier campaign drew
  --only RUN     only these runs of it, by their numbers
  --stores NAME  of ${storeNames.join(", ")} (${defaultStores.join(",")})
  --at-a-time N  how many runs go on at a time (one more than there are processors)
`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string" },
    stores: { type: "string", default: defaultStores.join(",") },
    "at-a-time": { type: "string", default: String(availableParallelism() + 1) },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit();
}

const stores = values.stores.split(",").map((name): StoreName => {
  const known = storeNames.find((each) => each === name);
  if (known) return known;
  process.stderr.write(usage);
  throw new Error(`there is no store called ${name}`);
});
// The program is found when the campaign is loaded.
const tearDown = await setup();
const { runCampaign } = await import("./campaign/campaign.ts");
const start = performance.now();
let done = 0;
const show = ({ draw, struck, committed, exitCode, violations }: RunReport): void => {
  const outcome = `${struck ? "" : "too late, "}exit ${exitCode}${committed ? ", stored" : ""}`;
  process.stderr.write(`${++done}. run ${draw.number}: ${describeDraw(draw)}: ${outcome}\n`);
  for (const { promise, detail } of violations)
    process.stderr.write(`BROKEN in run ${draw.number}: ${promise}: ${detail}\n`);
};
const reports = await runCampaign({
  stores,
  seed: Number(values.seed),
  runs: values.only?.split(",").map(Number) ?? Array.from({ length: Number(values.runs) }, (_, n) => n),
  concurrency: Number(values["at-a-time"]),
  onRun: show,
});

tearDown?.();
process.stdout.write(`${formatMatrix(reports)}\n${formatForms(reports)}\n${legend}`);
const broken = reports.filter(({ violations }) => violations.length > 0);
for (const { draw, violations } of broken)
  for (const { promise, detail } of violations)
    process.stdout.write(`run ${draw.number}: ${promise}: ${detail}\n`);
if (broken.length > 0)
  process.stdout.write(
    `again: npm run faults -- --seed ${values.seed} --stores ${values.stores} --only ${broken.map(({ draw }) => draw.number).join(",")}\n`,
  );
const minutes = ((performance.now() - start) / 60_000).toFixed(1);
const total = reports.reduce((sum, { violations }) => sum + violations.length, 0);
process.stdout.write(
  `${reports.length} disturbed runs, ${total} violations, seed ${values.seed}, ${minutes} minutes\n`,
);
process.exitCode = total === 0 ? 0 : 1;
