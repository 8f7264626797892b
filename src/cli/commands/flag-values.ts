import { resolve } from "node:path";
import { parseDuration } from "../../machinery/index.ts";
import { type Flags, UsageError } from "../flags.ts";

/** An absolute file path, since other processes may read it with another working directory. `-`, a standard stream, stays. */
export function fileOf(flags: Flags, name: string): string | undefined {
  const path = flags.text(name);
  return path === undefined || path === "-" ? path : resolve(path);
}

/** Optional properties with `undefined` allowed in addition. */
type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** A copy without undefined properties. */
export const given = <T extends object>(members: T): Given<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>;

/** Likewise; undefined when none is left. */
export function some<T extends object>(members: T): Given<T> | undefined {
  const left = given(members);
  return Object.keys(left).length > 0 ? left : undefined;
}

/** Milliseconds; may be negative. */
export function durationOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    throw new UsageError(`invalid argument "${text}" for "--${name}" flag: ${(error as Error).message}`);
  }
}

/** A number, which may have a fraction. */
export function numberOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  if (text.trim() !== "" && !Number.isNaN(Number(text))) return Number(text);
  throw new UsageError(
    `invalid argument "${text}" for "--${name}" flag: strconv.ParseFloat: parsing "${text}": invalid syntax`,
  );
}
