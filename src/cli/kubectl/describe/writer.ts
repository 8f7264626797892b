import { humanDuration } from "../../../machinery/index.ts";
import { alignColumns } from "../print/columns.ts";

/**
 * Collects a description: lines at a depth, with tabs between label and value. Like the tab writer of the original, each
 * run of lines at the same depth is aligned on its own.
 */
export class Writer {
  private readonly rows: { depth: number; cells: string[] }[] = [];

  /** A line of cells; two blanks per depth in front. */
  line(depth: number, ...cells: string[]): this {
    this.rows.push({ depth, cells });
    return this;
  }

  /** `Label:  value`; a value of several lines goes on under itself. */
  field(depth: number, label: string, value: string | number | undefined): this {
    const [first = "", ...more] = String(value ?? "").split("\n");
    this.line(depth, `${label}:`, first);
    for (const text of more) this.line(depth, "", text);
    return this;
  }

  /** A map under a label, one pair a line, `<none>` when empty. */
  map(depth: number, label: string, map: Readonly<Record<string, string>> | undefined, joint = "="): this {
    const pairs = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    if (pairs.length === 0) return this.field(depth, label, "<none>");
    return this.field(depth, label, pairs.map(([key, value]) => `${key}${joint}${value}`).join("\n"));
  }

  toString(): string {
    let text = "";
    for (let at = 0; at < this.rows.length; ) {
      const depth = this.rows[at]?.depth ?? 0;
      const run: string[][] = [];
      while (at < this.rows.length && this.rows[at]?.depth === depth) run.push(this.rows[at++]?.cells ?? []);
      text += alignRun(run, "  ".repeat(depth));
    }
    return text;
  }
}

/** Lines of one cell do not widen the columns of the others. */
function alignRun(rows: readonly string[][], indent: string): string {
  let text = "";
  for (let at = 0; at < rows.length; ) {
    const group: string[][] = [];
    while (at < rows.length && (rows[at]?.length ?? 0) > 1) group.push(rows[at++] ?? []);
    if (group.length > 0)
      text += alignColumns(
        group.map(([first = "", ...more]) => [indent + first, ...more]),
        2,
      );
    else text += `${indent}${rows[at++]?.[0] ?? ""}\n`;
  }
  return text;
}

/** `Mon, 02 Jan 2006 15:04:05 +0000`, as descriptions show times. */
export function timeText(time: string | undefined): string {
  if (!time) return "<unset>";
  return new Date(time).toUTCString().replace(/ GMT$/, " +0000");
}

export function ageText(time: string | undefined): string {
  return time ? humanDuration(Date.now() - Date.parse(time)) : "<unknown>";
}
