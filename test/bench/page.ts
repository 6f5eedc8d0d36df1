import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatSeconds } from "../../src/format.ts";
import { drawPart } from "./chart.ts";
import type { CandidateResult, PartResult, Results } from "./results.ts";
import { formatPart } from "./table.ts";

const begin = "<!-- results: written by npm run bench -->";
const end = "<!-- end of results -->";

/** Parts that have a chart: those that make backups of much. */
function hasChart({ limit }: PartResult): boolean {
  return limit !== undefined;
}

/** Machine, tables, commands; a chart is named where there is one. */
export function formatPage({ machine, parts }: Results): string {
  const programs = Object.entries(machine.programs).map(([program, version]) => `${program} ${version}`);
  const gigabytes = (machine.memory / 1e9).toFixed(0);
  return [
    `${machine.processor}, ${machine.cores} cores, ${gigabytes} GB of memory; ${machine.system}, Linux ${machine.kernel}. ${programs.join(", ")}.\n`,
    ...parts.map(formatSection),
    `### Commands\n`,
    commandsOf(parts),
  ].join("\n");
}

function formatSection(part: PartResult): string {
  const { title, name, plainBytes, commit, date, candidates, seconds } = part;
  const size = plainBytes > 1e6 ? `${(plainBytes / 1e6).toFixed(0)} MB of plain dump; ` : "";
  const rounds = `${candidates[0]?.runs.length} rounds in ${formatSeconds(seconds)}`;
  const chart = hasChart(part) ? `![${title}](${name}.svg)\n\n` : "";
  return `### ${title}\n\n${size}${rounds}; rcdump of ${commit}, ${date}.\n\n${chart}${formatPart(part)}`;
}

function commandsOf(parts: readonly PartResult[]): string {
  const all = new Map<string, CandidateResult>();
  for (const { candidates } of parts) for (const each of candidates) all.set(each.name, each);
  const lines = [...all.values()]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, command }) => {
      const short = command.replaceAll("$RCDUMP", "rcdump").replaceAll(/ \$REACH/g, "");
      return `${name.padEnd(2)}  ${short}\n`;
    });
  return `\`\`\`sh\n${lines.join("")}\`\`\`\n`;
}

/** Writes the charts, and the results into the page, between the marks that it has for them. */
export async function writePage(folder: string, results: Results): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const part of results.parts.filter(hasChart))
    await writeFile(join(folder, `${part.name}.svg`), drawPart(part));
  const path = join(folder, "README.md");
  const page = existsSync(path) ? await readFile(path, "utf8") : `${begin}\n${end}\n`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has no place for results: ${begin} … ${end}`);
  await writeFile(path, `${page.slice(0, from)}${begin}\n\n${formatPage(results)}\n${page.slice(to)}`);
}
