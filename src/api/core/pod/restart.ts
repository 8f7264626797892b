/** Restart rules and resize policies of containers. */
import { duplicate, forbidden, invalid, notSupported, required, tooMany } from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Container, ContainerResizePolicy, ContainerRestartRule } from "../../generated/types.ts";

const policies = ["Always", "Never", "OnFailure"];
const actions = ["Restart", "RestartAllContainers"];
const operators = ["In", "NotIn"];
const maxRules = 20;
const maxCodes = 255;

function validateRule({ action, exitCodes }: ContainerRestartRule, path: string, errors: FieldError[]): void {
  if (!actions.includes(action ?? "")) errors.push(notSupported(`${path}.action`, action ?? "", actions));
  const here = `${path}.exitCodes`;
  if (!exitCodes) {
    errors.push(required(here, "must be specified"));
    return;
  }
  if (!operators.includes(exitCodes.operator ?? ""))
    errors.push(notSupported(`${here}.operator`, exitCodes.operator ?? "", operators));
  const codes = exitCodes.values?.length ?? 0;
  if (codes > maxCodes) errors.push(tooMany(`${here}.values`, codes, maxCodes));
}

export function validateRestart(
  { restartPolicy: policy, restartPolicyRules: rules = [] }: Container,
  path: string,
  errors: FieldError[],
): void {
  const here = `${path}.restartPolicy`;
  if (policy === undefined) {
    if (rules.length > 0)
      errors.push(required(here, "must specify restartPolicy when restart rules are used"));
    if (rules.length === 0) return;
  } else if (!policies.includes(policy)) errors.push(notSupported(here, policy, policies));
  if (rules.length > maxRules) errors.push(tooMany(`${path}.restartPolicyRules`, rules.length, maxRules));
  for (const [i, rule] of rules.entries()) validateRule(rule, `${path}.restartPolicyRules[${i}]`, errors);
}

/** Restart rules of an init container are not validated without a policy. */
export function validateInitRestart(container: Container, path: string, errors: FieldError[]): void {
  if (container.restartPolicy !== undefined) validateRestart(container, path, errors);
  else if (container.restartPolicyRules?.length) {
    const text = "must specify restartPolicy when restart rules are used";
    errors.push(required(`${path}.restartPolicy`, text));
  }
}

const resizable = ["cpu", "memory"];
const resizePolicies = ["NotRequired", "RestartContainer"];

/** Errors except duplicates are reported for the list, without an index. */
export function validateResize(
  list: readonly ContainerResizePolicy[] = [],
  podRestartPolicy: string | undefined,
  path: string,
  errors: FieldError[],
): void {
  const seen = new Set<string>();
  for (const [i, { resourceName = "", restartPolicy = "" }] of list.entries()) {
    if (seen.has(resourceName)) errors.push(duplicate(`${path}[${i}]`, resourceName));
    seen.add(resourceName);
    for (const [value, known] of [
      [resourceName, resizable],
      [restartPolicy, resizePolicies],
    ] as const) {
      if (value === "") errors.push(required(path));
      else if (!known.includes(value)) errors.push(notSupported(path, value, known));
    }
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") {
      const text = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
      errors.push(invalid(path, restartPolicy, text));
    }
  }
}

/** A container that never restarts cannot be restarted to resize, unless the old pod had such a policy. */
export function validateInitResize(
  { resizePolicy = [] }: Container,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, { restartPolicy }] of resizePolicy.entries()) {
    if (restartPolicy !== "RestartContainer") continue;
    const text = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    errors.push(invalid(`${path}.resizePolicy[${i}].restartPolicy`, restartPolicy, text));
  }
}

export const onlyForSidecars = (path: string): FieldError =>
  forbidden(path, "may not be set for init containers without restartPolicy=Always");
