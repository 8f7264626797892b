/** Operators of the language. */
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import type { Meter } from "../meter.ts";
import {
  CelDuration,
  CelTimestamp,
  type CelValue,
  CelUint,
  compare,
  equal,
  joinLists,
  keyIn,
  timestampOf,
  toInt,
} from "../values.ts";

const noDivisor = (text: string): never => {
  throw new CelEvaluationError(text);
};

const orders: Record<string, (sign: number) => boolean> = {
  "<": (sign) => sign < 0,
  "<=": (sign) => sign <= 0,
  ">": (sign) => sign > 0,
  ">=": (sign) => sign >= 0,
};

const ordered = ["bool", "string", "bytes", "timestamp", "duration"].map((each): [string, string] => [
  each,
  each,
]);
const numbers = ["int", "uint", "double"];
for (const left of numbers) for (const right of numbers) ordered.push([left, right]);

function orderOperators(): Library {
  const made: Record<string, (meter: Meter, a: CelValue, b: CelValue) => boolean> = {};
  for (const [sign, holds] of Object.entries(orders))
    for (const [left, right] of ordered)
      made[`@op${sign}(${left}, ${right}): bool`] = (meter, a, b) => {
        if (typeof a === "string" && typeof b === "string") meter.text(a, b);
        return holds(compare(a, b));
      };
  return made;
}

type Ints = [Meter, bigint, bigint];
type Uints = [Meter, CelUint, CelUint];
type Doubles = [Meter, number, number];

export const operators: Library = {
  ...orderOperators(),
  "@op==(A, A): bool": (meter, a: CelValue, b: CelValue) => equal(a, b, meter),
  "@op!=(A, A): bool": (meter, a: CelValue, b: CelValue) => !equal(a, b, meter),
  "@op!(bool): bool": (_meter, a: boolean) => !a,
  "@op-(int): int": (_meter, a: bigint) => toInt(-a),
  "@op-(double): double": (_meter, a: number) => -a,
  "@op+(int, int): int": (...[, a, b]: Ints) => toInt(a + b),
  "@op-(int, int): int": (...[, a, b]: Ints) => toInt(a - b),
  "@op*(int, int): int": (...[, a, b]: Ints) => toInt(a * b),
  "@op/(int, int): int": (...[, a, b]: Ints) => (b === 0n ? noDivisor("division by zero") : toInt(a / b)),
  "@op%(int, int): int": (...[, a, b]: Ints) => (b === 0n ? noDivisor("modulus by zero") : a % b),
  "@op+(uint, uint): uint": (...[, a, b]: Uints) => new CelUint(a.value + b.value),
  "@op-(uint, uint): uint": (...[, a, b]: Uints) => new CelUint(a.value - b.value),
  "@op*(uint, uint): uint": (...[, a, b]: Uints) => new CelUint(a.value * b.value),
  "@op/(uint, uint): uint": (...[, a, b]: Uints) =>
    b.value === 0n ? noDivisor("division by zero") : new CelUint(a.value / b.value),
  "@op%(uint, uint): uint": (...[, a, b]: Uints) =>
    b.value === 0n ? noDivisor("modulus by zero") : new CelUint(a.value % b.value),
  "@op+(double, double): double": (...[, a, b]: Doubles) => a + b,
  "@op-(double, double): double": (...[, a, b]: Doubles) => a - b,
  "@op*(double, double): double": (...[, a, b]: Doubles) => a * b,
  "@op/(double, double): double": (...[, a, b]: Doubles) => a / b,
  "@op+(string, string): string": (meter, a: string, b: string) => {
    meter.text(a, b);
    return a + b;
  },
  "@op+(bytes, bytes): bytes": (meter, a: Uint8Array, b: Uint8Array) => {
    meter.step((a.length + b.length) / 10);
    const both = new Uint8Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both;
  },
  "@op+(list<A>, list<A>): list<A>": (meter, a: CelValue[], b: CelValue[]) => {
    meter.step((a.length + b.length) / 10);
    return joinLists(a, b);
  },
  "@op+(timestamp, duration): timestamp": (_meter, a: CelTimestamp, b: CelDuration) =>
    timestampOf(a.nanos + b.nanos, a.offsetMinutes),
  "@op+(duration, timestamp): timestamp": (_meter, a: CelDuration, b: CelTimestamp) =>
    timestampOf(a.nanos + b.nanos, b.offsetMinutes),
  "@op+(duration, duration): duration": (_meter, a: CelDuration, b: CelDuration) =>
    new CelDuration(a.nanos + b.nanos),
  "@op-(timestamp, timestamp): duration": (_meter, a: CelTimestamp, b: CelTimestamp) =>
    new CelDuration(a.nanos - b.nanos),
  "@op-(timestamp, duration): timestamp": (_meter, a: CelTimestamp, b: CelDuration) =>
    timestampOf(a.nanos - b.nanos, a.offsetMinutes),
  "@op-(duration, duration): duration": (_meter, a: CelDuration, b: CelDuration) =>
    new CelDuration(a.nanos - b.nanos),
  "@in(A, list<A>): bool": (meter, value: CelValue, list: CelValue[]) =>
    list.some((each) => equal(value, each, meter)),
  "@in(A, map<A, B>): bool": (meter, key: CelValue, map: Map<CelValue, CelValue>) =>
    keyIn(map, key, meter) !== undefined,
};
