import { spreadOf } from "./statistics.ts";
import type { PartResult } from "./results.ts";

const left = 330;
const right = 70;
const width = 820;
const row = 30;
const top = 56;
const foot = 34;

/** Colours that can be told from a white and from a black page. */
const style = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 16px; font-weight: 600 }
  .faint { fill: #6e7781 }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .bar { fill: #8c959f }
  .limit { fill: #c6cbd1 }
  .ours { fill: #2f81f7 }
  .spread { stroke: #24292f; stroke-width: 1.5; fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .bar { fill: #7d8590 }
    .limit { fill: #565d66 }
    .spread { stroke: #e6edf3 }
  }`;

/** A bar for each candidate's median of seconds, with a line from the least to the most, as SVG for light and dark pages. */
export function drawPart(part: PartResult): string {
  const spreads = part.candidates.map(({ runs }) => spreadOf(runs.map(({ wall }) => wall)));
  const most = Math.max(...spreads.map((spread) => spread.most));
  const step = niceStep(most / 6);
  const scale = (width - left - right) / (Math.ceil(most / step) * step);
  const x = (seconds: number): string => (left + seconds * scale).toFixed(1);
  const height = top + part.candidates.length * row + foot;
  const bottom = height - foot + 4;

  const grid = Array.from({ length: Math.ceil(most / step) + 1 }, (_, n) => {
    const at = x(n * step);
    return `<path class="grid" d="M${at} ${top - 8}V${bottom}"/><text class="faint" x="${at}" y="${bottom + 18}" text-anchor="middle">${Number((n * step).toFixed(3))} s</text>`;
  });
  const bars = part.candidates.map(({ name, title, command }, index) => {
    const { median, least, most } = spreads[index]!;
    const y = top + index * row;
    const middle = y + 10;
    const kind = name === part.limit ? "limit" : command.includes("$RCDUMP") ? "ours" : "bar";
    return [
      `<text x="${left - 10}" y="${middle + 4}" text-anchor="end">${escape(title)}</text>`,
      `<rect class="${kind}" x="${left}" y="${y}" width="${(median * scale).toFixed(1)}" height="20" rx="2"/>`,
      `<path class="spread" d="M${x(least)} ${middle}H${x(most)}M${x(least)} ${middle - 5}v10M${x(most)} ${middle - 5}v10"/>`,
      `<text x="${(left + most * scale + 8).toFixed(1)}" y="${middle + 4}">${median.toFixed(1)} s</text>`,
    ].join("");
  });
  const caption = `${part.title}: seconds for ${(part.plainBytes / 1e9).toFixed(2)} GB`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(caption)}">
<style>${style}
</style>
<text class="title" x="10" y="26">${escape(caption)}</text>
${[...grid, ...bars].join("\n")}
</svg>
`;
}

/** The next of 1, 2, 5, 10, 20, …, 0.5, 0.2, …, that is not below this. */
export function niceStep(wish: number): number {
  const power = 10 ** Math.floor(Math.log10(wish));
  return ([1, 2, 5].find((factor) => factor * power >= wish) ?? 10) * power;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
