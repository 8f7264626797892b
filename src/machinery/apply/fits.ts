/** Whether an object matches its type, without which its fields cannot be owned. */
import { formOf, isMembers, type Shape } from "./shape.ts";

/** True when every value has a kind that its type allows; null is allowed everywhere. Undeclared fields do not match. */
export function fits(shape: Shape, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  const form = formOf(shape, value);
  if (form === "map") {
    const { map } = shape;
    if (!map || !isMembers(value)) return false;
    for (const name in value) {
      const inner = map.field(name)?.shape ?? map.element;
      if (!inner || !fits(inner, value[name])) return false;
    }
    return true;
  }
  if (form === "list") {
    const element = shape.list?.element;
    return !!element && Array.isArray(value) && value.every((each) => fits(element, each));
  }
  return isScalar(shape.scalar, value);
}

function isScalar(kind: Shape["scalar"], value: unknown): boolean {
  const type = typeof value;
  const numeric = type === "number" || type === "bigint";
  switch (kind) {
    case "numeric":
      return numeric;
    case "boolean":
    case "string":
      return type === kind;
    default:
      return numeric || type === "boolean" || type === "string";
  }
}
