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
  /** The cell is there, but no header: Kubernetes forgets it. */
  headless?: true;
  /** 0 is shown always, 1 with `-o wide`. */
  priority: number;
  cell(object: KubeObject, now: number): string | number | boolean | null;
}

/** What a row of a table says of its object besides the cells (metav1.TableRowCondition). */
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
  /** Warning headers about what `prepareForCreate` did, told even if the object turns out to be invalid. */
  preparationWarnings?(object: KubeObject): string[];
  /**
   * Keeps what this endpoint may not change (status for the main one, all but status for /status), raises generation.
   * `now`: RFC 3339, whole seconds.
   */
  prepareForUpdate?(object: KubeObject, old: KubeObject, now?: string): void;
  validate?(object: KubeObject): FieldError[];
  validateUpdate?(object: KubeObject, old: KubeObject): FieldError[];
  /** Brings an object that was found to be valid into the form in which it is stored. */
  canonicalize?(object: KubeObject): void;
  /** Warning headers. `old`: of a change; absent at creation. */
  warnings?(object: KubeObject, old?: KubeObject): string[];
}

export interface ScaleSubresource {
  specReplicasPath: string;
  statusReplicasPath: string;
  /** Dotted path of the label selector (object or string) that becomes `status.selector`. */
  selectorPath: string;
}

/** What the versions of a custom resource know: all of its versions, served or not. */
export interface VersionConversion {
  /**
   * What is done to an object that was read from the store, in the version it was stored in, in place: what that does not
   * know goes, its defaults are filled in. Throws 500 when there is no such version.
   */
  read(object: KubeObject): void;
  /** True when `read` would change nothing. `current`: the object was written under this definition. */
  isRead(current: boolean, apiVersion: string, object: () => KubeObject): boolean;
  /** Done to an object that was converted, in place: what its version does not know goes. Names what went. */
  converted(object: KubeObject): readonly string[];
}

/** Parts of a stored object, by name, which an object that is to replace it may share. */
export type Parts = Readonly<Record<string, unknown>>;

/** What becomes of nulls in members that may not be null. */
export type Nulls = "dropped" | "kept";

/** All there is to know about one served resource. A CustomResourceDefinition produces the same object at run time. */
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
  /** Paths of JSON objects that are kept as the text they were given in (runtime.RawExtension); `[]` is left out of them. */
  rawFields?: readonly string[];
  /** The type itself, of a kind that is not in the table (custom resources). */
  type?: TypeSchema;
  /** What OpenAPI says of a custom resource: the type's name and its schema. */
  openApi?: { name: string; schema: object };
  /**
   * Takes the place of `conform(schema, object)`: drops in place what the kind does not know and names it; `problem` is
   * what makes the object unusable. Custom resources prune by their structural schema here; what is applied to them
   * keeps its nulls, to be judged.
   */
  conform?(object: KubeObject, nulls?: Nulls): Conformance;
  /** Loads what the strategy needs for the object, before it is asked; undefined when it is all there. */
  ready?(object: KubeObject): Promise<void> | undefined;
  /** Verbs the main resource allows. */
  verbs: readonly string[];
  /**
   * Of kinds of which controllers create many from one template, with a generated name: the same bytes again and again. Copies what
   * such bytes come to with defaults, which depend on nothing but the object. What admission writes into is the copy's own; what
   * nobody writes into at creation it may share.
   */
  fromTemplate?(template: KubeObject): KubeObject;
  /**
   * What a change leaves as it was of spec and status may be the stored object's own part: whatever is done to a changed object
   * writes into none of them that is in order, which all stored ones are.
   */
  sharesParts?: boolean;
  /**
   * Fills defaults in place; runs on requests and on objects read. What begins when it is first given needs the clock. `same`: parts
   * that have theirs, if the object has them.
   */
  defaults?(object: KubeObject, clock?: Clock, same?: Parts): void;
  strategy: Strategy;
  /** Present when the kind has /status. */
  status?: Strategy;
  /** /status leaves labels, annotations, finalizers and owners as they are. */
  statusKeepsMetadata?: boolean;
  scale?: ScaleSubresource;
  /** Further subresources served by special handlers, e.g. pods: log, exec, binding, eviction; namespaces: finalize. */
  subresources?: readonly string[];
  /** Hooks of those subresources that write the object itself, e.g. pods: ephemeralcontainers, resize. */
  subresourceStrategies?: Readonly<Record<string, Strategy>>;
  columns: readonly TableColumn[];
  /** Of an object's row in a table; undefined where there is nothing to say. */
  rowConditions?(object: KubeObject): readonly RowCondition[] | undefined;
  /** In which order the rows of a list stand; without it in that of the list. */
  rowOrder?(a: KubeObject, b: KubeObject): number;
  /** Annotations that stand for fields of the original's inner type: whole objects show them, their metadata alone does not. */
  hiddenAnnotations?: readonly string[];
  /** Field selectors besides metadata.name and metadata.namespace. */
  selectableFields?: Readonly<Record<string, (object: KubeObject) => string>>;
  /** True: an object without a name gets a UUID for one. */
  named?: true;
  /** False: nothing is put behind metadata.generateName, which is the name as it is. */
  nameGenerated?: false;
  /**
   * Somebody cleans up behind the object before it goes: the first deletion only marks it so, in place, whatever the
   * options say of dependents. `now`: the time, as objects have it.
   */
  beginDeletion?(object: KubeObject, now: string): void;
  /**
   * What is stored when the delete options say nothing: Background unless Orphan here. "Unsupported": the garbage
   * collector does not know the kind, so nothing waits for it, whatever the options say.
   */
  defaultPropagation?: "Background" | "Orphan" | "Unsupported";
  /** Said to who deletes without a word about what becomes of dependents. */
  orphanWarning?: string;
  /** Why an object of this name may not be deleted by itself; undefined when it may. */
  undeletable?(name: string): string | undefined;
  /** Deletion waits this long by default (pods). Undefined: deleted at once. */
  graceSeconds?(object: KubeObject): number | undefined;
  /**
   * Storage prefix group/version differs (e.g. events.k8s.io Event is stored as core Event). Defaults, strategy, columns
   * and selectable fields of such a kind see the stored spelling.
   */
  storedAs?: {
    group: string;
    version: string;
    kind: string;
    plural: string;
    toStored(object: KubeObject): void;
    fromStored(object: KubeObject): void;
  };
  /** Of a custom resource: what its versions know. */
  conversion?: VersionConversion;
  /** Said with every answer: a version that is better not used. */
  deprecationWarning?: string;
  /** Objects vanish by themselves after so many seconds (events: 3600). */
  ttlSeconds?: number;
}
