import { formatTable } from "../../../src/table.ts";
import type { Cell } from "./campaign.ts";
import { type Column, columns } from "./invariants.ts";

/** The kill table: a row for each store and fault, a column for each promise. */
export function formatCells(cells: readonly Cell[]): string {
  const names = Object.keys(columns) as Column[];
  const heading = ["store", "fault", "runs", "struck", "committed", ...Object.values(columns)];
  const count = ({ violations }: Cell, column: Column): string =>
    String(violations.filter((violation) => violation.column === column).length);
  const rows = cells.map((cell) => [
    cell.store,
    cell.fault,
    ...[cell.runs, cell.struck, cell.committed].map(String),
    ...names.map((column) => count(cell, column)),
  ]);
  return formatTable([heading, ...rows]);
}
