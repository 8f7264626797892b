/** Paths of the scale subresource must be integers for replicas, and a string for the selector. */
import { goFloat, goText, goType, invalid, isObject } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { CustomResourceSubresourceScale } from "../generated/types.ts";
import type { KubeObject } from "../meta.ts";
import { ownMember } from "./schema-props.ts";

const most = 2 ** 31 - 1;

export function scaleProblems(
  scale: CustomResourceSubresourceScale | undefined,
  object: KubeObject,
  part: "spec" | "status",
): FieldError[] {
  if (!scale) return [];
  const path = part === "spec" ? scale.specReplicasPath : scale.statusReplicasPath;
  const found = memberAt(object, path, "int64");
  const errors: FieldError[] = [];
  if (typeof found === "object") errors.push(invalid(path, 0, found.problem));
  else if (found !== undefined && Number(found) < 0)
    errors.push(invalid(path, found, "should be a non-negative integer"));
  else if (found !== undefined && Number(found) > most)
    errors.push(invalid(path, found, `should be less than or equal to ${most}`));
  const { labelSelectorPath } = scale;
  if (part === "status" && labelSelectorPath !== undefined) {
    const selector = memberAt(object, labelSelectorPath, "string");
    if (typeof selector === "object") errors.push(invalid(labelSelectorPath, "", selector.problem));
  }
  return errors;
}

function memberAt(
  object: KubeObject,
  path: string,
  wanted: "int64" | "string",
): bigint | string | { problem: string } | undefined {
  let value: unknown = object;
  const names = path.replace(/^\./, "").split(".");
  for (const [i, name] of names.entries()) {
    if (!isObject(value))
      return {
        problem: `.${names.join(".")} accessor error: ${goText(value)} is of the type ${goType(value)}, expected map[string]interface{}`,
      };
    value = ownMember(value, name);
    if (value === undefined || (value === null && i < names.length - 1)) return undefined;
  }
  if (wanted === "string" && typeof value === "string") return value;
  if (wanted === "int64" && typeof value === "bigint") return value;
  const [text, type] =
    typeof value === "number" ? [goFloat(value), "float64"] : [goText(value), goType(value)];
  return {
    problem: `.${names.join(".")} accessor error: ${text} is of the type ${type}, expected ${wanted}`,
  };
}
