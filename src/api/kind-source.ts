/** What a kind's file says of it: only what differs between kinds. */
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
  /** Why an object cannot be read although its fields have the right types, in the words of Go's decoder; undefined: it can. */
  problem?(object: KubeObject): string | undefined;
  /** Rule for metadata.name; DNS subdomain by default. */
  name?(value: string, object: T): readonly string[];
  /** How metadata.finalizers and generateName are checked, where it differs from most kinds. */
  metaRules?: Pick<MetaRules, "finalizers" | "generated">;
  /** True: an object without a name gets a UUID for one. */
  named?: true;
  /** False: nothing is put behind generateName, which is the name as it is. */
  nameGenerated?: false;
  /** Which checks run at creation, before those every object is held to; metadata and the object's own by default. */
  onCreate?: readonly CreateCheck[];
  /** Which checks run at a change, after those every object is held to; `metadataChange`, `object`, `change` by default. */
  onUpdate?: readonly UpdateCheck[];
  /** Which checks run at a change of /status, after those every object is held to; `metadataChange` and `change` by default. */
  onStatus?: readonly StatusCheck[];
  /** True: metadata.generation counts changes of everything but metadata and status. `changes`: new objects have none, the first change makes it 1. */
  generation?: boolean | "changes";
  /** What raises the generation, where it is something else. */
  changesGeneration?(object: T, old: T): boolean;
  /** True: a change by the client raises the generation even if `prepareForUpdate` takes it back. */
  generationFirst?: true;
  /** Has /status, and status is kept apart on writes. Hooks add to what every such kind does. */
  status?: boolean | Strategy;
  /** /status leaves metadata as it is: labels, annotations, finalizers and owners are the main endpoint's. */
  statusKeepsMetadata?: true;
  /** True: a new object may say what its status is. */
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
  /** Checks that hold at creation and after every change. */
  validate?(object: T): FieldError[];
  /** Further checks of a new object. */
  validateCreate?(object: T): FieldError[];
  /** Checks of the change. `validate` runs as well, in the order that `onUpdate` says. */
  validateUpdate?(object: T, old: T): FieldError[];
  /** Checks of a change of /status. */
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
