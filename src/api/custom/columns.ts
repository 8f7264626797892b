/** Columns of custom resources. */
import { findJsonPath, goText, madeText, parseGoTime } from "../../machinery/index.ts";
import { ageColumn, ago, nameColumn } from "../columns.ts";
import type { TableColumn } from "../definition.ts";
import type { CustomResourceDefinitionVersion } from "../generated/types.ts";
import type { KubeObject } from "../meta.ts";

/** The table columns of a version. */
export function columnsOf(version: CustomResourceDefinitionVersion): readonly TableColumn[] {
  const own = version.additionalPrinterColumns ?? [];
  if (own.length === 0) {
    return [
      nameOf,
      {
        ...ageColumn,
        type: "date",
        description: creationText,
      },
    ];
  }
  return [
    nameOf,
    ...own.map(
      (each): TableColumn => ({
        name: each.name,
        type: each.type as TableColumn["type"],
        ...(each.format ? { format: each.format } : {}),
        description:
          each.description || `Custom resource definition column (in JSONPath format): ${each.jsonPath}`,
        priority: each.priority ?? 0,
        cell: (object, now) => cellOf(each.type, each.jsonPath, object, now),
      }),
    ),
  ];
}

export const nameOf: TableColumn = {
  ...nameColumn,
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
};

export const creationText =
  "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/** A column whose path matches more values shows nothing. */
const maxValues = 100_000;

function cellOf(
  type: string,
  jsonPath: string,
  object: KubeObject,
  now: number,
): string | number | bigint | boolean | null {
  let found: unknown[];
  try {
    found = findJsonPath(jsonPath, object, maxValues);
  } catch {
    return null;
  }
  const [value] = found;
  if (value === undefined) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? whole(value) : typeof value === "bigint" ? value : null;
    case "number":
      return typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? age(value, now) : null;
    default:
      return textOf(value);
  }
}

const lowest = -(2n ** 63n);

/** Go's conversion to int64 on amd64: values out of range become the minimum. */
function whole(value: number): number | bigint {
  const cut = Math.trunc(value);
  if (Number.isSafeInteger(cut)) return cut;
  const exact = BigInt(cut);
  return exact < lowest || exact >= -lowest ? lowest : exact;
}

function age(text: string, now: number): string {
  if (text === "null") return ago(undefined, now);
  try {
    return ago(text === "" ? undefined : parseGoTime(text, 0), now);
  } catch {
    return "<invalid>";
  }
}

function textOf(value: unknown): string {
  if (value === null) return "<no value>";
  if (typeof value === "string") return value;
  return typeof value === "object" ? madeText(value) : goText(value);
}
