/** metav1.Table and PartialObjectMetadata: what kubectl prints and metadata-only clients read. */
import type { KindDefinition, KubeObject } from "../../api/index.ts";
import { badRequest } from "../errors.ts";

export type Columns = Pick<
  KindDefinition,
  "columns" | "rowConditions" | "rowOrder" | "hiddenAnnotations" | "type"
>;

/** The PartialObjectMetadata of an object. */
export const partialObject = (
  object: KubeObject,
  version: string,
  def: Pick<KindDefinition, "hiddenAnnotations"> = {},
): object => ({
  kind: "PartialObjectMetadata",
  apiVersion: `meta.k8s.io/${version}`,
  metadata: def.hiddenAnnotations
    ? withoutAnnotations(object.metadata, def.hiddenAnnotations)
    : (object.metadata ?? {}),
});

function withoutAnnotations(metadata: KubeObject["metadata"], hidden: readonly string[]): object {
  if (!metadata?.annotations) return metadata ?? {};
  const left = Object.entries(metadata.annotations).filter(([name]) => !hidden.includes(name));
  const { annotations: _all, ...rest } = metadata;
  return left.length === 0 ? rest : { ...metadata, annotations: Object.fromEntries(left) };
}

export interface TableMeta {
  resourceVersion?: string | undefined;
  continue?: string;
  remainingItemCount?: number;
}

const tableColumns = (def: Columns): object[] =>
  def.columns
    .filter(({ headless }) => !headless)
    .map(({ name, type, format, description, priority }) => ({
      name,
      type,
      format: format ?? "",
      description,
      priority,
    }));

/** Options of a table. */
export interface TableForm {
  /** `v1` or `v1beta1`. */
  version: string;
  /** What each row's `object` is: None, Metadata or Object. */
  include: string;
  /** The current time, for ages. */
  now: number;
  metadata: TableMeta;
  /** False omits the column definitions, as in all but the first table of a watch. */
  withColumns?: boolean;
  /** The stored objects, if they differ: cells are computed from these. */
  stored?: readonly KubeObject[];
}

function tableRow(
  def: Columns,
  object: KubeObject,
  stored: KubeObject,
  { now, include, version }: TableForm,
): object {
  const conditions = def.rowConditions?.(object);
  return {
    cells: def.columns.map((column) => column.cell(stored, now)),
    ...(conditions ? { conditions } : {}),
    object: include === "None" ? null : include === "Object" ? object : partialObject(object, version, def),
  };
}

/** The option `includeObject`. Throws 400. */
export function includeOf(query: URLSearchParams): string {
  const given = query.get("includeObject") || "Metadata";
  if (given === "None" || given === "Metadata" || given === "Object") return given;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: "${given}": must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export function tableOf(def: Columns, objects: readonly KubeObject[], form: TableForm): object {
  const { version, metadata, withColumns = true, stored = objects } = form;
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: withColumns ? tableColumns(def) : null,
    rows:
      objects.length === 0 && isPlain(def)
        ? null
        : inRowOrder(def, objects).map((i) =>
            tableRow(def, objects[i] as KubeObject, stored[i] as KubeObject, form),
          ),
  };
}

/** The object's index of each row. */
function inRowOrder({ rowOrder }: Columns, objects: readonly KubeObject[]): number[] {
  const places = [...objects.keys()];
  if (!rowOrder) return places;
  return places.sort((i, j) => rowOrder(objects[i] as KubeObject, objects[j] as KubeObject));
}

/** A built-in kind with only the columns Name and Created At: Kubernetes writes null for no rows. */
const isPlain = ({ columns, type }: Columns): boolean =>
  !type && columns.length === 2 && columns[1]?.name === "Created At";
