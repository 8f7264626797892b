/** The table of functions: overloads by name, declared by signatures. */
import { type CelType, parseType, splitTopLevel } from "./types.ts";
import type { Meter } from "./meter.ts";
import type { CelValue } from "./values.ts";

/** Typed by the signature beside it. */
export type Body = (meter: Meter, ...args: never[]) => CelValue;

export interface Overload {
  readonly member: boolean;
  /** Including the receiver, first. */
  readonly params: readonly CelType[];
  readonly result: CelType;
  readonly run: (meter: Meter, ...args: CelValue[]) => CelValue;
}

export type Functions = ReadonlyMap<string, readonly Overload[]>;

/** `string.charAt(int): string`, `size(list<A>): int`, `sets.contains(list<A>, list<A>): bool` (a name with a dot). */
export type Library = Readonly<Record<string, Body>>;

const signature = /^(?:(?<receiver>[^(]*)\.)?(?<name>@?\w+[^\w(]*)\((?<args>.*)\): (?<result>.+)$/;
/** Prefixes of function names that look like receivers. */
const prefixes = new Set(["sets", "optional", "format", "lists", "strings", "ip", "jsonpatch"]);

/** `@op+` of two is `_+_`, `@op!` of one is `!_`. */
function operatorName(name: string, count: number): string {
  const sign = /^@op(\W+)$/.exec(name)?.[1];
  return sign === undefined ? name : count === 1 ? `${sign}_` : `_${sign}_`;
}

export function functionsOf(...libraries: readonly Library[]): Functions {
  const table = new Map<string, Overload[]>();
  for (const library of libraries)
    for (const [text, run] of Object.entries(library)) {
      const parts = signature.exec(text)?.groups;
      if (!parts) throw new Error(`not a signature: ${text}`);
      const { receiver, args = "", result = "" } = parts;
      const prefixed = receiver !== undefined && prefixes.has(receiver);
      const member = receiver !== undefined && !prefixed;
      const params = [...(member ? [receiver] : []), ...splitTopLevel(args)].map(parseType);
      const own = operatorName(parts.name ?? "", params.length);
      const name = prefixed ? `${receiver}.${own}` : own;
      const known = table.get(name);
      const overload: Overload = { member, params, result: parseType(result), run: run as Overload["run"] };
      if (known) known.push(overload);
      else table.set(name, [overload]);
    }
  return table;
}
