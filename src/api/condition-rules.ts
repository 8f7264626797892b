/** Validation of metav1.Condition, as newer kinds use it. */
import {
  byteLength,
  duplicate,
  invalid,
  isQualifiedName,
  notSupported,
  required,
  tooLong,
} from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";
import { each } from "./field-rules.ts";
import type { Condition } from "./generated/types.ts";
import { given } from "./given.ts";

const maxReason = 1024;
const maxMessage = 32 * 1024;
const statuses = ["False", "True", "Unknown"];
const reasonForm = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const reasonPattern = new RegExp(`^${reasonForm}$`);
const reasonText = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonForm}')`;

function validateCondition(condition: Condition, path: string, errors: FieldError[]): void {
  const { type = "", status = "", observedGeneration = 0, reason = "", message = "" } = given(condition);
  each(isQualifiedName, `${path}.type`, type, errors);
  if (!statuses.includes(status)) errors.push(notSupported(`${path}.status`, status, statuses));
  if (observedGeneration < 0) {
    const text = "must be greater than or equal to zero";
    errors.push(invalid(`${path}.observedGeneration`, observedGeneration, text));
  }
  if (!condition.lastTransitionTime) errors.push(required(`${path}.lastTransitionTime`));
  if (reason === "") errors.push(required(`${path}.reason`));
  else {
    if (!reasonPattern.test(reason)) errors.push(invalid(`${path}.reason`, reason, reasonText));
    if (byteLength(reason) > maxReason) errors.push(tooLong(`${path}.reason`, maxReason));
  }
  if (byteLength(message) > maxMessage) errors.push(tooLong(`${path}.message`, maxMessage));
}

/** Each condition, and unique types. */
export function validateConditions(
  conditions: readonly Condition[] | undefined,
  path: string,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, condition] of (conditions ?? []).entries()) {
    const type = given(condition).type ?? "";
    if (seen.has(type)) errors.push(duplicate(`${path}[${i}].type`, type));
    seen.add(type);
    validateCondition(condition, `${path}[${i}]`, errors);
  }
}
