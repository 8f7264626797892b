/** The strategies of custom resources: generation, validation and warnings by schema and rules. */
import { deepEqual, invalid } from "../../machinery/index.ts";
import type { FieldError, Strategy } from "../definition.ts";
import type { CustomResourceSubresourceScale } from "../generated/types.ts";
import type { KubeObject } from "../meta.ts";
import { validateAnyMetaUpdate } from "../metadata.ts";
import { Correlated } from "./correlated.ts";
import { asDecoded } from "./decoded.ts";
import { embeddedProblems } from "./embedded.ts";
import { finalizerWarnings } from "./finalizer-warnings.ts";
import { listProblems } from "./list-types.ts";
import type { Rules } from "./rules/rules.ts";
import { scaleProblems } from "./scale-rules.ts";
import { memberOf, type SchemaProps } from "./schema-props.ts";
import { validateAt, validateSchema } from "./validate.ts";

/** What the objects of a version are validated by. */
export interface CustomRules {
  kind: string;
  namespaced: boolean;
  schema: SchemaProps;
  rules: Rules;
  hasStatus: boolean;
  scale: CustomResourceSubresourceScale | undefined;
}

/** The mistake of an object of another kind. Its schema is not checked then. */
const wrongKind = (kind: string, object: KubeObject): FieldError[] | undefined =>
  object.kind === kind ? undefined : [invalid("kind", object.kind, `must be ${kind}`)];

/** Likewise at an update, with the rules of metadata for updates. */
function wrongKindUpdate(
  { kind, namespaced }: CustomRules,
  object: KubeObject,
  old: KubeObject,
): FieldError[] | undefined {
  const wrong = wrongKind(kind, object);
  return wrong && [...validateAnyMetaUpdate(object.metadata, old.metadata, namespaced), ...wrong];
}

export function strategyOf(base: Strategy, custom: CustomRules): Strategy {
  const { kind, schema, rules, hasStatus, scale } = custom;
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
      const seen = asDecoded(object);
      const errors = [
        ...(wrongKind(kind, object) ?? [
          ...(base.validate?.(object) ?? []),
          ...validateSchema(schema, seen, "", true),
          ...scaleProblems(scale, seen, "spec"),
          ...scaleProblems(scale, seen, "status"),
        ]),
        ...embeddedProblems(schema, object, ""),
        ...listProblems(schema, seen, ""),
      ];
      return [...errors, ...rules.problems(seen, undefined, errors)];
    },
    validateUpdate(object, old) {
      const [seen, before] = [asDecoded(object), asDecoded(old)];
      const errors = [
        ...(wrongKindUpdate(custom, object, old) ?? [
          ...(base.validateUpdate?.(object, old) ?? []),
          ...validateSchema(schema, seen, "", true, new Correlated(schema, seen, before)),
          ...scaleProblems(scale, seen, "spec"),
          ...scaleProblems(scale, seen, "status"),
        ]),
        ...embeddedProblems(schema, object, ""),
        ...newInLists(schema, seen, before),
      ];
      return [...errors, ...rules.problems(seen, before, errors)];
    },
    warnings: (object, old) => [
      ...finalizerWarnings(object, old),
      ...rules.warnings(asDecoded(object), asDecoded(old)),
    ],
  };
}

export function statusStrategyOf(base: Strategy, custom: CustomRules): Strategy {
  const { schema, rules, scale } = custom;
  const inner = memberOf(schema, "status");
  const mistakes = (object: KubeObject, old: KubeObject): FieldError[] => {
    const { status } = object as { status?: unknown };
    if (!inner || status === undefined) return [];
    return validateAt(inner, status, "status", new Correlated(schema, object, old).member("status"));
  };
  return {
    ...base,
    validateUpdate(object, old) {
      const [seen, before] = [asDecoded(object), asDecoded(old)];
      const errors = [
        ...(wrongKindUpdate(custom, object, old) ?? [
          ...(base.validateUpdate?.(object, old) ?? []),
          ...mistakes(seen, before),
          ...scaleProblems(scale, seen, "status"),
        ]),
        ...newInLists(schema, seen, before),
      ];
      return [...errors, ...rules.problems(seen, before, errors)];
    },
    warnings: (object, old) => rules.warnings(asDecoded(object), asDecoded(old)),
  };
}

/** Raises the generation when anything but metadata changed, and but status if that is a subresource. */
function countGeneration(object: KubeObject, old: KubeObject, hasStatus: boolean): void {
  if (!object.metadata) return;
  const rest = (each: KubeObject): object => {
    const { metadata: _m, apiVersion: _a, kind: _k, ...others } = each as KubeObject & { status?: unknown };
    if (hasStatus) delete others.status;
    return others;
  };
  const before = old.metadata?.generation ?? 1;
  const same = deepEqual(asDecoded(rest(object)), asDecoded(rest(old)));
  object.metadata.generation = same ? before : before + 1;
}

/** Duplicates in lists, unless the old object had some already. */
function newInLists(schema: SchemaProps, object: KubeObject, old: KubeObject): FieldError[] {
  const errors = listProblems(schema, object, "");
  return errors.length > 0 && listProblems(schema, old, "").length > 0 ? [] : errors;
}
