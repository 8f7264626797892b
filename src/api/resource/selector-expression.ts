/** Expressions that choose devices (`selectors[].cel`): they see `device` and say yes or no. */
import { type Cel, type CelEnvironment, invalid } from "../../machinery/index.ts";
import { celEngine } from "../cel-engine.ts";
import type { FieldError } from "../definition.ts";

/** What an expression knows of a device: attributes and capacity by domain, then by name. */
function environmentOf({ celTypes: t }: Cel): CelEnvironment {
  const byDomain = (inner: typeof t.dyn) => t.mapOf(t.string, t.mapOf(t.string, inner));
  const fields = {
    driver: t.string,
    attributes: byDomain(t.dyn),
    capacity: byDomain(t.opaque("kubernetes.Quantity")),
    allowMultipleAllocations: t.bool,
  };
  return { device: t.objectOf("kubernetes.DRADevice", new Map(Object.entries(fields))) };
}

/** Nothing where the engine was not loaded for it. */
export function expressionProblems(expression: string, path: string): FieldError[] {
  const cel = celEngine();
  if (!cel) return [];
  try {
    const { type } = cel.compileCel(expression, environmentOf(cel), {});
    const found = cel.celTypes.formalText(type);
    if (["bool", "dyn", "any"].includes(found)) return [];
    return [invalid(path, expression, `must evaluate to bool or the unknown type, not ${found}`)];
  } catch (error) {
    if (!(error instanceof cel.CelCompileError)) throw error;
    return [invalid(path, expression, error.message)];
  }
}
