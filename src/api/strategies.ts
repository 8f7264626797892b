/** Makes the strategies of a kind, for the main resource and for /status, from its source. */
import {
  deepEqual,
  emptiedMembers,
  forgetEmptied,
  holdsEmptied,
  isDns1123Subdomain,
  sameRaw,
} from "../machinery/index.ts";
import type { FieldError, Strategy } from "./definition.ts";
import type { KindSource, UpdateCheck } from "./kind-source.ts";
import type { KubeObject } from "./meta.ts";
import {
  type MetaRules,
  validateAnyMeta,
  validateAnyMetaUpdate,
  validateMeta,
  validateMetaUpdate,
} from "./metadata.ts";

/** An object with members accessible by name. */
interface Loose extends KubeObject {
  status?: unknown;
  [member: string]: unknown;
}

const notSpec = new Set(["apiVersion", "kind", "metadata", "status"]);

/** True when anything but metadata and status differs. */
export function specChanged(object: KubeObject, old: KubeObject): boolean {
  const left = object as Loose;
  const right = old as Loose;
  for (const name in left) if (!notSpec.has(name) && !deepEqual(left[name], right[name])) return true;
  for (const name in right)
    if (!notSpec.has(name) && !(name in left) && right[name] !== undefined) return true;
  return false;
}

/**
 * For kinds where Kubernetes counts an empty list as a change from an absent one: stored objects have no empty lists, so each
 * empty list in a request is a change.
 */
export const emptyListsChange = {
  changesGeneration: (object: KubeObject, old: KubeObject): boolean =>
    specChanged(object, old) ||
    emptiedMembers(object).some((name) => !notSpec.has(name)) ||
    Object.entries(object).some(([name, value]) => !notSpec.has(name) && holdsEmptied(value)),
  generationFirst: true,
  prepareForCreate: forgetEmptied,
  prepareForUpdate: forgetEmptied,
} as const;

/** For kinds with raw fields: a different text counts as a different spec. */
const specOrTextChanged = (rawFields: readonly string[] | undefined): typeof specChanged =>
  rawFields ? (object, old) => specChanged(object, old) || !sameRaw(rawFields, object, old) : specChanged;

/** A source with what its strategies need repeatedly. */
interface Context {
  source: KindSource<KubeObject>;
  namespaced: boolean;
  hasStatus: boolean;
  checks: Record<UpdateCheck, (object: KubeObject, old: KubeObject) => readonly FieldError[]>;
}

/**
 * The strategies are complete: call prepareForCreate and validate at creation, prepareForUpdate and validateUpdate (which
 * includes the checks of validate) at an update. `status` is undefined without /status.
 */
export function strategiesOf(source: KindSource<KubeObject>): { main: Strategy; status?: Strategy } {
  const namespaced = source.namespaced ?? true;
  const hasStatus = source.status !== undefined && source.status !== false;
  const context = { source, namespaced, hasStatus, checks: checksOf(source, namespaced) };
  const main = mainStrategy(context);
  return hasStatus ? { main, status: statusStrategy(context) } : { main };
}

function checksOf(source: KindSource<KubeObject>, namespaced: boolean): Context["checks"] {
  const rulesFor = (object: KubeObject): MetaRules => ({
    namespaced,
    nameRule: source.name ? (name) => source.name?.(name, object) ?? [] : isDns1123Subdomain,
    ...source.metaRules,
  });
  return {
    metadata: (object) => validateMeta(object.metadata, rulesFor(object)),
    metadataChange: (object, old) =>
      validateMetaUpdate(object.metadata, old.metadata, source.metaRules?.finalizers),
    object: (object) => source.validate?.(object) ?? [],
    change: (object, old) => source.validateUpdate?.(object, old) ?? [],
  };
}

const onCreate = ["metadata", "object"] as const;
const onUpdate = ["metadataChange", "object", "change"] as const;
const onStatus = ["metadataChange", "change"] as const;

function mainStrategy({ source, namespaced, hasStatus, checks }: Context): Strategy {
  const withGeneration = source.generation ?? false;
  const changes = source.changesGeneration ?? specOrTextChanged(source.rawFields);
  const { preparationWarnings, canonicalize, warnings } = source;
  return {
    prepareForCreate(object) {
      if (hasStatus && !source.statusAtCreation) (object as Loose).status = { ...source.emptyStatus };
      if (object.metadata) {
        if (!namespaced) delete object.metadata.namespace;
        // Kinds without a generation keep the one in the request, as in kube-apiserver.
        if (withGeneration === true) object.metadata.generation = 1;
      }
      source.prepareForCreate?.(object);
    },
    prepareForUpdate(object, old) {
      if (hasStatus) keepStatus(object, old);
      const changed = withGeneration && source.generationFirst && changes(object, old);
      source.prepareForUpdate?.(object, old);
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
      if (source.validateCreate) errors.push(...source.validateCreate(object));
      return errors.length > 0 ? errors : validateAnyMeta(object.metadata, namespaced);
    },
    validateUpdate(object, old) {
      const errors = validateAnyMetaUpdate(object.metadata, old.metadata, namespaced);
      for (const check of source.onUpdate ?? onUpdate) errors.push(...checks[check](object, old));
      return errors;
    },
    ...(preparationWarnings ? { preparationWarnings } : {}),
    ...(canonicalize ? { canonicalize } : {}),
    ...(warnings ? { warnings } : {}),
  };
}

function statusStrategy({ source, namespaced, checks }: Context): Strategy {
  const own = typeof source.status === "object" ? source.status : undefined;
  return {
    prepareForUpdate(object, old, now) {
      keepAllButStatus(object, old);
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
        if (source.validateStatus) errors.push(...source.validateStatus(object, old));
        if (own?.validateUpdate) errors.push(...own.validateUpdate(object, old));
      }
      return errors;
    },
  };
}

function keepStatus(object: KubeObject, old: KubeObject): void {
  const to = object as Loose;
  const { status } = old as Loose;
  if (status === undefined) delete to.status;
  else to.status = status;
}

/** Keeps the old spec and generation. */
function keepAllButStatus(object: KubeObject, old: KubeObject): void {
  const to = object as Loose;
  const from = old as Loose;
  for (const name of Object.keys(to)) if (!notSpec.has(name) && !(name in from)) delete to[name];
  for (const name of Object.keys(from)) if (!notSpec.has(name)) to[name] = from[name];
  if (to.metadata && from.metadata) {
    to.metadata.generation = from.metadata.generation;
    if (to.metadata.generation === undefined) delete to.metadata.generation;
  }
}

const keptMetadata = ["labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp"] as const;

function keepMetadata(object: KubeObject, old: KubeObject): void {
  const to = object.metadata as Record<string, unknown> | undefined;
  if (!to) return;
  for (const name of keptMetadata) {
    const value = old.metadata?.[name];
    if (value === undefined) delete to[name];
    else to[name] = value;
  }
}
