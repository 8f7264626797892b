import type { KubeObject } from "../../../api/index.ts";
import { findJsonPath, parseQuantity, compareQuantity } from "../../../machinery/index.ts";
import type { Table } from "./table.ts";

/** `--sort-by`: by the value at a JSONPath; numbers, quantities and texts are compared as such. */
export function sortObjects<T extends KubeObject>(items: T[], path: string | undefined): T[] {
  if (!path) return items;
  return [...items].sort((a, b) => compare(valueAt(a, path), valueAt(b, path)));
}

export function sortTable(table: Table, path: string | undefined): Table {
  if (!path) return table;
  const rows = [...table.rows].sort((a, b) => compare(valueAt(a.object, path), valueAt(b.object, path)));
  return { ...table, rows };
}

function valueAt(object: unknown, path: string): unknown {
  const inner = path.replace(/^\{|\}$/g, "");
  return findJsonPath(`{${inner.startsWith(".") ? inner : `.${inner}`}}`, object)[0];
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  const left = String(a);
  const right = String(b);
  if (/^\d/.test(left) && /^\d/.test(right) && !/[-:]/.test(left)) {
    try {
      return compareQuantity(parseQuantity(left), parseQuantity(right));
    } catch {
      // Not quantities.
    }
  }
  return left < right ? -1 : left > right ? 1 : 0;
}
