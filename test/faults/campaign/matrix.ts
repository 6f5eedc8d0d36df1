import { formatTable } from "../../../src/table.ts";
import { type Promised, promises } from "./invariants.ts";
import type { RunReport } from "./run.ts";

/** The promises go by their letters: spelt out they are wider than a terminal. */
const letters = Object.values(promises).map((text) => text.charAt(0));

/** What the letters stand for. */
export const legend: string = `Broken promises: ${Object.values(promises).join("; ")}\n`;

/** A row for each store and fault, a column for each promise: how often it was broken. */
export function formatMatrix(reports: readonly RunReport[]): string {
  const heading = ["store", "fault", "runs", "struck", "stored", ...letters];
  const groups = Map.groupBy(reports, ({ draw }) => `${draw.store}\0${draw.fault.name}`);
  const rows = [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => [...key.split("\0"), ...count(group)]);
  return formatTable([heading, ...rows, ["all", "", ...count(reports)]]);
}

/** How many runs there were of each combination of what a backup can be. */
export function formatForms(reports: readonly RunReport[]): string {
  const forms = ["engine", "compression", "encrypted", "way", "taken"] as const;
  const rows = forms.flatMap((form) =>
    [...Map.groupBy(reports, ({ draw }) => String(draw[form]))]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([value, group]) => [form, value, ...count(group)]),
  );
  return formatTable([["drawn", "", "runs", "struck", "stored", ...letters], ...rows]);
}

function count(reports: readonly RunReport[]): string[] {
  const violations = reports.flatMap((report) => report.violations);
  const broken = (name: Promised): number => violations.filter(({ promise }) => promise === name).length;
  return [
    reports.length,
    reports.filter(({ struck }) => struck).length,
    reports.filter(({ committed }) => committed).length,
    ...(Object.keys(promises) as Promised[]).map(broken),
  ].map(String);
}
