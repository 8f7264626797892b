import { humanDuration } from "../../../machinery/index.ts";

/** Collects a description: indented lines of cells, aligned with adjacent lines. */
export class Writer {
  private readonly rows: { depth: number; cells: string[] }[] = [];

  /** A line of cells, indented by two spaces per depth. */
  line(depth: number, ...cells: string[]): this {
    this.rows.push({ depth, cells });
    return this;
  }

  /** `Label:  value`; further lines of the value are aligned below it. */
  field(depth: number, label: string, value: string | number | undefined): this {
    const [first = "", ...more] = String(value ?? "").split("\n");
    this.line(depth, `${label}:`, first);
    for (const text of more) this.line(depth, "", text);
    return this;
  }

  /** A map under a label, one pair per line, `<none>` when empty. */
  map(depth: number, label: string, map: Readonly<Record<string, string>> | undefined, joint = "="): this {
    const pairs = Object.entries(map ?? {})
      .filter(([key]) => key !== "kubectl.kubernetes.io/last-applied-configuration")
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (pairs.length === 0) return this.field(depth, label, "<none>");
    return this.field(depth, label, pairs.map(([key, value]) => `${key}${joint}${value}`).join("\n"));
  }

  /** A heading indented by one more space than its depth: a container or volume of a pod template. */
  heading(depth: number, text: string): this {
    this.rows.push({ depth, cells: [` ${text}`] });
    return this;
  }

  /** With tabs between columns instead of alignment, as `rollout history --revision` prints it. */
  withTabs(): string {
    return this.rows
      .map(
        ({ depth, cells: [first = "", ...more] }) => `${["  ".repeat(depth) + first, ...more].join("\t")}\n`,
      )
      .join("")
      .replace(/^ +\t/gm, "\t");
  }

  toString(): string {
    return elasticTabs(
      this.rows.map(({ depth, cells: [first = "", ...more] }) => ["  ".repeat(depth) + first, ...more]),
    );
  }
}

/**
 * Go's text/tabwriter with a padding of two: a column is as wide as its widest cell among the adjacent lines that have a cell
 * to its right.
 */
function elasticTabs(rows: readonly (readonly string[])[]): string {
  const padded = rows.map((row) => [...row]);
  for (let column = 0; padded.some((row) => row.length > column + 1); column++) {
    for (let at = 0; at < padded.length; ) {
      const start = at;
      let width = 0;
      for (; at < padded.length && (padded[at]?.length ?? 0) > column + 1; at++) {
        width = Math.max(width, padded[at]?.[column]?.length ?? 0);
      }
      for (let line = start; line < at; line++) {
        const row = padded[line];
        if (row) row[column] = (row[column] ?? "").padEnd(width + 2);
      }
      if (at === start) at++;
    }
  }
  return padded.map((row) => `${row.join("")}\n`).join("");
}

/** `Mon, 02 Jan 2006 15:04:05 +0000`, as descriptions show times. */
export function timeText(time: string | undefined): string {
  if (!time) return "<unset>";
  return new Date(time).toUTCString().replace(/ GMT$/, " +0000");
}

export function ageText(time: string | undefined): string {
  return time ? humanDuration(Date.now() - Date.parse(time)) : "<unknown>";
}
