/** Names may hold anything, which a terminal must not act on. */
function printable(cell: string): string {
  return cell.replaceAll(/\p{Cc}/gu, "\ufffd");
}

/** Lays rows out in columns, two spaces apart, each as wide as its widest cell. The last one is left ragged. */
export function formatTable(table: readonly (readonly string[])[]): string {
  const rows = table.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join("  "),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
