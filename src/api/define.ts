/** Builds a KindDefinition from the differences between kinds. */
import { roundAmounts } from "./amounts.ts";
import { defaultColumns, described } from "./columns.ts";
import { conform } from "./conform.ts";
import type { KindDefinition } from "./definition.ts";
import type { KindSource } from "./kind-source.ts";
import type { KubeObject } from "./meta.ts";
import type { Conformance } from "./schema.ts";
import { strategiesOf } from "./strategies.ts";

const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;

/** Fields that a definition takes from its source unchanged. */
const copied = [
  "named",
  "rawFields",
  "nameGenerated",
  "fromTemplate",
  "sharesParts",
  "statusKeepsMetadata",
  "scale",
  "subresources",
  "subresourceStrategies",
  "rowConditions",
  "rowOrder",
  "hiddenAnnotations",
  "selectableFields",
  "defaultPropagation",
  "orphanWarning",
  "undeletable",
  "graceSeconds",
  "storedAs",
  "ttlSeconds",
] as const satisfies readonly (keyof KindSource<KubeObject> & keyof KindDefinition)[];

function copiesOf(source: KindSource<KubeObject>): Pick<KindDefinition, (typeof copied)[number]> {
  return Object.fromEntries(
    copied.filter((name) => source[name] !== undefined).map((name) => [name, source[name]]),
  );
}

const conformWith =
  (schema: string, problem: (object: KubeObject) => string | undefined) =>
  (object: KubeObject): Conformance => {
    const found = conform(schema, object);
    const more = found.problem === undefined ? problem(object) : undefined;
    return more === undefined ? found : { ...found, problem: more };
  };

/** `packageName` is the OpenAPI prefix, e.g. `io.k8s.api.core.v1`. */
export function kindsOf(group: string, version: string, packageName: string) {
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return <T extends KubeObject>(typed: KindSource<T>): KindDefinition => {
    // The server passes only objects of the kind to its hooks.
    const source = typed as unknown as KindSource<KubeObject>;
    const { kind, plural } = source;
    const schema = `${packageName}.${source.schema ?? kind}`;
    const { main, status } = strategiesOf(source);
    return {
      group,
      version,
      kind,
      listKind: source.listKind ?? `${kind}List`,
      plural,
      singular: source.singular ?? kind.toLowerCase(),
      shortNames: source.shortNames ?? [],
      categories: source.categories ?? [],
      namespaced: source.namespaced ?? true,
      schema,
      verbs: source.verbs ?? allVerbs,
      defaults(object, clock, same) {
        roundAmounts(schema, object, same);
        source.defaults?.(object, clock, same);
      },
      strategy: main,
      ...(status ? { status } : {}),
      ...(source.problem ? { conform: conformWith(schema, source.problem) } : {}),
      ...copiesOf(source),
      columns: described(source.columns ?? defaultColumns, `${groupVersion}/${plural}`),
    };
  };
}
