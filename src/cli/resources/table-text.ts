/** calicoctl's tables: columns as wide as their widest cell and three blanks, the last one too, a blank line below. */

const GAP = 3;
const NARROWEST = 5;

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell) => Math.max(NARROWEST, cell.length + GAP));
  for (const row of rows)
    for (const [column, cell] of row.entries())
      if (cell.length + GAP > (widths[column] ?? 0)) widths[column] = cell.length + GAP;
  const lines = [head, ...rows].map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(''),
  );
  return `${lines.join('\n')}\n\n`;
}
