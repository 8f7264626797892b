/** What classes and claims share: selectors in CEL and configuration for drivers. */
import { invalid, required, tooLong } from "../../machinery/index.ts";
import { isExtended } from "../core/resource-names.ts";
import type { FieldError } from "../definition.ts";
import type { DeviceClass, DeviceSelector, OpaqueDeviceConfiguration } from "../generated/types.ts";
import { eachOf, driverName, rawObject } from "./names.ts";
import { expressionProblems } from "./selector-expression.ts";

const selectorsLimit = 32;
const configLimit = 32;
const expressionLimit = 10 * 1024;

export function selectors(list: DeviceSelector[] | undefined, path: string, errors: FieldError[]): void {
  eachOf(list, selectorsLimit, path, errors, ({ cel }, here) => {
    if (!cel) errors.push(required(`${here}.cel`));
    else if ((cel.expression ?? "").length > expressionLimit)
      errors.push(tooLong(`${here}.cel.expression`, expressionLimit));
    else errors.push(...expressionProblems(cel.expression ?? "", `${here}.cel.expression`));
  });
}

interface Configuration {
  opaque?: OpaqueDeviceConfiguration;
}

function configuration({ opaque }: Configuration, path: string, errors: FieldError[]): void {
  if (!opaque) {
    errors.push(required(`${path}.opaque`));
    return;
  }
  driverName(opaque.driver, `${path}.opaque.driver`, errors);
  rawObject(opaque.parameters, `${path}.opaque.parameters`, errors);
}

export function configurations<T extends Configuration>(
  list: T[] | undefined,
  limit: number,
  path: string,
  errors: FieldError[],
  more?: (each: T, path: string) => void,
): void {
  eachOf(list, limit, path, errors, (each, here) => {
    more?.(each, here);
    configuration(each, here, errors);
  });
}

export function validateClass({ spec }: DeviceClass): FieldError[] {
  const errors: FieldError[] = [];
  selectors(spec?.selectors, "spec.selectors", errors);
  configurations(spec?.config, configLimit, "spec.config", errors);
  const name = spec?.extendedResourceName;
  if (name !== undefined && !isExtended(name))
    errors.push(invalid("spec.extendedResourceName", name, "must be a valid extended resource name"));
  return errors;
}
