/** Minimum column width, including the padding. */
const narrowest = 6;

/** Text columns like those of kubectl's tab writer: each as wide as its widest cell, with three spaces between. */
export function alignColumns(rows: readonly (readonly string[])[], gap = 3): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, at) =>
          at === row.length - 1
            ? cell
            : cell.padEnd(Math.max((widths[at] ?? 0) + gap, gap < 3 ? 0 : narrowest)),
        )
        .join("")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}
