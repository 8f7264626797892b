/** Lists, sets and optionals: Kubernetes' functions and cel-go's extensions. */
import { CelEvaluationError, noSuchOverload } from "../errors.ts";
import type { Library } from "../functions.ts";
import type { Meter } from "../meter.ts";
import { CelDuration, CelOptional, type CelValue, CelUint, compare, equal, toInt } from "../values.ts";

type List = CelValue[];

const has = (meter: Meter, list: List, value: CelValue): boolean =>
  list.some((each) => equal(each, value, meter));
const holds = (meter: Meter, list: List, part: List): boolean => part.every((each) => has(meter, list, each));

/** The items determine the type of the sum, since the list's may be unknown. */
function sum(meter: Meter, list: List, zero: CelValue): CelValue {
  meter.step(list.length);
  if (list.length === 0) return zero;
  return list.reduce((total, each) => {
    if (typeof total === "bigint") return toInt(total + (each as bigint));
    if (typeof total === "number") return total + (each as number);
    if (total instanceof CelUint) return new CelUint(total.value + (each as CelUint).value);
    return new CelDuration((total as CelDuration).nanos + (each as CelDuration).nanos);
  });
}

function extreme(meter: Meter, list: List, name: string, sign: number): CelValue {
  meter.step(list.length);
  if (list.length === 0) throw new CelEvaluationError(`${name} called on empty list`);
  return list.reduce((best, each) => (compare(each, best) * sign > 0 ? each : best));
}

function isSorted(meter: Meter, list: List): boolean {
  meter.step(list.length);
  return list.every((each, i) => i === 0 || compare(list[i - 1], each) <= 0);
}

const order = (meter: Meter, list: List, keys: List): List => {
  meter.step(list.length * Math.max(1, Math.ceil(Math.log2(list.length + 1))));
  return list
    .map((value, i) => ({ value, key: keys[i] }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ value }) => value);
};

function ofEach(types: readonly string[], make: (type: string) => Library): Library {
  return Object.assign({}, ...types.map(make)) as Library;
}

const comparable = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"];
const zeros: Record<string, CelValue> = {
  int: 0n,
  uint: new CelUint(0n),
  double: 0,
  duration: new CelDuration(0n),
};

function flatten(meter: Meter, list: List, depth: bigint): List {
  if (depth < 0n) throw new CelEvaluationError("level must be non-negative");
  meter.step(list.length);
  return list.flatMap((each) =>
    Array.isArray(each) && depth > 0n ? flatten(meter, each, depth - 1n) : [each],
  );
}

const range = (meter: Meter, count: bigint): List => {
  meter.step(Number(count > 0n ? count : 0n));
  return Array.from({ length: Math.max(0, Number(count)) }, (_, i) => BigInt(i));
};

export const lists: Library = {
  ...ofEach(comparable, (type) => ({
    [`list<${type}>.isSorted(): bool`]: isSorted,
    [`list<${type}>.min(): ${type}`]: (meter: Meter, list: List) => extreme(meter, list, "min", -1),
    [`list<${type}>.max(): ${type}`]: (meter: Meter, list: List) => extreme(meter, list, "max", 1),
    [`list<${type}>.sort(): list<${type}>`]: (meter: Meter, list: List) => order(meter, list, list),
    [`list<A>.@sortByAssociatedKeys(list<${type}>): list<A>`]: order,
  })),
  ...ofEach(Object.keys(zeros), (type) => ({
    [`list<${type}>.sum(): ${type}`]: (meter: Meter, list: List) => sum(meter, list, zeros[type]),
  })),
  "list<A>.indexOf(A): int": (meter, list: List, value: CelValue) =>
    BigInt(list.findIndex((each) => equal(each, value, meter))),
  "list<A>.lastIndexOf(A): int": (meter, list: List, value: CelValue) =>
    BigInt(list.findLastIndex((each) => equal(each, value, meter))),
  "list<A>.slice(int, int): list<A>": (_meter, list: List, from: bigint, to: bigint) => {
    if (from < 0n || to < 0n)
      throw new CelEvaluationError(`cannot slice(${from}, ${to}), negative indexes not supported`);
    if (from > to)
      throw new CelEvaluationError(
        `cannot slice(${from}, ${to}), start index must be less than or equal to end index`,
      );
    if (to > BigInt(list.length))
      throw new CelEvaluationError(`cannot slice(${from}, ${to}), list is length ${list.length}`);
    return list.slice(Number(from), Number(to));
  },
  "list<A>.reverse(): list<A>": (meter, list: List) => {
    meter.step(list.length);
    return list.toReversed();
  },
  "list<A>.first(): optional<A>": (_meter, list: List) =>
    list.length === 0 ? CelOptional.none : new CelOptional(list[0]),
  "list<A>.last(): optional<A>": (_meter, list: List) =>
    list.length === 0 ? CelOptional.none : new CelOptional(list.at(-1)),
  "list<A>.distinct(): list<A>": (meter, list: List) => {
    const kept: List = [];
    for (const each of list) if (!has(meter, kept, each)) kept.push(each);
    return kept;
  },
  "list<A>.flatten(): list<dyn>": (meter, list: List) => flatten(meter, list, 1n),
  "list<A>.flatten(int): list<dyn>": flatten,
  "lists.range(int): list<int>": range,
  "sets.contains(list<A>, list<A>): bool": holds,
  "sets.equivalent(list<A>, list<A>): bool": (meter, a: List, b: List) =>
    holds(meter, a, b) && holds(meter, b, a),
  "sets.intersects(list<A>, list<A>): bool": (meter, a: List, b: List) =>
    a.some((each) => has(meter, b, each)),
};

const isZero = (value: CelValue): boolean =>
  value === null ||
  value === "" ||
  value === 0 ||
  value === 0n ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (value instanceof Map && value.size === 0) ||
  (value instanceof CelUint && value.value === 0n) ||
  (value instanceof CelDuration && value.nanos === 0n);

const unwrap = (_meter: Meter, list: List): List =>
  list.flatMap((each) => {
    if (!(each instanceof CelOptional)) throw noSuchOverload();
    return each.value === undefined ? [] : [each.value];
  });

export const optionals: Library = {
  "optional.none(): optional<A>": () => CelOptional.none,
  "optional.of(A): optional<A>": (_meter, value: CelValue) => new CelOptional(value),
  "optional.ofNonZeroValue(A): optional<A>": (_meter, value: CelValue) =>
    isZero(value) ? CelOptional.none : new CelOptional(value),
  "optional<A>.hasValue(): bool": (_meter, optional: CelOptional) => optional.value !== undefined,
  "optional<A>.value(): A": (_meter, optional: CelOptional) => {
    if (optional.value === undefined) throw new CelEvaluationError("optional.none() dereference");
    return optional.value;
  },
  "optional<A>.or(optional<A>): optional<A>": (_meter, optional: CelOptional, other: CelOptional) =>
    optional.value === undefined ? other : optional,
  "optional<A>.orValue(A): A": (_meter, optional: CelOptional, other: CelValue) =>
    optional.value === undefined ? other : optional.value,
  "optional.unwrap(list<optional<A>>): list<A>": unwrap,
  "list<optional<A>>.unwrapOpt(): list<A>": unwrap,
};
