/** Prometheus' text format (version 0.0.4). Pure. */
import type { Family } from "./family.ts";
import { goFloat } from "../../machinery/index.ts";
import { Histogram } from "./values.ts";

/** Omits families without series. */
export function textOfFamilies(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const family of families) writeFamily(lines, family);
  return `${lines.join("\n")}\n`;
}

function writeFamily(lines: string[], family: Family): void {
  const { name, help, type } = family;
  if (family.size === 0) return;
  lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  for (const { labels, value } of family.sorted()) {
    if (value instanceof Histogram) writeHistogram(lines, name, labels, value);
    else lines.push(`${name}${labels === "" ? "" : `{${labels}}`} ${goFloat(value.value)}`);
  }
}

function writeHistogram(
  lines: string[],
  name: string,
  labels: string,
  { bounds, counts, sum }: Histogram,
): void {
  const before = labels === "" ? "" : `${labels},`;
  const around = labels === "" ? "" : `{${labels}}`;
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    total += counts[i] as number;
    const bound = i < bounds.length ? goFloat(bounds[i] as number) : "+Inf";
    lines.push(`${name}_bucket{${before}le="${bound}"} ${goFloat(total)}`);
  }
  lines.push(`${name}_sum${around} ${goFloat(sum)}`, `${name}_count${around} ${goFloat(total)}`);
}
