import { parseArgs } from "node:util";
import { type Cell, runCampaign } from "./campaign/campaign.ts";
import { faults } from "./campaign/faults.ts";
import { storeNames } from "./campaign/stores.ts";
import { formatCells } from "./campaign/table.ts";

const usage = `npm run faults -- [--runs N] [--seed S] [--stores local,sftp,s3]

Kills backups at random moments, on real servers and stores of its own, and prints what became of the promises.
  --runs N     runs for each store and fault in which the fault struck in time (25)
  --seed S     repeats what an earlier campaign drew
`;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "25" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    stores: { type: "string", default: storeNames.join(",") },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit();
}

const wanted = values.stores.split(",");
const start = performance.now();
const cells = await runCampaign({
  stores: storeNames.filter((name) => wanted.includes(name)),
  faults: faults.map(({ name }) => name),
  runsPerCell: Number(values.runs),
  seed: Number(values.seed),
  onCell: ({ store, fault, runs, violations }: Cell) =>
    void process.stderr.write(`${store}: ${fault}: ${runs} runs, ${violations.length} violations\n`),
});
const violations = cells.flatMap((cell) => cell.violations);
const runs = cells.reduce((total, cell) => total + cell.runs, 0);
process.stdout.write(`${formatCells(cells)}\n`);
for (const { run, column, detail } of violations) process.stdout.write(`${run}: ${column}: ${detail}\n`);
const minutes = ((performance.now() - start) / 60_000).toFixed(1);
process.stdout.write(
  `${runs} disturbed runs, ${violations.length} violations, seed ${values.seed}, ${minutes} minutes\n`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
