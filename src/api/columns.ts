/** Cells shared by many kinds; names, order and texts are those of `kubectl get`. */
import {
  formatQuantity,
  humanDuration,
  parseQuantity,
  type LabelSelectorObject,
} from "../machinery/index.ts";
import type { TableColumn } from "./definition.ts";
import { text as columnTexts } from "./generated/column-texts.js";
import type { Container } from "./generated/types.ts";
import type { KubeObject } from "./meta.ts";

type Cell = string | number | boolean | null;

/** A column of kind T. `wide` columns appear with `-o wide` only. */
export function column<T extends KubeObject>(
  name: string,
  type: TableColumn["type"],
  cell: (object: T, now: number) => Cell,
  description = "",
): TableColumn {
  return { name, type, description, priority: 0, cell: cell as TableColumn["cell"] };
}

export function wide<T extends KubeObject>(
  name: string,
  cell: (object: T, now: number) => Cell,
): TableColumn {
  return { name, type: "string", description: "", priority: 1, cell: cell as TableColumn["cell"] };
}

export const nameColumn: TableColumn = {
  name: "Name",
  type: "string",
  format: "name",
  description: "",
  priority: 0,
  cell: (object) => object.metadata?.name ?? "",
};

/** Age of an RFC 3339 timestamp as kubectl shows it; `<unknown>` without one. */
export function ago(time: string | undefined, now: number): string {
  if (!time) return "<unknown>";
  const at = Date.parse(time);
  return Number.isNaN(at) ? "<unknown>" : humanDuration(now - at);
}

export const ageColumn: TableColumn = {
  name: "Age",
  type: "string",
  description: "",
  priority: 0,
  cell: (object, now) => ago(object.metadata?.creationTimestamp, now),
};

let texts: Record<string, readonly string[]> | undefined;

/** The columns of a built-in kind with their descriptions, which are loaded on demand. */
export function described(columns: readonly TableColumn[], resource: string): readonly TableColumn[] {
  return columns.map((each, i) => ({
    ...each,
    get description() {
      texts ??= JSON.parse(columnTexts) as Record<string, readonly string[]>;
      return texts[resource]?.[i] ?? each.description;
    },
  }));
}

/** The columns of kinds without their own. */
export const defaultColumns: readonly TableColumn[] = [
  nameColumn,
  {
    name: "Created At",
    type: "date",
    description: "",
    priority: 0,
    cell: (object) => object.metadata?.creationTimestamp ?? null,
  },
];

/** `a=b,c=d` sorted by key, `<none>` when empty. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const names = Object.keys(labels ?? {}).sort();
  return names.length === 0 ? "<none>" : names.map((name) => `${name}=${labels?.[name]}`).join(",");
}

/** A metav1.LabelSelector as text. */
export function selectorText(selector: LabelSelectorObject | undefined): string {
  if (!selector) return "<none>";
  const parts = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    key,
    text: `${key}=${value}`,
  }));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const list = `(${[...values].sort().join(",")})`;
    if (operator === "In") parts.push({ key, text: `${key} in ${list}` });
    else if (operator === "NotIn") parts.push({ key, text: `${key} notin ${list}` });
    else parts.push({ key, text: operator === "DoesNotExist" ? `!${key}` : key });
  }
  if (parts.length === 0) return "<none>";
  parts.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return parts.map(({ text }) => text).join(",");
}

/** Containers, Images and Selector of a workload, for `-o wide`. */
export function workloadColumns<T extends KubeObject>(
  containers: (object: T) => readonly Container[] | undefined,
  selector: (object: T) => string,
): TableColumn[] {
  return [
    wide<T>("Containers", (object) => (containers(object) ?? []).map((each) => each.name).join(",")),
    wide<T>("Images", (object) => (containers(object) ?? []).map((each) => each.image ?? "").join(",")),
    wide<T>("Selector", selector),
  ];
}

/** The first three of a list, and the number of others. */
export function firstThree(items: readonly string[]): string {
  const shown = items.slice(0, 3).join(",");
  if (shown === "") return "<unset>";
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}

export function quantityText(value: string | undefined): string {
  return value === undefined ? "0" : formatQuantity(parseQuantity(value));
}
