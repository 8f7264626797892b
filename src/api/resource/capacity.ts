/** How much of a device's capacity one request may take (KEP-5075). */
import {
  addQuantity,
  canonicalQuantity,
  compareQuantity,
  forbidden,
  formatQuantity,
  invalid,
  quantityValue,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  DeviceCapacity,
} from "../generated/types.ts";
import { setOf } from "./names.ts";

const optionsLimit = 10;

export function capacity(
  { value = "0", requestPolicy }: Partial<DeviceCapacity>,
  path: string,
  errors: FieldError[],
  shared: boolean,
): void {
  if (!requestPolicy) return;
  const here = `${path}.requestPolicy`;
  if (!shared) errors.push(forbidden(here, "allowMultipleAllocations must be true"));
  else policy(value, requestPolicy, here, errors);
}

function policy(limit: string, rule: CapacityRequestPolicy, path: string, errors: FieldError[]): void {
  const { default: usual, validValues = [], validRange } = rule;
  const both =
    'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time';
  if (validValues.length > 0 && validRange) errors.push(forbidden(path, both));
  else if (validValues.length > 0) {
    if (usual === undefined) errors.push(required(`${path}.default`, "required when validValues is defined"));
    else options(usual, limit, validValues, `${path}.validValues`, errors);
  } else if (validRange) {
    if (usual === undefined) errors.push(required(`${path}.default`, "required when validRange is defined"));
    else range(usual, limit, validRange, `${path}.validRange`, errors);
  }
}

const text = canonicalQuantity;
const above = (a: string, b: string): boolean => compareQuantity(a, b) > 0;

function options(
  usual: string,
  limit: string,
  values: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  values.forEach((value, i) => {
    if (i > 0 && above(values[i - 1] as string, value))
      errors.push(invalid(`${path}[${i}]`, text(value), "values must be sorted in ascending order"));
  });
  let found = false;
  setOf(
    values,
    optionsLimit,
    path,
    errors,
    (value) => String(quantityValue(value)),
    (value, here) => {
      const tooLarge = `option is larger than capacity value: ${text(limit)}`;
      if (above(value, limit)) errors.push(invalid(here, text(value), tooLarge));
      found ||= compareQuantity(value, usual) === 0;
    },
  );
  if (!found)
    errors.push(invalid(path, text(usual), "default value is not valid according to the requestPolicy"));
}

function range(
  usual: string,
  limit: string,
  { min, max, step }: CapacityRequestPolicyRange,
  path: string,
  errors: FieldError[],
): void {
  if (min === undefined) {
    errors.push(required(`${path}.min`, "required when validRange is defined"));
    return;
  }
  const say = (name: string, value: string, what: string): void => {
    errors.push(invalid(`${path}.${name}`, text(value), what));
  };
  if (above(min, limit)) say("min", min, `min is larger than capacity value: ${text(limit)}`);
  if (above(min, usual)) say("min", usual, `default is less than min: ${text(min)}`);
  if (max !== undefined) {
    if (above(min, max)) say("max", min, `min is larger than max: ${text(max)}`);
    if (above(max, limit)) say("max", max, `max is larger than capacity value: ${text(limit)}`);
    if (above(usual, max)) say("max", usual, `default is more than max: ${text(max)}`);
  }
  if (step === undefined) return;
  const first = addQuantity(min, step);
  if (compareQuantity(first, limit) > 0)
    say("step", step, `one step ${formatQuantity(first)} is larger than capacity value: ${text(limit)}`);
  for (const value of max === undefined ? [usual] : [usual, max]) {
    // The original divides by a step of nothing and ends the request; here such a step fits no value.
    const size = quantityValue(step);
    const rest = size === 0 ? 1 : (quantityValue(value) - quantityValue(min)) % size;
    if (rest !== 0)
      say("step", value, `value is not a multiple of a given step (${text(step)}) from (${text(min)})`);
  }
}
