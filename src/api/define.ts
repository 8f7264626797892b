/** Makes a KindDefinition out of the little that differs between kinds. */
import { type Clock, deepEqual, isDns1123Subdomain, sameRaw } from "../machinery/index.ts";
import { roundAmounts } from "./amounts.ts";
import { defaultColumns, described } from "./columns.ts";
import { conform } from "./conform.ts";
import type {
  FieldError,
  KindDefinition,
  Parts,
  ScaleSubresource,
  Strategy,
  RowCondition,
  TableColumn,
} from "./definition.ts";
import type { KubeObject } from "./meta.ts";
import type { Conformance } from "./schema.ts";
import {
  type MetaRules,
  validateAnyMeta,
  validateAnyMetaUpdate,
  validateMeta,
  validateMetaUpdate,
} from "./metadata.ts";

const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;

/** `metadata`: metadata as of a new object; `object`: what `validate` says. */
export type CreateCheck = "metadata" | "object";
/** Further `metadataChange`: what may not change of metadata; `change`: what `validateUpdate` says. */
export type UpdateCheck = CreateCheck | "metadataChange" | "change";
export type StatusCheck = "metadata" | "metadataChange" | "change";

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
  /** What makes an object unreadable whose fields have the right types, in Go's words. */
  problem?(object: KubeObject): string | undefined;
  /** Rule for metadata.name; DNS subdomain by default. */
  name?(value: string, object: T): readonly string[];
  /** How metadata.finalizers and generateName are judged, where it differs from most kinds. */
  metaRules?: Pick<MetaRules, "finalizers" | "generated">;
  /** True: an object without a name gets a UUID for one. */
  named?: boolean;
  /** False: nothing is put behind generateName, which is the name as it is. */
  nameGenerated?: false;
  /** Which checks run at creation, before those every object is held to; metadata and the object's own by default. */
  onCreate?: readonly CreateCheck[];
  /** Which checks run at a change, after those every object is held to; `metadataChange`, `object`, `change` by default. */
  onUpdate?: readonly UpdateCheck[];
  /** The same of a change of /status; `metadataChange` and `change` by default. */
  onStatus?: readonly StatusCheck[];
  /** metadata.generation counts changes of everything but metadata and status; `changes`: from the first change on. */
  generation?: boolean | "changes";
  /** What counts as such a change where it is something else. */
  changesGeneration?(object: T, old: T): boolean;
  /** True: what the client gave counts as such a change, even if `prepareForUpdate` takes it back. */
  generationFirst?: true;
  /** Has /status, and status is kept apart on writes. Hooks add to what every such kind does. */
  status?: boolean | Strategy;
  /** /status leaves metadata as it is: labels, annotations, finalizers and owners are the main endpoint's. */
  statusKeepsMetadata?: boolean;
  /** True: a new object may say what its status is. */
  statusAtCreation?: boolean;
  /** What status says of a new object; nothing by default. */
  emptyStatus?: Readonly<Record<string, unknown>>;
  scale?: ScaleSubresource;
  subresources?: readonly string[];
  subresourceStrategies?: Readonly<Record<string, Strategy>>;
  columns?: readonly TableColumn[];
  rowConditions?: (object: T) => readonly RowCondition[] | undefined;
  hiddenAnnotations?: readonly string[];
  selectableFields?: Readonly<Record<string, (object: T) => string>>;
  defaults?(object: T, clock?: Clock, same?: Parts): void;
  /** As in the definition. */
  fromTemplate?(template: T): T;
  /** As in the definition. */
  sharesParts?: boolean;
  prepareForCreate?(object: T): void;
  /** Texts about what that did, told even of an object that is invalid. */
  preparationWarnings?(object: T): string[];
  prepareForUpdate?(object: T, old: T): void;
  /** Checks that hold at creation and after every change. */
  validate?(object: T): FieldError[];
  /** Further checks of a new object. */
  validateCreate?(object: T): FieldError[];
  /** Checks of the change; the new object's own (`validate`) run as well (`onUpdate`). */
  validateUpdate?(object: T, old: T): FieldError[];
  /** Of a change of /status. */
  validateStatus?(object: T, old: T): FieldError[];
  /** Brings what was found to be valid into the form in which it is stored. */
  canonicalize?(object: T): void;
  /** Texts for Warning headers; `old`: of a change, absent at creation. */
  warnings?(object: T, old?: T): string[];
  defaultPropagation?: KindDefinition["defaultPropagation"];
  orphanWarning?: string;
  rawFields?: readonly string[];
  undeletable?: KindDefinition["undeletable"];
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

/** Where some of it is kept as text, another text is another spec. */
const specOrTextChanged = (rawFields: readonly string[] | undefined): typeof specChanged =>
  rawFields ? (object, old) => specChanged(object, old) || !sameRaw(rawFields, object, old) : specChanged;

const onCreate = ["metadata", "object"] as const;
const onUpdate = ["metadataChange", "object", "change"] as const;
const onStatus = ["metadataChange", "change"] as const;

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

const conformWith =
  (schema: string, problem: (object: KubeObject) => string | undefined) =>
  (object: KubeObject): Conformance => {
    const found = conform(schema, object);
    const more = found.problem === undefined ? problem(object) : undefined;
    return more === undefined ? found : { ...found, problem: more };
  };

/**
 * `package` is the OpenAPI prefix, e.g. `io.k8s.api.core.v1`. The strategies it makes are complete: on creation call
 * prepareForCreate and validate, on update prepareForUpdate and validateUpdate (which includes the checks of validate).
 */
export function kindsOf(group: string, version: string, packageName: string) {
  return <T extends KubeObject>(source: KindSource<T>): KindDefinition => {
    const schema = `${packageName}.${source.schema ?? source.kind}`;
    const namespaced = source.namespaced ?? true;
    const hasStatus = source.status !== undefined && source.status !== false;
    const withGeneration = source.generation ?? false;
    const { rawFields } = source;
    const changes = (source.changesGeneration ?? specOrTextChanged(rawFields)) as typeof specChanged;
    const rulesFor = (object: KubeObject): MetaRules => ({
      namespaced,
      nameRule: source.name ? (name) => source.name?.(name, object as T) ?? [] : isDns1123Subdomain,
      ...source.metaRules,
    });
    const checks: Record<UpdateCheck, (object: KubeObject, old: KubeObject) => readonly FieldError[]> = {
      metadata: (object) => validateMeta(object.metadata, rulesFor(object)),
      metadataChange: (object, old) =>
        validateMetaUpdate(object.metadata, old.metadata, source.metaRules?.finalizers),
      object: (object) => source.validate?.(object as T) ?? [],
      change: (object, old) => source.validateUpdate?.(object as T, old as T) ?? [],
    };
    const strategy: Strategy = {
      prepareForCreate(object) {
        if (hasStatus && !source.statusAtCreation) (object as Loose).status = { ...source.emptyStatus };
        if (object.metadata) {
          if (!namespaced) delete object.metadata.namespace;
          // Where nobody counts, what the client says stays, as the original has it.
          if (withGeneration === true) object.metadata.generation = 1;
        }
        source.prepareForCreate?.(object as T);
      },
      prepareForUpdate(object, old) {
        if (hasStatus) {
          if ((old as Loose).status === undefined) delete (object as Loose).status;
          else (object as Loose).status = (old as Loose).status;
        }
        const changed = withGeneration && source.generationFirst && changes(object, old);
        source.prepareForUpdate?.(object as T, old as T);
        if (!object.metadata) return;
        if (!namespaced) delete object.metadata.namespace;
        if (withGeneration) {
          const before = old.metadata?.generation ?? 0;
          const generation = changed || changes(object, old) ? before + 1 : before;
          if (generation > 0) object.metadata.generation = generation;
        }
      },
      validate(object) {
        const errors = (source.onCreate ?? onCreate).flatMap((check) => checks[check](object, object));
        if (source.validateCreate) errors.push(...source.validateCreate(object as T));
        return errors.length > 0 ? errors : validateAnyMeta(object.metadata, namespaced);
      },
      validateUpdate(object, old) {
        const errors = validateAnyMetaUpdate(object.metadata, old.metadata, namespaced);
        for (const check of source.onUpdate ?? onUpdate) errors.push(...checks[check](object, old));
        return errors;
      },
      ...(source.preparationWarnings
        ? { preparationWarnings: source.preparationWarnings as Strategy["preparationWarnings"] }
        : {}),
      ...(source.canonicalize ? { canonicalize: source.canonicalize as Strategy["canonicalize"] } : {}),
      ...(source.warnings ? { warnings: source.warnings as Strategy["warnings"] } : {}),
    } as Strategy;
    const own = typeof source.status === "object" ? source.status : undefined;
    const status: Strategy | undefined = hasStatus
      ? {
          prepareForUpdate(object, old, now) {
            const to = object as Loose;
            const from = old as Loose;
            for (const name of Object.keys(to)) if (!meta.has(name) && !(name in from)) delete to[name];
            for (const name of Object.keys(from)) if (!meta.has(name)) to[name] = from[name];
            if (to.metadata && from.metadata) {
              to.metadata.generation = from.metadata.generation;
              if (to.metadata.generation === undefined) delete to.metadata.generation;
            }
            if (source.statusKeepsMetadata) keepMetadata(object, old);
            own?.prepareForUpdate?.(object, old, now);
          },
          ...(own?.warnings ? { warnings: own.warnings } : {}),
          validateUpdate(object, old) {
            const errors = validateAnyMetaUpdate(object.metadata, old.metadata, namespaced);
            for (const check of source.onStatus ?? onStatus) {
              if (check !== "change") {
                errors.push(...checks[check](object, old));
                continue;
              }
              if (source.validateStatus) errors.push(...source.validateStatus(object as T, old as T));
              if (own?.validateUpdate) errors.push(...own.validateUpdate(object, old));
            }
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
      schema,
      verbs: source.verbs ?? allVerbs,
      defaults(object, clock, same) {
        roundAmounts(schema, object, same);
        source.defaults?.(object as T, clock, same);
      },
      strategy,
      ...(status ? { status } : {}),
      ...(source.problem ? { conform: conformWith(schema, source.problem) } : {}),
      ...(source.named ? { named: true } : {}),
      ...(source.rawFields ? { rawFields: source.rawFields } : {}),
      ...(source.nameGenerated === false ? { nameGenerated: false } : {}),
      ...(source.fromTemplate ? { fromTemplate: source.fromTemplate as KindDefinition["fromTemplate"] } : {}),
      ...(source.sharesParts ? { sharesParts: true } : {}),
      ...(source.statusKeepsMetadata ? { statusKeepsMetadata: true } : {}),
      ...(source.scale ? { scale: source.scale } : {}),
      ...(source.subresources ? { subresources: source.subresources } : {}),
      ...(source.subresourceStrategies ? { subresourceStrategies: source.subresourceStrategies } : {}),
      columns: described(
        source.columns ?? defaultColumns,
        `${group === "" ? version : `${group}/${version}`}/${source.plural}`,
      ),
      ...(source.rowConditions
        ? { rowConditions: source.rowConditions as NonNullable<KindDefinition["rowConditions"]> }
        : {}),
      ...(source.hiddenAnnotations ? { hiddenAnnotations: source.hiddenAnnotations } : {}),
      ...(source.selectableFields
        ? { selectableFields: source.selectableFields as KindDefinition["selectableFields"] }
        : {}),
      ...(source.defaultPropagation ? { defaultPropagation: source.defaultPropagation } : {}),
      ...(source.orphanWarning ? { orphanWarning: source.orphanWarning } : {}),
      ...(source.undeletable ? { undeletable: source.undeletable } : {}),
      ...(source.graceSeconds ? { graceSeconds: source.graceSeconds as KindDefinition["graceSeconds"] } : {}),
      ...(source.storedAs ? { storedAs: source.storedAs } : {}),
      ...(source.ttlSeconds === undefined ? {} : { ttlSeconds: source.ttlSeconds }),
    } as KindDefinition;
  };
}
