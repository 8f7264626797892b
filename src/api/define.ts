/** Makes a KindDefinition out of the little that differs between kinds. */
import { deepEqual, isDns1123Subdomain } from "../machinery/index.ts";
import { defaultColumns, described } from "./columns.ts";
import type { FieldError, KindDefinition, ScaleSubresource, Strategy, TableColumn } from "./definition.ts";
import type { KubeObject } from "./meta.ts";
import { type NameRule, validateMeta, validateMetaUpdate } from "./metadata.ts";

const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;

/** What the kind itself knows; everything else follows. T is its type. */
export interface KindSource<T extends KubeObject> {
  kind: string;
  plural: string;
  /** Lower-case kind by default. */
  singular?: string;
  /** Lower-case kind and "s"... by default kind + "List". */
  listKind?: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** True by default. */
  namespaced?: boolean;
  verbs?: readonly string[];
  /** Type name in the schema table when it is not the kind. */
  schema?: string;
  /** Rule for metadata.name; DNS subdomain by default. */
  name?: NameRule;
  /** metadata.generation counts changes of everything but metadata and status. */
  generation?: boolean;
  /** Has /status, and status is kept apart on writes. Hooks add to what every such kind does. */
  status?: boolean | Strategy;
  /** /status leaves metadata as it is: labels, annotations, finalizers and owners are the main endpoint's. */
  statusKeepsMetadata?: boolean;
  /** What status says of a new object; nothing by default. */
  emptyStatus?: Readonly<Record<string, unknown>>;
  scale?: ScaleSubresource;
  subresources?: readonly string[];
  subresourceStrategies?: Readonly<Record<string, Strategy>>;
  columns?: readonly TableColumn[];
  selectableFields?: Readonly<Record<string, (object: T) => string>>;
  defaults?(object: T): void;
  prepareForCreate?(object: T): void;
  prepareForUpdate?(object: T, old: T): void;
  /** Checks that hold at creation and after every change. */
  validate?(object: T): FieldError[];
  /** Further checks of a new object. */
  validateCreate?(object: T): FieldError[];
  /** Checks of the change; the new object's own (`validate`) run as well. */
  validateUpdate?(object: T, old: T): FieldError[];
  /** Of a change of /status. */
  validateStatus?(object: T, old: T): FieldError[];
  /** Texts for Warning headers; `old`: of a change, absent at creation. */
  warnings?(object: T, old?: T): string[];
  defaultPropagation?: "Background" | "Orphan";
  graceSeconds?(object: T): number | undefined;
  storedAs?: KindDefinition["storedAs"];
  ttlSeconds?: number;
}

interface Loose extends KubeObject {
  status?: unknown;
  [member: string]: unknown;
}

const meta = new Set(["apiVersion", "kind", "metadata", "status"]);

/** True when anything but metadata and status differs. */
export function specChanged(object: KubeObject, old: KubeObject): boolean {
  const left = object as Loose;
  const right = old as Loose;
  for (const name in left) if (!meta.has(name) && !deepEqual(left[name], right[name])) return true;
  for (const name in right) if (!meta.has(name) && !(name in left) && right[name] !== undefined) return true;
  return false;
}

const kept = ["labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp"] as const;

function keepMetadata(object: KubeObject, old: KubeObject): void {
  const to = object.metadata as Record<string, unknown> | undefined;
  if (!to) return;
  for (const name of kept) {
    const value = old.metadata?.[name];
    if (value === undefined) delete to[name];
    else to[name] = value;
  }
}

/**
 * `package` is the OpenAPI prefix, e.g. `io.k8s.api.core.v1`. The strategies it makes are complete: on creation call
 * prepareForCreate and validate, on update prepareForUpdate and validateUpdate (which includes the checks of validate).
 */
export function kindsOf(group: string, version: string, packageName: string) {
  return <T extends KubeObject>(source: KindSource<T>): KindDefinition => {
    const namespaced = source.namespaced ?? true;
    const nameRule = source.name ?? isDns1123Subdomain;
    const hasStatus = source.status !== undefined && source.status !== false;
    const withGeneration = source.generation ?? false;
    const validate = (object: KubeObject): FieldError[] => {
      const errors = validateMeta(object.metadata, namespaced, nameRule);
      if (source.validate) errors.push(...source.validate(object as T));
      return errors;
    };
    const strategy: Strategy = {
      prepareForCreate(object) {
        if (hasStatus) (object as Loose).status = { ...source.emptyStatus };
        if (object.metadata) {
          if (!namespaced) delete object.metadata.namespace;
          // Where nobody counts, what the client says stays, as the original has it.
          if (withGeneration) object.metadata.generation = 1;
        }
        source.prepareForCreate?.(object as T);
      },
      prepareForUpdate(object, old) {
        if (hasStatus) {
          if ((old as Loose).status === undefined) delete (object as Loose).status;
          else (object as Loose).status = (old as Loose).status;
        }
        source.prepareForUpdate?.(object as T, old as T);
        if (!object.metadata) return;
        if (!namespaced) delete object.metadata.namespace;
        if (withGeneration) {
          const before = old.metadata?.generation ?? 1;
          object.metadata.generation = specChanged(object, old) ? before + 1 : before;
        }
      },
      validate(object) {
        const errors = validate(object);
        if (source.validateCreate) errors.push(...source.validateCreate(object as T));
        return errors;
      },
      validateUpdate(object, old) {
        const errors = validateMetaUpdate(object.metadata, old.metadata);
        errors.push(...validate(object));
        if (source.validateUpdate) errors.push(...source.validateUpdate(object as T, old as T));
        return errors;
      },
      ...(source.warnings ? { warnings: source.warnings as Strategy["warnings"] } : {}),
    } as Strategy;
    const own = typeof source.status === "object" ? source.status : undefined;
    const status: Strategy | undefined = hasStatus
      ? {
          prepareForUpdate(object, old) {
            const to = object as Loose;
            const from = old as Loose;
            for (const name of Object.keys(to)) if (!meta.has(name) && !(name in from)) delete to[name];
            for (const name of Object.keys(from)) if (!meta.has(name)) to[name] = from[name];
            if (to.metadata && from.metadata) {
              to.metadata.generation = from.metadata.generation;
              if (to.metadata.generation === undefined) delete to.metadata.generation;
              to.metadata.ownerReferences = from.metadata.ownerReferences;
              if (to.metadata.ownerReferences === undefined) delete to.metadata.ownerReferences;
            }
            if (source.statusKeepsMetadata) keepMetadata(object, old);
            own?.prepareForUpdate?.(object, old);
          },
          validateUpdate(object, old) {
            const errors = validateMetaUpdate(object.metadata, old.metadata);
            if (source.validateStatus) errors.push(...source.validateStatus(object as T, old as T));
            if (own?.validateUpdate) errors.push(...own.validateUpdate(object, old));
            return errors;
          },
        }
      : undefined;
    return {
      group,
      version,
      kind: source.kind,
      listKind: source.listKind ?? `${source.kind}List`,
      plural: source.plural,
      singular: source.singular ?? source.kind.toLowerCase(),
      shortNames: source.shortNames ?? [],
      categories: source.categories ?? [],
      namespaced,
      schema: `${packageName}.${source.schema ?? source.kind}`,
      verbs: source.verbs ?? allVerbs,
      ...(source.defaults ? { defaults: source.defaults as KindDefinition["defaults"] } : {}),
      strategy,
      ...(status ? { status } : {}),
      ...(source.statusKeepsMetadata ? { statusKeepsMetadata: true } : {}),
      ...(source.scale ? { scale: source.scale } : {}),
      ...(source.subresources ? { subresources: source.subresources } : {}),
      ...(source.subresourceStrategies ? { subresourceStrategies: source.subresourceStrategies } : {}),
      columns: described(
        source.columns ?? defaultColumns,
        `${group === "" ? version : `${group}/${version}`}/${source.plural}`,
      ),
      ...(source.selectableFields
        ? { selectableFields: source.selectableFields as KindDefinition["selectableFields"] }
        : {}),
      ...(source.defaultPropagation ? { defaultPropagation: source.defaultPropagation } : {}),
      ...(source.graceSeconds ? { graceSeconds: source.graceSeconds as KindDefinition["graceSeconds"] } : {}),
      ...(source.storedAs ? { storedAs: source.storedAs } : {}),
      ...(source.ttlSeconds === undefined ? {} : { ttlSeconds: source.ttlSeconds }),
    } as KindDefinition;
  };
}
