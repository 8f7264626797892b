/** metav1.Table and PartialObjectMetadata: what kubectl prints and metadata-only clients read. */
import type { KindDefinition, KubeObject } from "../../api/index.ts";
import { badRequest } from "../errors.ts";

export type Columns = Pick<
  KindDefinition,
  "columns" | "rowConditions" | "rowOrder" | "hiddenAnnotations" | "type"
>;

/** An object's metadata alone. `def`: of the kind, where it says something of metadata. */
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

/** `stored`: the object as it is stored, where it is shown in another spelling. `include`: what each row's `object` is: None, Metadata or Object. */
function tableRow(
  def: Columns,
  object: KubeObject,
  now: number,
  include: string,
  version: string,
  stored = object,
): object {
  const conditions = def.rowConditions?.(object);
  return {
    cells: def.columns.map((column) => column.cell(stored, now)),
    ...(conditions ? { conditions } : {}),
    object: include === "None" ? null : include === "Object" ? object : partialObject(object, version, def),
  };
}

/** What `includeObject` asks rows to carry. Throws 400. */
export function includeOf(query: URLSearchParams): string {
  const given = query.get("includeObject") || "Metadata";
  if (given === "None" || given === "Metadata" || given === "Object") return given;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: "${given}": must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export function tableOf(
  def: Columns,
  objects: readonly KubeObject[],
  now: number,
  include: string,
  version: string,
  metadata: TableMeta,
  withColumns = true,
  stored: readonly KubeObject[] = objects,
): object {
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: withColumns ? tableColumns(def) : null,
    rows:
      objects.length === 0 && isPlain(def)
        ? null
        : inRowOrder(def, objects).map((i) =>
            tableRow(def, objects[i] as KubeObject, now, include, version, stored[i]),
          ),
  };
}

/** Where in the list the object of each row is. */
function inRowOrder({ rowOrder }: Columns, objects: readonly KubeObject[]): number[] {
  const places = [...objects.keys()];
  if (!rowOrder) return places;
  return places.sort((i, j) => rowOrder(objects[i] as KubeObject, objects[j] as KubeObject));
}

/** A built-in kind that shows but its name and when it was made: its rows begin as none in the original. */
const isPlain = ({ columns, type }: Columns): boolean =>
  !type && columns.length === 2 && columns[1]?.name === "Created At";
