/** Rows of text as aligned columns, the first row as heading. No trailing blanks. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** A value as JSON for machines: stable two-space indentation, bigints as decimal text. */
export function json(value: unknown): string {
  const plain = (_: string, each: unknown) => (typeof each === 'bigint' ? each.toString() : each);
  return `${JSON.stringify(value, plain, 2)}\n`;
}
