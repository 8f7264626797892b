/** metav1.Table and PartialObjectMetadata: what kubectl prints and metadata-only clients read. */
import type { KindDefinition, KubeObject } from "../../api/index.ts";
import { badRequest } from "../errors.ts";

export const partialObject = (object: KubeObject, version = "v1"): object => ({
  kind: "PartialObjectMetadata",
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata ?? {},
});

type Columns = Pick<KindDefinition, "columns">;

export interface TableMeta {
  resourceVersion?: string | undefined;
  continue?: string;
  remainingItemCount?: number;
}

export const tableColumns = (def: Columns): object[] =>
  def.columns
    .filter(({ headless }) => !headless)
    .map(({ name, type, format, description, priority }) => ({
      name,
      type,
      format: format ?? "",
      description,
      priority,
    }));

/** `include`: what each row's `object` is: None, Metadata or Object. */
export function tableRow(
  def: Columns,
  object: KubeObject,
  now: number,
  include: string,
  version: string,
): object {
  return {
    cells: def.columns.map((column) => column.cell(object, now)),
    object: include === "None" ? null : include === "Object" ? object : partialObject(object, version),
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
): object {
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: withColumns ? tableColumns(def) : null,
    rows: objects.map((object) => tableRow(def, object, now, include, version)),
  };
}
