/** Tables for people: plain columns, and the bordered ones of `calicoctl node status`. Cells may be coloured. */
import { stripVTControlCharacters } from 'node:util';

/** Columns as wide as their widest cell, two blanks between them, no border. */
export function plainTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(head, rows);
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => padded(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Headings centred, cells to the left, a line of `+---+` around and below the head. */
export function borderedTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(head, rows);
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const centred = head.map((cell, column) => {
    const room = (widths[column] ?? 0) - cell.length;
    const left = Math.floor(room / 2);
    return `${' '.repeat(left)}${cell}${' '.repeat(room - left)}`;
  });
  const body = rows.map((row) => line(row.map((cell, column) => padded(cell, widths[column] ?? 0))));
  return [rule, line(centred), rule, ...body, rule].join('\n');
}

function widthsOf(head: readonly string[], rows: readonly (readonly string[])[]): number[] {
  return head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => widthOf(row[column] ?? ''))));
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}
