/** Run-time operations of programs: variables, fields, overload resolution. */
import { CelCostError, CelEvaluationError, noSuchOverload } from "./errors.ts";
import type { Overload } from "./functions.ts";
import type { Meter } from "./meter.ts";
import { noOverload } from "./mismatch.ts";
import type { CelType } from "./types.ts";
import { CelMessage, CelOptional, CelUint, type CelValue, fits, keyIn, nameOfType } from "./values.ts";

/** Variables at run time: innermost first. */
export interface Scope {
  readonly name: string;
  readonly value: CelValue;
  readonly parent: Scope | undefined;
}

export type Run = (scope: Scope | undefined, meter: Meter) => CelValue;

export interface Typed {
  readonly type: CelType;
  readonly run: Run;
}

/** Variables while checking: innermost first. */
export interface Names {
  readonly name: string;
  readonly type: CelType;
  readonly parent: Names | undefined;
}

export function dispatch(name: string, overloads: readonly Overload[], args: readonly Run[]): Run {
  const [only] = overloads;
  const strict = overloads.length > 1 || only?.params.some((each) => each.kind !== "param");
  return (scope, meter) => {
    meter.step();
    const values = args.map((run) => run(scope, meter));
    const overload = strict
      ? overloads.find(({ params }) => params.every((param, i) => fits(values[i], param)))
      : only;
    if (!overload) throw noOverload(name, values);
    return overload.run(meter, ...values);
  };
}

/** `or` and `orValue`: the second operand is evaluated only without a value, and anything but an optional is itself the result. */
export function fallbackOf(name: string, [left, right]: readonly Run[]): Run | undefined {
  if ((name !== "or" && name !== "orValue") || !left || !right) return undefined;
  return (scope, meter) => {
    meter.step();
    const first = left(scope, meter);
    if (!(first instanceof CelOptional)) return first;
    if (first.value === undefined) return right(scope, meter);
    return name === "or" ? first : first.value;
  };
}

/** One operand may decide the result even if the other fails. */
export function logic(left: Run, right: Run, settles: boolean): Run {
  const operand = (run: Run, scope: Scope | undefined, meter: Meter): boolean | Error => {
    try {
      const value = run(scope, meter);
      return typeof value === "boolean" ? value : noSuchOverload();
    } catch (error) {
      if (isFinal(error)) throw error;
      return error as Error;
    }
  };
  return (scope, meter) => {
    const first = operand(left, scope, meter);
    if (first === settles) return settles;
    const second = operand(right, scope, meter);
    if (second === settles) return settles;
    if (typeof first !== "boolean") throw first;
    if (typeof second !== "boolean") throw second;
    return !settles;
  };
}

/** Errors that operators do not absorb: an exhausted budget, and internal errors. */
export const isFinal = (error: unknown): boolean =>
  !(error instanceof CelEvaluationError) || error instanceof CelCostError;

export function read(scope: Scope | undefined, name: string, meter: Meter): CelValue {
  meter.step();
  for (let each = scope; each; each = each.parent)
    if (each.name === name) {
      // Computed on first use, once: variables of admission policies.
      return typeof each.value === "function"
        ? (each.value as (meter: Meter) => CelValue)(meter)
        : valid(each.value);
    }
  throw new CelEvaluationError(`no such attribute(s): ${name}`);
}

/** Data that is not of the type it is to have is a mistake of whoever asks for it. */
function valid(value: CelValue): CelValue {
  if (value instanceof CelEvaluationError) throw value;
  return value;
}

/** The field or item; undefined when there is none. */
function find(of: CelValue, key: CelValue, meter: Meter): CelValue {
  if (of instanceof Map) {
    const found = of.get(typeof key === "string" ? key : keyIn(of, key, meter));
    if (typeof found === "function") return (found as () => CelValue)();
    return valid(found);
  }
  if (Array.isArray(of)) {
    const at = typeof key === "bigint" ? Number(key) : key instanceof CelUint ? Number(key.value) : key;
    if (typeof at !== "number") throw noIndex(key);
    if (!Number.isInteger(at)) throw new CelEvaluationError(`unsupported index value ${at} in list`);
    return valid(of[at]);
  }
  // Values without fields, including null, lack this one.
  return undefined;
}

export function get(of: CelValue, key: CelValue, meter: Meter): CelValue {
  if (of instanceof CelOptional) return softGet(of, key, meter);
  const found = find(of, key, meter);
  if (found !== undefined) return found;
  if (of instanceof CelMessage) return null;
  const text = key instanceof CelUint ? key.value : key;
  throw new CelEvaluationError(
    Array.isArray(of) ? `index out of bounds: ${String(text)}` : `no such key: ${String(text)}`,
  );
}

const noIndex = (key: CelValue): CelEvaluationError =>
  new CelEvaluationError(`unsupported index type '${nameOfType(key)}' in list`);

export function softGet(of: CelValue, key: CelValue, meter: Meter): CelOptional {
  const inner = of instanceof CelOptional ? of.value : of;
  const found = find(inner, key, meter);
  return found === undefined ? CelOptional.none : new CelOptional(found);
}

/** Whether `has(of.name)`. */
export function present(of: CelValue, name: string): boolean {
  const inner = of instanceof CelOptional ? of.value : of;
  if (inner instanceof Map) return valid(inner.get(name)) !== undefined || inner.has(name);
  if (Array.isArray(inner)) throw noIndex(name);
  // Values without fields, including null, lack this one.
  return false;
}
