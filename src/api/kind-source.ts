/** What a kind declares: only what differs between kinds. */
import type { Clock } from "../machinery/index.ts";
import type {
  FieldError,
  KindDefinition,
  Parts,
  RowCondition,
  ScaleSubresource,
  Strategy,
  TableColumn,
} from "./definition.ts";
import type { KubeObject } from "./meta.ts";
import type { MetaRules } from "./metadata.ts";

/** A check of a new object. `metadata`: the rules of metadata for new objects; `object`: the kind's `validate`. */
export type CreateCheck = "metadata" | "object";
/** A check of a change. `metadataChange`: what may not change in metadata; `change`: the kind's `validateUpdate`. */
export type UpdateCheck = CreateCheck | "metadataChange" | "change";
/** A check of a change of /status. `change`: the kind's `validateStatus`. */
export type StatusCheck = "metadata" | "metadataChange" | "change";

/** What differs from kind to kind; `kindsOf` makes the rest of the definition. T is the type of the kind's objects. */
export interface KindSource<T extends KubeObject> {
  kind: string;
  plural: string;
  /** Lower-case kind by default. */
  singular?: string;
  /** Kind + "List" by default. */
  listKind?: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** True by default. */
  namespaced?: boolean;
  verbs?: readonly string[];
  /** The type's name in the schema table, where it is not the kind. */
  schema?: string;
  /** Why an object cannot be decoded although its fields have the right types, in the words of Go's decoder. */
  problem?(object: KubeObject): string | undefined;
  /** Rule for metadata.name; DNS subdomain by default. */
  name?(value: string, object: T): readonly string[];
  /** How metadata.finalizers and generateName are checked, where it differs from most kinds. */
  metaRules?: Pick<MetaRules, "finalizers" | "generated">;
  /** An object without a name is named by a UUID. */
  named?: true;
  /** False: generateName becomes the name without a suffix. */
  nameGenerated?: false;
  /** Checks at creation, before those of every kind; `metadata` and `object` by default. */
  onCreate?: readonly CreateCheck[];
  /** Checks at an update, after those of every kind; `metadataChange`, `object` and `change` by default. */
  onUpdate?: readonly UpdateCheck[];
  /** Checks at an update of /status, after those of every kind; `metadataChange` and `change` by default. */
  onStatus?: readonly StatusCheck[];
  /** True: metadata.generation counts changes of all but metadata and status. `changes`: likewise, but new objects have none. */
  generation?: boolean | "changes";
  /** What raises the generation, if something else does. */
  changesGeneration?(object: T, old: T): boolean;
  /** The generation is raised by the change in the request, even if `prepareForUpdate` reverts it. */
  generationFirst?: true;
  /** Has /status. Hooks run besides what every such kind does. */
  status?: boolean | Strategy;
  /** Writes to /status leave labels, annotations, finalizers and owners as they are. */
  statusKeepsMetadata?: true;
  /** A new object keeps the status in the request. */
  statusAtCreation?: boolean;
  /** The status of a new object; an empty one by default. */
  emptyStatus?: Readonly<Record<string, unknown>>;
  scale?: ScaleSubresource;
  subresources?: readonly string[];
  subresourceStrategies?: Readonly<Record<string, Strategy>>;
  columns?: readonly TableColumn[];
  rowConditions?: (object: T) => readonly RowCondition[] | undefined;
  rowOrder?: (a: T, b: T) => number;
  hiddenAnnotations?: readonly string[];
  selectableFields?: Readonly<Record<string, (object: T) => string>>;
  defaults?(object: T, clock?: Clock, same?: Parts): void;
  /** As in the definition. */
  fromTemplate?(template: T): T;
  /** As in the definition. */
  sharesParts?: true;
  prepareForCreate?(object: T): void;
  /** Texts for Warning headers about what `prepareForCreate` did, sent even if the object turns out to be invalid. */
  preparationWarnings?(object: T): string[];
  prepareForUpdate?(object: T, old: T): void;
  /** Checks at creation and at every update. */
  validate?(object: T): FieldError[];
  /** Further checks of a new object. */
  validateCreate?(object: T): FieldError[];
  /** Checks at an update. `validate` runs as well, in the order of `onUpdate`. */
  validateUpdate?(object: T, old: T): FieldError[];
  /** Checks at an update of /status. */
  validateStatus?(object: T, old: T): FieldError[];
  /** Brings a valid object into the form in which it is stored. */
  canonicalize?(object: T): void;
  /** Texts for Warning headers; `old` is absent at creation. */
  warnings?(object: T, old?: T): string[];
  defaultPropagation?: KindDefinition["defaultPropagation"];
  orphanWarning?: string;
  rawFields?: readonly string[];
  undeletable?: KindDefinition["undeletable"];
  graceSeconds?(object: T): number | undefined;
  storedAs?: KindDefinition["storedAs"];
  ttlSeconds?: number;
}
