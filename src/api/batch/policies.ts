/** Validation of podFailurePolicy and successPolicy. */
import {
  duplicate,
  goQuote,
  invalid,
  invalidTogether,
  isQualifiedName,
  notSupported,
  required,
  tooLong,
  tooMany,
  wasEmptied,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { each, notNegative } from "../field-rules.ts";
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from "../generated/types.ts";
import { given } from "../given.ts";
import { countIndexes } from "./indexes.ts";

const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const maxIndexesLength = 64 * 1024;

const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
const operators = ["In", "NotIn"];
const statuses = ["False", "True", "Unknown"];

/** Reports an empty value as required and an unknown one as unsupported. */
function oneOf(
  value: string | undefined,
  known: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (!value) errors.push(required(path, `valid values: [${known.map(goQuote).join(" ")}]`));
  else if (!known.includes(value)) errors.push(notSupported(path, value, known));
}

function validateExitCodes(
  requirement: PodFailurePolicyOnExitCodesRequirement,
  path: string,
  containers: ReadonlySet<string>,
  errors: FieldError[],
): void {
  const { operator, containerName } = requirement;
  // The stored form has null for an empty list.
  const values = requirement.values ?? [];
  oneOf(operator, operators, `${path}.operator`, errors);
  if (containerName !== undefined && !containers.has(containerName)) {
    const text = "must be one of the container or initContainer names in the pod template";
    errors.push(invalid(`${path}.containerName`, containerName, text));
  }
  const here = `${path}.values`;
  if (values.length === 0) {
    const shown = requirement.values ?? (wasEmptied(requirement, "values") ? [] : null);
    errors.push(invalid(here, shown, "at least one value is required"));
  } else if (values.length > maxExitCodes) errors.push(tooMany(here, values.length, maxExitCodes));
  const seen = new Set<number>();
  for (const [i, value] of values.entries()) {
    if (operator === "In" && value === 0)
      errors.push(invalid(`${here}[${i}]`, value, "must not be 0 for the In operator"));
    if (seen.has(value)) errors.push(duplicate(`${here}[${i}]`, value));
    seen.add(value);
  }
  const ordered = values.every((value, i) => i === 0 || (values[i - 1] as number) <= value);
  if (!ordered) errors.push(invalid(here, values, "must be ordered"));
}

function validatePatterns(
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
  path: string,
  errors: FieldError[],
): void {
  if (patterns.length > maxPatterns) errors.push(tooMany(path, patterns.length, maxPatterns));
  for (const [i, { type, status }] of patterns.entries()) {
    each(isQualifiedName, `${path}[${i}].type`, type ?? "", errors);
    oneOf(status, statuses, `${path}[${i}].status`, errors);
  }
}

function validateFailureRule(
  { action, onExitCodes, onPodConditions = [] }: PodFailurePolicyRule,
  spec: JobSpec,
  path: string,
  containers: ReadonlySet<string>,
  errors: FieldError[],
): void {
  oneOf(action, actions, `${path}.action`, errors);
  if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined)
    errors.push(invalid(`${path}.action`, action, "requires the backoffLimitPerIndex to be set"));
  if (onExitCodes) validateExitCodes(onExitCodes, `${path}.onExitCodes`, containers, errors);
  if (onPodConditions.length > 0) validatePatterns(onPodConditions, `${path}.onPodConditions`, errors);
  if (onExitCodes && onPodConditions.length > 0)
    errors.push(invalidTogether(path, "specifying both OnExitCodes and OnPodConditions is not supported"));
  if (!onExitCodes && onPodConditions.length === 0)
    errors.push(invalidTogether(path, "specifying one of OnExitCodes and OnPodConditions is required"));
}

export function validateFailurePolicy(spec: JobSpec, path: string, errors: FieldError[]): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > maxRules) errors.push(tooMany(`${path}.rules`, rules.length, maxRules));
  const pod = spec.template?.spec;
  const containers = [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])];
  const names = new Set(containers.map(({ name }) => given({ name }).name ?? ""));
  for (const [i, rule] of rules.entries())
    validateFailureRule(rule, spec, `${path}.rules[${i}]`, names, errors);
}

function validateSuccessRule(
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number,
  path: string,
  errors: FieldError[],
): void {
  if (succeededCount === undefined && succeededIndexes === undefined) {
    const text = "at least one of succeededCount or succeededIndexes must be specified";
    errors.push(required(path, text));
  }
  let total = 0;
  if (succeededIndexes !== undefined) {
    const here = `${path}.succeededIndexes`;
    if (succeededIndexes.length > maxIndexesLength) errors.push(tooLong(here, maxIndexesLength));
    const counted = countIndexes(succeededIndexes, completions);
    total = counted.total;
    if (counted.problem !== undefined) {
      const text = `error parsing succeededIndexes: ${counted.problem}`;
      errors.push(invalid(here, succeededIndexes, text));
    }
  }
  if (succeededCount === undefined) return;
  const here = `${path}.succeededCount`;
  notNegative(succeededCount, here, errors);
  const atMost = (limit: number, what: string): void => {
    if (succeededCount <= limit) return;
    errors.push(invalid(here, succeededCount, `must be less than or equal to ${limit} (${what})`));
  };
  atMost(completions, "the number of specified completions");
  if (succeededIndexes !== undefined)
    atMost(total, "the number of indexes in the specified succeededIndexes field");
}

/** For Indexed Jobs. Without completions, which is reported elsewhere, rules are not validated. */
export function validateSuccessPolicy(spec: JobSpec, path: string, errors: FieldError[]): void {
  const here = `${path}.rules`;
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0)
    errors.push(required(here, "at least one rules must be specified when the successPolicy is specified"));
  if (rules.length > maxRules) errors.push(tooMany(here, rules.length, maxRules));
  if (spec.completions === undefined) return;
  for (const [i, rule] of rules.entries())
    validateSuccessRule(rule, spec.completions, `${here}[${i}]`, errors);
}
