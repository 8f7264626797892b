/** Taints of devices and the tolerations of claims (KEP-5055). */
import { invalid, notSupported, required } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { DeviceTaint, DeviceToleration } from "../generated/types.ts";
import { labelName, labelValue } from "./names.ts";

const effects = ["NoExecute", "NoSchedule", "None"];
const operators = ["Equal", "Exists"];

export function taint({ key, value, effect }: DeviceTaint, path: string, errors: FieldError[]): void {
  labelName(key, `${path}.key`, errors);
  if (value) labelValue(value, `${path}.value`, errors);
  if (!effect) errors.push(required(`${path}.effect`));
  else if (!effects.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, effects));
}

export function toleration(
  { key, operator, value, effect }: DeviceToleration,
  path: string,
  errors: FieldError[],
): void {
  if (key) labelName(key, `${path}.key`, errors);
  if (operator === "Exists") {
    if (value) errors.push(invalid(`${path}.value`, value, "must be empty for operator `Exists`"));
  } else if (operator === "Equal") labelValue(value, `${path}.value`, errors);
  else if (!operator) errors.push(required(`${path}.operator`));
  else errors.push(notSupported(`${path}.operator`, operator, operators));
  if (effect && !effects.includes(effect)) errors.push(notSupported(`${path}.effect`, effect, effects));
}
