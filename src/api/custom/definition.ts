/** Turns the versions of a CustomResourceDefinition into kinds like the built-in ones. */
import { compareKubeVersions, findJsonPath, StatusError } from "../../machinery/index.ts";
import { kindsOf } from "../define.ts";
import type { KindDefinition, ScaleSubresource, VersionConversion } from "../definition.ts";
import type {
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
} from "../generated/types.ts";
import type { KubeObject } from "../meta.ts";
import { columnsOf } from "./columns.ts";
import { anything, applyNulls, conformCustom } from "./conform-custom.ts";
import { applyDefaults, hasDefaults, isComplete, prune } from "./prune.ts";
import { rulesOf } from "./rules/rules.ts";
import type { SchemaProps } from "./schema-props.ts";
import { type CustomRules, statusStrategyOf, strategyOf } from "./strategy.ts";
import { typeOfSchema } from "./type-of-schema.ts";

const schemaOfVersion = (version: CustomResourceDefinitionVersion): SchemaProps =>
  (version.schema?.openAPIV3Schema as SchemaProps | undefined) ?? anything;

/** The schemas of all versions; none for an invalid definition. */
export const schemasOf = (spec: CustomResourceDefinitionSpec | undefined): SchemaProps[] =>
  Array.isArray(spec?.versions) ? spec.versions.map(schemaOfVersion) : [];

/** `com.example.stable.v1.CronTab`: the type's name in OpenAPI. */
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

/** Shared by all versions, and computed once, since its size grows with their number. */
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
    // An object of another kind is rejected without defaulting.
    if (object.kind !== undefined && object.kind !== names.kind) return;
    if (!applyDefaults(schema, object))
      throw new StatusError("", "etcdserver: request is too large", { code: 500 });
  };
  const rules: CustomRules = {
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
    strategy: strategyOf(base.strategy, rules),
    ...(base.status ? { status: statusStrategyOf(base.status, rules) } : {}),
    storedAs: storageOf(spec, version, common),
    conversion,
  };
}

/** The parts that custom resources share with built-in kinds. */
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

/** Objects are stored in the storage version. */
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

/** The warning for a deprecated version, which names the best version if that is newer. */
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

const fieldText = (object: KubeObject, jsonPath: string): string => {
  const [value] = findJsonPath(jsonPath, object);
  return value === undefined || value === null ? "" : String(value);
};
