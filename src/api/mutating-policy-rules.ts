/** Validation of MutatingAdmissionPolicies and their bindings. */
import { invalid, notSupported, required } from "../machinery/index.ts";
import { oneOf, validatePolicyBinding, validatePolicyHead, validateVariables } from "./admission-rules.ts";
import type { FieldError } from "./definition.ts";
import type {
  MatchResources,
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  Mutation,
} from "./generated/types.ts";
import { type ExpressionScope, expressionProblems, type Wanted } from "./policy-expressions.ts";

/** Deletions cannot be mutated. */
const operations = ["*", "CONNECT", "CREATE", "UPDATE"];

function validateOperations(match: MatchResources | undefined, path: string, errors: FieldError[]): void {
  for (const { operations: given = [] } of match?.resourceRules ?? [])
    for (const operation of given)
      if (!operations.includes(operation))
        errors.push(notSupported(`${path}.resourceRules.operations`, operation, operations));
}

export function validateMutatingPolicy(policy: MutatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = [];
  validatePolicyHead(policy, errors, () =>
    validateOperations(policy.spec?.matchConstraints, "spec.matchConstraints", errors),
  );
  const { mutations = [], reinvocationPolicy, variables = [], paramKind } = policy.spec ?? {};
  const params = paramKind !== undefined;
  const types = validateVariables(variables, params, errors);
  const scope: ExpressionScope = { params, variables: types ?? new Map(), patches: true };
  if (mutations.length === 0)
    errors.push(required("spec.mutations", "mutations must contain at least one item"));
  for (const [i, mutation] of mutations.entries())
    validateMutation(mutation, `spec.mutations[${i}]`, scope, errors);
  if (!reinvocationPolicy) errors.push(required("spec.reinvocationPolicy"));
  else oneOf(reinvocationPolicy, ["IfNeeded", "Never"], "spec.reinvocationPolicy", errors);
  return errors;
}

/** By patch type: its field, and the type of its expression. */
const patchTypes = {
  ApplyConfiguration: ["applyConfiguration", "Object"],
  JSONPatch: ["jsonPatch", "list(JSONPatch)"],
} as const satisfies Record<string, readonly [string, Wanted]>;

type PatchType = keyof typeof patchTypes;
const isPatchType = (text: string): text is PatchType => Object.hasOwn(patchTypes, text);

function validateMutation(
  mutation: Mutation,
  path: string,
  scope: ExpressionScope,
  errors: FieldError[],
): void {
  const { patchType } = mutation;
  if (!patchType) {
    errors.push(required(`${path}.patchType`));
    return;
  }
  if (!isPatchType(patchType)) {
    errors.push(notSupported(`${path}.patchType`, patchType, Object.keys(patchTypes)));
    return;
  }
  const [own, wanted] = patchTypes[patchType];
  const expression = mutation[own]?.expression?.trim() ?? "";
  if (!mutation[own])
    errors.push(required(`${path}.${own}`, `must be specified when patchType is ${patchType}`));
  else if (expression === "") errors.push(required(`${path}.${own}.expression`));
  else errors.push(...expressionProblems(expression, `${path}.${own}.expression`, scope, wanted));
  for (const [other] of Object.values(patchTypes))
    if (other !== own && mutation[other])
      errors.push(
        invalid(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`),
      );
}

export function validateMutatingBinding(binding: MutatingAdmissionPolicyBinding): FieldError[] {
  const errors = validatePolicyBinding(binding);
  validateOperations(binding.spec?.matchResources, "spec.matchResources", errors);
  return errors;
}
