/** What expressions of a ValidatingAdmissionPolicy get wrong about the kinds that it matches (status.typeChecking). */
import type { Cel, CelType } from "../machinery/index.ts";
import type { SchemaProps } from "./custom/schema-props.ts";
import type {
  CustomResourceDefinition,
  ExpressionWarning,
  ValidatingAdmissionPolicy,
} from "./generated/types.ts";
import { findKindByName, kinds } from "./kinds.ts";
import { typeOfCustom, typeOfSchema } from "./kind-types.ts";
import { expressionMistake } from "./policy-expressions.ts";
import { typeOfKind } from "./schema.ts";

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** No more kinds are looked at for one policy. */
const maxKinds = 10;

/** In the order of the expressions; `stamp` makes names of types unlike all others. */
export function expressionWarnings(
  cel: Cel,
  policy: ValidatingAdmissionPolicy,
  definitions: readonly CustomResourceDefinition[],
  stamp: string,
): ExpressionWarning[] {
  const { validations = [], variables = [], paramKind } = policy.spec ?? {};
  const typed = (kind: Kind): CelType | undefined =>
    typeOfKindNamed(cel, kind, definitions, `${kind.kind}${stamp}`);
  const subjects = kindsOf(policy, definitions).flatMap((kind) => {
    const object = typed(kind);
    return object ? [{ kind, object }] : [];
  });
  const params = paramKind && (typed(parsed(paramKind.apiVersion, paramKind.kind)) ?? cel.celTypes.dyn);
  const warnings: ExpressionWarning[] = [];
  const check = (expression: string | undefined, fieldRef: string): void => {
    if (!expression) return;
    const found = subjects.flatMap(({ kind, object }) => {
      const mistake = expressionMistake(cel, expression, variables, {
        object,
        ...(params ? { params } : {}),
      });
      return mistake === undefined ? [] : [`${kindText(kind)}: ${mistake}\n`];
    });
    if (found.length > 0) warnings.push({ fieldRef, warning: found.join("\n") });
  };
  for (const [i, { expression, messageExpression }] of validations.entries()) {
    check(expression, `spec.validations[${i}].expression`);
    check(messageExpression, `spec.validations[${i}].messageExpression`);
  }
  return warnings;
}

const kindText = ({ group, version, kind }: Kind): string => `${group}/${version}, Kind=${kind}`;

function parsed(apiVersion = "", kind = ""): Kind {
  const [first = "", second] = apiVersion.split("/");
  return second === undefined ? { group: "", version: first, kind } : { group: first, version: second, kind };
}

const servedBy = (definitions: readonly CustomResourceDefinition[], group: string, version: string) =>
  definitions.flatMap(({ spec }) => {
    const served =
      spec.group === group ? spec.versions.find((each) => each.name === version && each.served) : undefined;
    return served ? [{ names: spec.names, schema: served.schema?.openAPIV3Schema }] : [];
  });

function typeOfKindNamed(
  cel: Cel,
  { group, version, kind }: Kind,
  definitions: readonly CustomResourceDefinition[],
  name: string,
): CelType | undefined {
  const known = findKindByName(group, version, kind);
  const type = known && typeOfKind(known);
  if (type) return typeOfSchema(cel, type, name);
  const custom = servedBy(definitions, group, version).find(({ names }) => names.kind === kind);
  return custom?.schema && typeOfCustom(cel, custom.schema as SchemaProps, name);
}

const wild = (names: readonly string[]): boolean => names.some((name) => name.includes("*"));

/** The kinds that the rules name, without those that are named by a star. */
function kindsOf(
  policy: ValidatingAdmissionPolicy,
  definitions: readonly CustomResourceDefinition[],
): Kind[] {
  const found = new Map<string, Kind>();
  const sorted = (names: readonly string[] = []): string[] => [...names].sort();
  rules: for (const rule of policy.spec?.matchConstraints?.resourceRules ?? []) {
    const { apiGroups = [], apiVersions = [], resources = [] } = rule;
    if (wild(apiGroups) || wild(apiVersions)) continue;
    let count = 0;
    for (const group of sorted(apiGroups))
      for (const version of sorted(apiVersions))
        for (const resource of sorted(resources).filter((name) => !/[*/]/.test(name))) {
          const kind = kindOf(group, version, resource, definitions);
          if (kind === undefined) continue;
          found.set(kindText({ group, version, kind }), { group, version, kind });
          if (++count === maxKinds) break rules;
        }
  }
  return [...found.values()].sort(
    (a, b) => order(a.group, b.group) || order(a.version, b.version) || order(a.kind, b.kind),
  );
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function kindOf(
  group: string,
  version: string,
  resource: string,
  definitions: readonly CustomResourceDefinition[],
): string | undefined {
  const known = kinds.find(
    (each) => each.group === group && each.version === version && each.plural === resource,
  );
  if (known) return known.kind;
  return servedBy(definitions, group, version).find(
    ({ names }) => names.plural === resource || names.singular === resource,
  )?.names.kind;
}
