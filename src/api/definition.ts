import type { Clock } from "../machinery/index.ts";
import type { KubeObject } from "./meta.ts";
import type { Conformance, TypeSchema } from "./schema.ts";

/** A mistake in one field, as `field.Error` of apimachinery reports it; `field` is a path like `spec.containers[0].name`. */
export interface FieldError {
  /** Cause reason: FieldValueRequired, FieldValueInvalid, FieldValueNotSupported, FieldValueDuplicate, FieldValueForbidden, FieldValueNotFound, FieldValueTooLong, FieldValueTooMany, FieldValueTypeInvalid, InternalError. */
  reason: string;
  field: string;
  /** The cause's message without the field, e.g. `Invalid value: "x": must be no more than 63 characters`. */
  message: string;
}

/** One column of the server-side table (metav1.TableColumnDefinition) and how its cell is made. */
export interface TableColumn {
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  format?: string;
  description: string;
  /** Rows have the cell but the table has no header for it, as in Kubernetes. */
  headless?: true;
  /** 0 is shown always, 1 with `-o wide`. */
  priority: number;
  cell(object: KubeObject, now: number): string | number | bigint | boolean | null;
}

/** A condition of a table row (metav1.TableRowCondition). */
export interface RowCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

/**
 * Hooks around a write, after decoding and defaulting. They change the object they are given and do no I/O.
 * On creation call prepareForCreate, then validate. On update call prepareForUpdate, then validateUpdate alone: it
 * includes what validate checks. The server fills in the metadata it owns (uid, creationTimestamp, ...) before.
 */
export interface Strategy {
  /** Clears what a client may not set at creation (status), sets generation. */
  prepareForCreate?(object: KubeObject): void;
  /** Warning headers about what `prepareForCreate` did, sent even if the object turns out to be invalid. */
  preparationWarnings?(object: KubeObject): string[];
  /**
   * Keeps what this endpoint may not change (status for the main one, all but status for /status), raises generation.
   * `now`: RFC 3339, whole seconds.
   */
  prepareForUpdate?(object: KubeObject, old: KubeObject, now?: string): void;
  validate?(object: KubeObject): FieldError[];
  validateUpdate?(object: KubeObject, old: KubeObject): FieldError[];
  /** Brings a valid object into the form in which it is stored. */
  canonicalize?(object: KubeObject): void;
  /** Warning headers. `old` is absent at creation. */
  warnings?(object: KubeObject, old?: KubeObject): string[];
}

export interface ScaleSubresource {
  specReplicasPath: string;
  statusReplicasPath: string;
  /** Dotted path of the label selector (object or string) that becomes `status.selector`. */
  selectorPath: string;
}

/** Handles the versions of a custom resource, served or not. */
export interface VersionConversion {
  /**
   * Prunes and defaults an object from the store in place, by the version it was stored in. Throws 500 when there is no such
   * version.
   */
  read(object: KubeObject): void;
  /** True when `read` would change nothing. `current`: the object was written under this definition. */
  isRead(current: boolean, apiVersion: string, object: () => KubeObject): boolean;
  /** Prunes a converted object in place and answers with the fields that it removed. */
  converted(object: KubeObject): readonly string[];
}

/** Parts of a stored object (`spec`, `status`) that its replacement may share, by name. */
export type Parts = Readonly<Record<string, unknown>>;

/** What happens to nulls in fields that are not nullable. */
export type Nulls = "dropped" | "kept";

/** Everything about one served resource. A CustomResourceDefinition produces the same object at run time. */
export interface KindDefinition {
  /** "" for the core group. */
  group: string;
  version: string;
  kind: string;
  listKind: string;
  /** Plural, lower case: the REST resource name. */
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  /** Key in the schema table, e.g. `io.k8s.api.core.v1.Pod`; undefined keeps unknown fields. */
  schema: string | undefined;
  /** Paths of fields whose JSON keeps its text (runtime.RawExtension), without `[]`. */
  rawFields?: readonly string[];
  /** The type of a kind that is not in the schema table: a custom resource. */
  type?: TypeSchema;
  /** OpenAPI of a custom resource: name and schema of its type. */
  openApi?: { name: string; schema: object };
  /**
   * Replaces `conform(schema, object)`: drops unknown fields in place and reports them; `problem` is what makes the object
   * unusable. Custom resources are pruned by their structural schema here; an applied configuration keeps its nulls, which
   * validation then judges.
   */
  conform?(object: KubeObject, nulls?: Nulls): Conformance;
  /** Loads what the strategy needs for the object; undefined when nothing is to be loaded. */
  ready?(object: KubeObject): Promise<void> | undefined;
  /** Verbs the main resource allows. */
  verbs: readonly string[];
  /**
   * For kinds that controllers create from a template, with the same body and a generated name each time: copies the decoded and
   * defaulted object of such a body. The copy owns what admission may write to and may share the rest.
   */
  fromTemplate?(template: KubeObject): KubeObject;
  /**
   * An updated object may share an unchanged spec or status with the stored object, so the kind's code must never write into one
   * that is valid.
   */
  sharesParts?: boolean;
  /**
   * Sets defaults in place, on requests and on objects read from the store. `clock` is for defaults that are the current time. `same`:
   * parts that the object may share with the stored one, which have their defaults.
   */
  defaults?(object: KubeObject, clock?: Clock, same?: Parts): void;
  strategy: Strategy;
  /** Present when the kind has /status. */
  status?: Strategy;
  /** Writes to /status leave labels, annotations, finalizers and owners as they are. */
  statusKeepsMetadata?: boolean;
  scale?: ScaleSubresource;
  /** Further subresources served by special handlers, e.g. pods: log, exec, binding, eviction; namespaces: finalize. */
  subresources?: readonly string[];
  /** Hooks of those subresources that write the object itself, e.g. pods: ephemeralcontainers, resize. */
  subresourceStrategies?: Readonly<Record<string, Strategy>>;
  columns: readonly TableColumn[];
  /** Conditions of the object's row in a table. */
  rowConditions?(object: KubeObject): readonly RowCondition[] | undefined;
  /** Order of the rows of a list; by default that of the list. */
  rowOrder?(a: KubeObject, b: KubeObject): number;
  /** Annotations that carry fields of Kubernetes' internal type: shown in whole objects but not in PartialObjectMetadata. */
  hiddenAnnotations?: readonly string[];
  /** Field selectors besides metadata.name and metadata.namespace. */
  selectableFields?: Readonly<Record<string, (object: KubeObject) => string>>;
  /** An object without a name is named by a UUID. */
  named?: true;
  /** False: metadata.generateName becomes the name without a suffix. */
  nameGenerated?: false;
  /**
   * For objects that are cleaned up before they go (namespaces): the first deletion only marks the object, in place, whatever
   * the propagation policy. `now`: RFC 3339.
   */
  beginDeletion?(object: KubeObject, now: string): void;
  /**
   * Propagation policy when the delete options have none; Background by default. "Unsupported": the garbage collector does not
   * handle the kind, so the options have no effect.
   */
  defaultPropagation?: "Background" | "Orphan" | "Unsupported";
  /** Warning for deletions without a propagation policy. */
  orphanWarning?: string;
  /** Why the object of this name may not be deleted; undefined when it may. */
  undeletable?(name: string): string | undefined;
  /** Default grace period of deletion (pods). Undefined: deleted at once. */
  graceSeconds?(object: KubeObject): number | undefined;
  /**
   * Stored as another kind (events.k8s.io Event as core Event). Defaults, strategy, columns and selectable fields see the stored
   * form.
   */
  storedAs?: {
    group: string;
    version: string;
    kind: string;
    plural: string;
    toStored(object: KubeObject): void;
    fromStored(object: KubeObject): void;
  };
  /** The versions of a custom resource. */
  conversion?: VersionConversion;
  /** Warning in every answer of a deprecated version. */
  deprecationWarning?: string;
  /** Objects expire after so many seconds (events: 3600). */
  ttlSeconds?: number;
}
