/** ValidatingAdmissionPolicies with their bindings, compiled once for each generation of a policy. */
import type {
  MatchResources,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from "../../../api/index.ts";
import { compileVariables } from "../../../api/index.ts";
import type { CelProgram } from "../../../machinery/index.ts";
import type { ObjectCaches } from "../../cache/objects.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ServedResource } from "../../registry/resource.ts";
import type { AdmissionRequest } from "../chain.ts";
import { matchedVersion, namespaceSelected, objectSelected } from "../matching/rules.ts";
import { type Condition, conditionsOf, engine, type Expression, expressionOf } from "./expressions.ts";

const group = "admissionregistration.k8s.io";
const plurals = ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] as const;

export interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

export interface Policy {
  readonly policy: ValidatingAdmissionPolicy;
  readonly bindings: readonly ValidatingAdmissionPolicyBinding[];
  /** Compiled at the first request that the policy is about. */
  compiled(): Compiled;
}

interface Compiled {
  readonly variables: ReadonlyMap<string, CelProgram>;
  readonly conditions: readonly Condition[];
  readonly validations: readonly CompiledValidation[];
}

export class Policies {
  readonly #caches: ObjectCaches;
  #known: readonly Policy[] | undefined;

  constructor(caches: ObjectCaches) {
    this.#caches = caches;
    for (const plural of plurals)
      caches.onChange(group, plural, () => {
        this.#known = undefined;
      });
  }

  /** Those that are bound to anything, in the order of their names. */
  all(): readonly Policy[] {
    this.#known ??= this.#read();
    return this.#known;
  }

  #read(): readonly Policy[] {
    if (plurals.some((plural) => this.#caches.of(group, plural).size === 0)) return [];
    const bindings = this.#caches.list<ValidatingAdmissionPolicyBinding>(group, plurals[1]);
    return this.#caches.list<ValidatingAdmissionPolicy>(group, plurals[0]).flatMap((policy) => {
      const own = bindings.filter(({ spec }) => spec.policyName === policy.metadata?.name);
      if (own.length === 0) return [];
      let made: Compiled | undefined;
      return [{ policy, bindings: own, compiled: () => (made ??= compile(policy)) }];
    });
  }
}

function compile({ spec = {} }: ValidatingAdmissionPolicy): Compiled {
  const { variables = [], validations = [], matchConditions = [] } = spec;
  const params = spec.paramKind !== undefined;
  const composed = compileVariables(engine(), variables, params);
  const scope = { params, ...(variables.length > 0 ? { variables: composed.types } : {}) };
  return {
    variables: composed.programs,
    conditions: conditionsOf(matchConditions, scope),
    validations: validations.map((validation) => ({
      validation,
      expression: expressionOf(validation.expression, scope, "bool"),
      message: validation.messageExpression
        ? expressionOf(validation.messageExpression, scope, "string")
        : undefined,
    })),
  };
}

/** The version in which the request is matched; undefined when it is not. No rules match everything (of a binding). */
export function matched(
  match: MatchResources | undefined,
  request: AdmissionRequest,
  registry: Registry,
  caches: ObjectCaches,
): ServedResource | undefined {
  if (!match) return request.resource;
  if (!namespaceSelected(match.namespaceSelector, request, caches)) return undefined;
  if (!objectSelected(match.objectSelector, request)) return undefined;
  const named = (rules: MatchResources["resourceRules"]) =>
    (rules ?? []).filter(
      ({ resourceNames = [] }) => resourceNames.length === 0 || resourceNames.includes(request.name),
    );
  const excluded = named(match.excludeResourceRules);
  if (excluded.length > 0 && matchedVersion(excluded, match.matchPolicy, request, registry)) return undefined;
  if ((match.resourceRules ?? []).length === 0) return request.resource;
  return matchedVersion(named(match.resourceRules), match.matchPolicy, request, registry);
}
