/** Expressions that choose devices (`selectors[].cel`): they see `device` and say yes or no. */
import { type Cel, type CelEnvironment, forbidden, invalid } from "../../machinery/index.ts";
import { celEngine } from "../cel-engine.ts";
import type { FieldError } from "../definition.ts";

/** What an expression may cost (resource.k8s.io CELSelectorExpressionMaxCost). */
const costLimit = 1_000_000;

/** What an expression knows of a device: attributes and capacity by domain, then by name. */
function environmentOf({ celTypes: t }: Cel): CelEnvironment {
  const byDomain = (inner: typeof t.dyn) => t.mapOf(t.string, t.mapOf(t.string, inner));
  const fields = {
    driver: t.string,
    attributes: byDomain(t.any),
    capacity: byDomain(t.opaque("kubernetes.Quantity")),
    allowMultipleAllocations: t.bool,
  };
  return { device: t.objectOf("kubernetes.DRADevice", new Map(Object.entries(fields))) };
}

/** Letters or entries, at most. */
interface Sizes {
  readonly max: number;
  readonly fields?: Readonly<Record<string, Sizes>>;
  readonly keys?: Sizes;
  readonly values?: Sizes;
  /** Of what is asked for by a name that is not among the fields. */
  readonly named?: Sizes;
}

const attribute: Sizes = { max: 64 };
const id: Sizes = { max: 32 };
const domain: Sizes = { max: 63 };
const attributes: Sizes = { max: 32, keys: id, values: attribute, named: attribute };
const capacity: Sizes = { max: 32, keys: id, values: { max: 0 } };
const device: Sizes = {
  max: 0,
  fields: {
    driver: { max: 63 },
    allowMultipleAllocations: { max: 1 },
    attributes: { max: 32, keys: domain, values: attributes },
    capacity: { max: 32, keys: domain, values: capacity },
  },
};

function sizeOfPath([variable, ...path]: readonly string[]): number | undefined {
  let sizes: Sizes | undefined = variable === "device" ? device : undefined;
  for (const name of path) {
    if (name === "@items" || name === "@values") sizes = sizes?.values;
    else if (name === "@keys") sizes = sizes?.keys;
    else sizes = sizes?.fields?.[name] ?? sizes?.named;
  }
  return sizes?.max;
}

/** Nothing where the engine was not loaded for it. */
export function expressionProblems(expression: string, path: string): FieldError[] {
  const cel = celEngine();
  if (!cel) return [];
  try {
    const program = cel.compileCel(expression, environmentOf(cel), { binds: true });
    const found = cel.celTypes.formalText(program.type);
    if (found !== "bool" && found !== "google.protobuf.Any")
      return [invalid(path, expression, `must evaluate to bool or the unknown type, not ${found}`)];
    return program.worstCost(sizeOfPath) > costLimit
      ? [forbidden(path, "too complex, exceeds cost limit")]
      : [];
  } catch (error) {
    if (!(error instanceof cel.CelCompileError)) throw error;
    return [invalid(path, expression, error.message)];
  }
}
