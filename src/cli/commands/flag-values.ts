/** What flags say, as settings want it. */
import { resolve } from "node:path";
import type { Flags } from "../flags.ts";

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
