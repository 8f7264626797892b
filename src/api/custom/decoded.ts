/**
 * Numbers as Go's decoder represents them: int64 for integers in digits that fit, float64 otherwise. Validation distinguishes
 * them: int64 is a bigint here, float64 a number.
 */
import { isObject, setMember, writtenAs } from "../../machinery/index.ts";
import { isLong } from "./numbers.ts";

/**
 * Converts a value; returns it unchanged without numbers. `from`: the object or list it may be a copy of, which knows how its
 * numbers were written.
 */
export function asDecoded<T>(value: T, from?: object): T {
  return (typeof value === "number" ? decoded(value, undefined) : inside(value, from)) as T;
}

function decoded(value: number, text: string | undefined): number | bigint {
  if (text !== undefined || !Number.isInteger(value)) return value;
  const whole = BigInt(value);
  return isLong(whole) ? whole : value;
}

function inside(value: unknown, from?: object): unknown {
  if (Array.isArray(value)) {
    let made: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const each: unknown = value[i];
      const now = typeof each === "number" ? decoded(each, writtenAs(from ?? value, i)) : inside(each);
      if (now !== each) (made ??= value.slice())[i] = now;
    }
    return made ?? value;
  }
  if (!isObject(value)) return value;
  let made: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const each = value[name];
    const now = typeof each === "number" ? decoded(each, writtenAs(from ?? value, name)) : inside(each);
    if (now !== each) setMember((made ??= { ...value }), name, now);
  }
  return made ?? value;
}
