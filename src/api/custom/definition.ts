/** A CustomResourceDefinition's version as a kind: it takes the same path as the built-in ones. */
import {
  compareKubeVersions,
  deepEqual,
  findJsonPath,
  invalid,
  isObject,
  StatusError,
} from "../../machinery/index.ts";
import { conform } from "../conform.ts";
import { kindsOf } from "../define.ts";
import type {
  FieldError,
  KindDefinition,
  Nulls,
  ScaleSubresource,
  Strategy,
  VersionConversion,
} from "../definition.ts";
import type { Conformance } from "../schema.ts";
import type { KubeObject } from "../meta.ts";
import { validateAnyMetaUpdate } from "../metadata.ts";
import type {
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from "../generated/types.ts";
import { columnsOf } from "./columns.ts";
import { Correlated } from "./correlated.ts";
import { embeddedProblems } from "./embedded.ts";
import { finalizerWarnings } from "./finalizer-warnings.ts";
import { applyDefaults, hasDefaults, isComplete, prune } from "./prune.ts";
import { isEmbedded, memberOf, type SchemaProps } from "./schema-props.ts";
import { type Rules, rulesOf } from "./rules/rules.ts";
import { typeOfSchema } from "./type-of-schema.ts";
import { scaleProblems } from "./scale-rules.ts";
import { listProblems } from "./list-types.ts";
import { validateAt, validateSchema } from "./validate.ts";

const anything: SchemaProps = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const metaType = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

const schemaOfVersion = (version: CustomResourceDefinitionVersion): SchemaProps =>
  (version.schema?.openAPIV3Schema as SchemaProps | undefined) ?? anything;

/** Of every version; none of a definition that is not valid yet. */
export const schemasOf = (spec: CustomResourceDefinitionSpec | undefined): SchemaProps[] =>
  Array.isArray(spec?.versions) ? spec.versions.map(schemaOfVersion) : [];

/** `com.example.stable.v1.CronTab`: how OpenAPI names the type. */
const definitionName = (group: string, version: string, kind: string): string =>
  `${group.split(".").reverse().join(".")}.${version}.${kind}`;

/** Every served version of the definition. */
export function customKinds(spec: CustomResourceDefinitionSpec, served = true): KindDefinition[] {
  const common: Common = {
    conversion: conversionOf(spec),
    storage: spec.versions.find((each) => each.storage),
    best: bestOf(spec),
  };
  return spec.versions
    .filter((each) => each.served === served)
    .map((version) => customKind(spec, version, common));
}

/** What all versions share; making it for each would take time and memory by the square of their number. */
interface Common {
  conversion: VersionConversion;
  storage: CustomResourceDefinitionVersion | undefined;
  best: string | undefined;
}

function customKind(
  spec: CustomResourceDefinitionSpec,
  version: CustomResourceDefinitionVersion,
  common: Common,
): KindDefinition {
  const { names, group } = spec;
  const { conversion } = common;
  const schema = schemaOfVersion(version);
  const scale = version.subresources?.scale;
  const base = baseKind(spec, version);
  const name = definitionName(group, version.name, names.kind);
  const warning = version.deprecated
    ? (version.deprecationWarning ?? deprecation(spec, version.name, common.best))
    : undefined;
  const defaults = (object: KubeObject): void => {
    if (!applyDefaults(schema, object))
      throw new StatusError("", "etcdserver: request is too large", { code: 500 });
  };
  const held: Held = {
    kind: names.kind,
    namespaced: base.namespaced,
    schema,
    rules: rulesOf(schema),
    hasStatus: base.status !== undefined,
    scale,
  };
  return {
    ...base,
    schema: undefined,
    type: typeOfSchema(name, schema),
    openApi: { name, schema },
    columns: columnsOf(version),
    ...(hasDefaults(schema) ? { defaults } : {}),
    ...(warning === undefined ? {} : { deprecationWarning: warning }),
    conform: (object, nulls) => conformCustom(schema, names.kind, object, nulls),
    strategy: strategyOf(base.strategy, held),
    ...(base.status ? { status: statusOf(base.status, held) } : {}),
    storedAs: storageOf(spec, version, common),
    conversion,
  };
}

/** The kind as far as it is like built-in ones. */
function baseKind(
  { names, group, scope }: CustomResourceDefinitionSpec,
  version: CustomResourceDefinitionVersion,
): KindDefinition {
  const scale = version.subresources?.scale;
  const selectable = version.selectableFields ?? [];
  return kindsOf(
    group,
    version.name,
    "",
  )<KubeObject>({
    kind: names.kind,
    plural: names.plural,
    verbs: ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
    singular: names.singular || names.kind.toLowerCase(),
    listKind: names.listKind || `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === "Namespaced",
    metaRules: { finalizers: "any" },
    onUpdate: ["metadataChange"],
    onStatus: ["metadataChange"],
    status: version.subresources?.status !== undefined,
    statusKeepsMetadata: true,
    ...(scale ? { scale: scaleOf(scale) } : {}),
    ...(selectable.length > 0
      ? {
          selectableFields: Object.fromEntries(
            selectable.map(({ jsonPath }) => [withoutDot(jsonPath), (object) => fieldText(object, jsonPath)]),
          ),
        }
      : {}),
  });
}

const withoutDot = (path: string): string => path.replace(/^\./, "");

const scaleOf = (scale: CustomResourceSubresourceScale): ScaleSubresource => ({
  specReplicasPath: withoutDot(scale.specReplicasPath),
  statusReplicasPath: withoutDot(scale.statusReplicasPath),
  selectorPath: withoutDot(scale.labelSelectorPath ?? ""),
});

/** Objects are stored in the storage version, whichever version they came in. */
function storageOf(
  { names, group }: CustomResourceDefinitionSpec,
  version: CustomResourceDefinitionVersion,
  { conversion, storage = version }: Common,
): KindDefinition["storedAs"] & object {
  const apiVersion = `${group}/${version.name}`;
  return {
    group,
    version: storage.name,
    kind: names.kind,
    plural: names.plural,
    toStored: () => {},
    fromStored(object) {
      conversion.read(object);
      if (object.apiVersion === apiVersion) return;
      object.apiVersion = apiVersion;
      conversion.converted(object);
    },
  };
}

/** The newest version that is served and not deprecated. */
const bestOf = ({ versions }: CustomResourceDefinitionSpec): string | undefined =>
  versions
    .filter((each) => each.served && !each.deprecated)
    .map(({ name }) => name)
    .sort(compareKubeVersions)[0];

/** Names the version that is better used, if that is newer. */
function deprecation(
  { group, names }: CustomResourceDefinitionSpec,
  old: string,
  best: string | undefined,
): string {
  const better = best !== undefined && compareKubeVersions(best, old) < 0;
  const instead = better ? `; use ${group}/${best} ${names.kind}` : "";
  return `${group}/${old} ${names.kind} is deprecated${instead}`;
}

function conversionOf({ group, versions }: CustomResourceDefinitionSpec): VersionConversion {
  const schemas = new Map(
    versions.map((each) => {
      const schema = schemaOfVersion(each);
      return [`${group}/${each.name}`, { schema, defaults: hasDefaults(schema) }];
    }),
  );
  const known = (apiVersion: string): { schema: SchemaProps; defaults: boolean } => {
    const found = schemas.get(apiVersion);
    if (found) return found;
    const why = `request to convert CR from an invalid group/version: ${apiVersion}`;
    throw new StatusError("", why, { code: 500 });
  };
  return {
    read(object) {
      const { schema } = known(object.apiVersion ?? "");
      prune(schema, object, true);
      applyNulls(schema, object);
      applyDefaults(schema, object);
    },
    isRead(current, apiVersion, object) {
      const { schema, defaults } = known(apiVersion);
      return (current && !defaults) || isComplete(schema, object(), true);
    },
    converted(object) {
      const { schema } = known(object.apiVersion ?? "");
      return prune(schema, object, true);
    },
  };
}

/** Of an object that says it is of another kind only metadata is looked at. */
function conformCustom(
  whole: SchemaProps,
  kind: string,
  object: KubeObject,
  nulls: Nulls = "dropped",
): Conformance {
  const schema = object.kind === kind ? whole : anything;
  if (nulls === "dropped") applyNulls(schema, object);
  const unknown: string[] = [];
  const problem = metadataProblems(schema, object, "", true, unknown);
  if (problem) return { unknown, problem };
  // The schema's part is in alphabetical order; metadata of the object comes before, that of objects in it behind.
  const own = unknown.filter((path) => path.startsWith("metadata."));
  const inner = unknown.filter((path) => !path.startsWith("metadata."));
  return { unknown: [...own, ...prune(schema, object, true).sort(), ...inner] };
}

/** Nulls that may not be and have no default are as good as absent, be they members or entries of a map. */
function applyNulls(schema: SchemaProps, value: unknown): void {
  if (Array.isArray(value)) {
    if (schema.items) for (const each of value) applyNulls(schema.items, each);
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    const inner = memberOf(schema, name);
    if (!inner) continue;
    const filled = inner.default !== undefined && !schema.properties?.[name];
    if (value[name] === null && !inner.nullable && !filled) delete value[name];
    else applyNulls(inner, value[name]);
  }
}

/** Metadata, of the object and of objects in it, is typed: unknown members go, wrong types are a mistake. */
function metadataProblems(
  schema: SchemaProps,
  value: unknown,
  path: string,
  root: boolean,
  unknown: string[],
): string | undefined {
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) {
      const problem = schema.items && metadataProblems(schema.items, each, `${path}[${i}]`, false, unknown);
      if (problem) return problem;
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  if (root || isEmbedded(schema)) {
    const { metadata } = value;
    const found =
      metadata === undefined || metadata === null
        ? undefined
        : isObject(metadata)
          ? conform(metaType, metadata)
          : {
              unknown: [],
              problem: `json: cannot unmarshal ${goType(metadata)} into Go value of type v1.ObjectMeta`,
            };
    if (!root) {
      for (const name of ["apiVersion", "kind"])
        if ((value[name] ?? null) !== null && typeof value[name] !== "string")
          return `${at(name)}: ${invalid("", value[name], "must be a string").message}`;
      if (found?.problem) return `${at("metadata")}: ${invalid("", metadata, found.problem).message}`;
    }
    if (found?.problem) return found.problem;
    unknown.push(...(found?.unknown ?? []).map((each) => at(`metadata.${each}`)));
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (value[name] === undefined) continue;
    const problem = metadataProblems(inner, value[name], at(name), false, unknown);
    if (problem) return problem;
  }
  return undefined;
}

const goType = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;

/** What a version's objects are held to. */
interface Held {
  kind: string;
  namespaced: boolean;
  schema: SchemaProps;
  rules: Rules;
  hasStatus: boolean;
  scale: CustomResourceSubresourceScale | undefined;
}

/** Of an object that says it is of another kind nothing else is looked at but what stands in no schema, and rules. */
const wrongKind = (kind: string, object: KubeObject): FieldError[] | undefined =>
  object.kind === kind ? undefined : [invalid("kind", object.kind, `must be ${kind}`)];

/** Of a changed one also what every object's metadata is held to. */
function stranger({ kind, namespaced }: Held, object: KubeObject, old: KubeObject): FieldError[] | undefined {
  const wrong = wrongKind(kind, object);
  return wrong && [...validateAnyMetaUpdate(object.metadata, old.metadata, namespaced), ...wrong];
}

function strategyOf(base: Strategy, held: Held): Strategy {
  const { kind, schema, rules, hasStatus, scale } = held;
  return {
    ...base,
    prepareForCreate(object) {
      base.prepareForCreate?.(object);
      if (hasStatus) delete (object as { status?: unknown }).status;
      if (object.metadata) object.metadata.generation = 1;
    },
    prepareForUpdate(object, old) {
      base.prepareForUpdate?.(object, old);
      countGeneration(object, old, hasStatus);
    },
    validate(object) {
      const errors = [
        ...(wrongKind(kind, object) ?? [
          ...(base.validate?.(object) ?? []),
          ...validateSchema(schema, object, "", true),
          ...scaleProblems(scale, object, "spec"),
          ...scaleProblems(scale, object, "status"),
        ]),
        ...embeddedProblems(schema, object, ""),
        ...listProblems(schema, object, ""),
      ];
      return [...errors, ...rules.problems(object, undefined, errors)];
    },
    validateUpdate(object, old) {
      const errors = [
        ...(stranger(held, object, old) ?? [
          ...(base.validateUpdate?.(object, old) ?? []),
          ...validateSchema(schema, object, "", true, new Correlated(schema, object, old)),
          ...scaleProblems(scale, object, "spec"),
          ...scaleProblems(scale, object, "status"),
        ]),
        ...embeddedProblems(schema, object, ""),
        ...newInLists(schema, object, old),
      ];
      return [...errors, ...rules.problems(object, old, errors)];
    },
    warnings: (object, old) => [...finalizerWarnings(object, old), ...rules.warnings(object, old)],
  };
}

function statusOf(base: Strategy, held: Held): Strategy {
  const { schema, rules, scale } = held;
  const inner = memberOf(schema, "status");
  const mistakes = (object: KubeObject, old: KubeObject): FieldError[] => {
    const { status } = object as { status?: unknown };
    if (!inner || status === undefined) return [];
    return validateAt(inner, status, "status", new Correlated(schema, object, old).member("status"));
  };
  return {
    ...base,
    validateUpdate(object, old) {
      const errors = [
        ...(stranger(held, object, old) ?? [
          ...(base.validateUpdate?.(object, old) ?? []),
          ...mistakes(object, old),
          ...scaleProblems(scale, object, "status"),
        ]),
        ...newInLists(schema, object, old),
      ];
      return [...errors, ...rules.problems(object, old, errors)];
    },
    warnings: (object, old) => rules.warnings(object, old),
  };
}

/** Everything but metadata counts, and but status where status has its own endpoint. */
function countGeneration(object: KubeObject, old: KubeObject, hasStatus: boolean): void {
  if (!object.metadata) return;
  const rest = (each: KubeObject): object => {
    const { metadata: _m, apiVersion: _a, kind: _k, ...others } = each as KubeObject & { status?: unknown };
    if (hasStatus) delete others.status;
    return others;
  };
  const before = old.metadata?.generation ?? 1;
  object.metadata.generation = deepEqual(rest(object), rest(old)) ? before : before + 1;
}

/** Where something stood more than once already, it may. */
function newInLists(schema: SchemaProps, object: KubeObject, old: KubeObject): FieldError[] {
  const errors = listProblems(schema, object, "");
  return errors.length > 0 && listProblems(schema, old, "").length > 0 ? [] : errors;
}

const fieldText = (object: KubeObject, jsonPath: string): string => {
  const [value] = findJsonPath(jsonPath, object);
  return value === undefined || value === null ? "" : String(value);
};
