/**
 * Numbers as Go's decoder makes them: an int64 of what is written in digits alone, and fits; a float64 of all else. Validation
 * tells the one from the other: here an int64 is a bigint, and a float64 a number.
 */
import { isObject, setMember, writtenAs } from "../../machinery/index.ts";
import { isLong } from "./numbers.ts";

/**
 * The value so; itself where no number is in it. How its own numbers were written is known of `from`, the object or list that it
 * may be a copy of.
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
