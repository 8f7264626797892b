/** What flags say, as settings want it. */
import { resolve } from "node:path";
import { parseDuration } from "../../machinery/index.ts";
import { type Flags, UsageError } from "../flags.ts";

/** The path of a file, absolute: who reads it may run elsewhere. `-`, a standard stream, stays. */
export function fileOf(flags: Flags, name: string): string | undefined {
  const path = flags.text(name);
  return path === undefined || path === "-" ? path : resolve(path);
}

/** Members that may be undefined, as members that may be absent. */
type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the members that are undefined. */
export const given = <T extends object>(members: T): Given<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>;

/** Likewise; undefined when there is none. */
export function some<T extends object>(members: T): Given<T> | undefined {
  const left = given(members);
  return Object.keys(left).length > 0 ? left : undefined;
}

/** Milliseconds; may be less than nothing. */
export function durationOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    throw new UsageError(`invalid argument "${text}" for "--${name}" flag: ${(error as Error).message}`);
  }
}

/** A number that need not be whole. */
export function numberOf(flags: Flags, name: string): number | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  if (text.trim() !== "" && !Number.isNaN(Number(text))) return Number(text);
  throw new UsageError(
    `invalid argument "${text}" for "--${name}" flag: strconv.ParseFloat: parsing "${text}": invalid syntax`,
  );
}
