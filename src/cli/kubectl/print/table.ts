import type { KubeObject } from "../../../api/index.ts";
import { objectName, type Resource } from "../mapper.ts";
import { alignColumns } from "./columns.ts";

/** metav1.Table, as the server sends it. */
export interface Table {
  columnDefinitions: { name: string; priority: number }[];
  rows: { cells: unknown[]; object: KubeObject }[];
  metadata?: { resourceVersion?: string; continue?: string };
}

export const tableAccept =
  "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

export interface TableOptions {
  wide: boolean;
  headers: boolean;
  showLabels: boolean;
  labelColumns: readonly string[];
  /** An additional first column, with `-A`. */
  showNamespace: boolean;
  /** Prints names as `pod/x`, for several kinds. */
  prefix: Resource | undefined;
}

export function tableRows(table: Table, options: TableOptions): string[][] {
  const shown = table.columnDefinitions.flatMap((column, at) =>
    column.priority === 0 || options.wide ? [at] : [],
  );
  const header = [
    ...(options.showNamespace ? ["NAMESPACE"] : []),
    ...shown.map((at) => table.columnDefinitions[at]?.name.toUpperCase() ?? ""),
    ...options.labelColumns.map((label) => (label.split("/").pop() ?? label).toUpperCase()),
    ...(options.showLabels ? ["LABELS"] : []),
  ];
  const rows = table.rows.map(({ cells, object }) => {
    const labels = object.metadata?.labels ?? {};
    return [
      ...(options.showNamespace ? [object.metadata?.namespace ?? ""] : []),
      ...shown.map((at, place) => {
        const text = cellText(cells[at]);
        return place === 0 && options.prefix ? objectName(options.prefix, text) : text;
      }),
      ...options.labelColumns.map((label) => labels[label] ?? ""),
      ...(options.showLabels ? [labelText(labels)] : []),
    ];
  });
  return options.headers ? [header, ...rows] : rows;
}

export function tableText(table: Table, options: TableOptions): string {
  return alignColumns(tableRows(table, options));
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "<none>";
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

export function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? "<none>" : pairs.sort().join(",");
}
