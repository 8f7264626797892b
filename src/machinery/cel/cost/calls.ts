/** Costs of function calls, and sizes of their results, as estimated by cel-go and Kubernetes' library. */
import { type CelType, typeText } from "../types.ts";
import type { Chosen, Form } from "./form.ts";
import {
  exactly,
  letterCost,
  most,
  nothing,
  one,
  patternCost,
  product,
  type Range,
  scaled,
  sum,
  unknown,
} from "./range.ts";

/** An argument or a receiver. */
export interface Operand {
  readonly form: Form;
  readonly type: CelType;
  readonly size: Range;
  /** Size of an item, for lists. */
  readonly item: Range;
}

export interface Estimate {
  /** Without the arguments' cost. */
  readonly cost: Range;
  readonly size?: Range;
}

export interface Call {
  readonly name: string;
  readonly overload: Chosen;
  readonly target: Operand | undefined;
  readonly args: readonly Operand[];
}

type Coster = (call: Call) => Estimate | undefined;

const read = (size: Range): Range => scaled(size, letterCost);
const unit: Estimate = { cost: one };
const always = (): Estimate => unit;
const named = (names: string, coster: Coster): [string, Coster][] =>
  names.split(" ").map((name) => [name, coster]);

/** cel-go builds a list of `size` items. */
const listing = (size: Range, factor: number): Estimate => ({
  cost: sum(scaled(size, factor), one, exactly(10)),
  size,
});

const isText = (type: CelType | undefined): boolean =>
  type?.kind === "simple" && (type.name === "string" || type.name === "bytes");

/** An integer literal. */
const literal = (operand: Operand | undefined): number | undefined =>
  operand?.form.kind === "constant" && typeof operand.form.value === "bigint"
    ? Math.max(0, Number(operand.form.value))
    : undefined;

/** For each character of a text and each step of a pattern. */
const searched = (text: Range, pattern: Range): Range =>
  product(read(sum(text, one)), scaled(pattern, patternCost));

const overTarget: Coster = ({ target }) => {
  if (!target) return undefined;
  const { type, size, item } = target;
  const of = type.kind === "list" ? type.of : type.kind === "map" ? type.key : undefined;
  if (!of) return { cost: read(size) };
  return { cost: product(size, isText(of) ? sum(one, read(item)) : one) };
};

const readingFirst: Coster = ({ args: [text] }) => text && { cost: read(text.size) };

/** A selector: lists and messages of its requirements, one per two characters. */
const selector: Coster = ({ args }) => {
  const [text] = args;
  if (!text || args.length !== 1) return undefined;
  return { cost: sum(exactly(10), read(text.size), scaled(scaled(text.size, 0.5), 50)) };
};

const copying: Coster = ({ target }) => target && { cost: read(target.size), size: target.size };

const replace: Coster = ({ target, args }) => {
  const [old, by] = args;
  if (!target || !old || !by) return undefined;
  const { size } = target;
  const count = { min: 0, max: 0 };
  const kept = { min: 0, max: 0 };
  if (old.size.min === 0) {
    count.max = size.max < most ? size.max + 1 : most;
    kept.max = size.max;
  } else if (by.size.max <= old.size.min) kept.max = size.max;
  else count.max = Math.ceil(size.max / old.size.min);
  if (old.size.max === 0) {
    count.min = size.min + 1;
    kept.min = size.min;
  } else if (old.size.max <= by.size.min) kept.min = size.min;
  else count.min = Math.ceil(size.min / old.size.max);
  return { cost: scaled(size, 2 * letterCost), size: sum(product(count, by.size), kept) };
};

const split: Coster = ({ target, args }) =>
  target && {
    cost: scaled(target.size, 2 * letterCost),
    size: { min: 0, max: literal(args[1]) ?? target.size.max },
  };

const joined: Coster = ({ target, args: [by] }) => {
  if (!target) return undefined;
  const { size: count, item } = target;
  const gaps = { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) };
  const size = sum(product(count, item), by ? product(by.size, gaps) : nothing);
  return { cost: read(size), size };
};

const found: Coster = ({ target, args: [pattern] }) =>
  target && pattern && { cost: searched(target.size, pattern.size), size: { min: 0, max: target.size.max } };

const addressBytes: Range = { min: 4, max: 16 };
const isString = (type: CelType | undefined): boolean => type !== undefined && typeText(type) === "string";

const contains =
  (more: Range): Coster =>
  ({ overload, args: [other] }) =>
    other && {
      cost: sum(
        read(sum(addressBytes, addressBytes)),
        more,
        isString(overload.params[1]) ? read(other.size) : nothing,
      ),
    };

const unitEqual = new Set([
  "net.IP",
  "net.CIDR",
  "kubernetes.Quantity",
  "kubernetes.Semver",
  "Authorizer",
  "PathCheck",
  "GroupCheck",
  "ResourceCheck",
  "Decision",
]);

const equal: Coster = ({ args: [left, right] }) => {
  const type = left && typeText(left.type);
  if (!left || !right || type !== typeText(right.type)) return undefined;
  if (type === "kubernetes.URL")
    return { cost: read({ min: 1, max: right.size === unknown ? 1 : right.size.max }) };
  if (type === "kubernetes.NamedFormat") return { cost: read({ min: 1, max: 64 }) };
  return unitEqual.has(type as string) ? unit : undefined;
};

/** Kubernetes' functions by name (apiserver pkg/cel/library/cost.go). */
const library = new Map<string, Coster>([
  ["check", () => ({ cost: exactly(350_000) })],
  ...named(
    "serviceAccount path group resource subresource namespace name allowed reason error errored",
    always,
  ),
  ...named("fieldSelector labelSelector", selector),
  ...named("isSorted sum max min indexOf lastIndexOf", overTarget),
  ...named(
    "url jsonpatch.escapeKey",
    ({ args: [text] }) => text && { cost: read(text.size), size: text.size },
  ),
  ...named("lowerAscii upperAscii substring trim", copying),
  ["replace", replace],
  ["split", split],
  ["join", joined],
  ...named("find findAll", found),
  ...named("cidr isIP isCIDR quantity isQuantity semver isSemver", readingFirst),
  ["ip", (call) => (call.target ? unit : readingFirst(call))],
  ["ip.isCanonical", ({ args: [text] }) => text && { cost: scaled(text.size, 2 * letterCost) }],
  ...named("masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast", always),
  ...named("isLinkLocalUnicast isGlobalUnicast", always),
  ["containsIP", contains(nothing)],
  ["containsCIDR", contains(sum(read(addressBytes), one))],
  // The longest pattern of a format has 128 characters.
  ["validate", ({ args: [text] }) => text && { cost: scaled(read(text.size), 128 * patternCost) }],
  ...named("format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan", always),
  ...named("compareTo add sub major minor patch", always),
  ...named("getScheme getHostname getHost getPort getEscapedPath getQuery", always),
  ["_==_", equal],
]);

const inSets =
  (factor: number): Coster =>
  ({ args: [left, right] }) =>
    left && right && { cost: sum(scaled(product(left.size, right.size), factor), one) };

const sorting = (sorted: Operand, by: CelType | undefined): Estimate => {
  const of = by?.kind === "list" ? by.of : undefined;
  return listing(product(sorted.size, sorted.size), isText(of) ? 2 + letterCost : 2);
};

/** cel-go's libraries of lists and sets, which take precedence. */
const lists = new Map<string, Coster>([
  [
    "slice",
    ({ target, args: [from, to] }) => {
      if (!target) return undefined;
      const count = (literal(to) ?? target.size.max) - (literal(from) ?? 0);
      return listing(exactly(count < 0 ? most : count), 1);
    },
  ],
  ["lists.range", ({ args: [count] }) => listing(exactly(literal(count) ?? most), 1)],
  ["reverse", ({ target }) => target && listing(target.size, 1)],
  [
    "flatten",
    ({ target, args: [depth] }) => target && listing(target.size, depth ? (literal(depth) ?? most) : 1),
  ],
  ["distinct", ({ target }) => target && listing(product(target.size, target.size), 2)],
  ["sort", ({ target, overload }) => target && sorting(target, overload.params[0])],
  ["@sortByAssociatedKeys", ({ args: [keys], overload }) => keys && sorting(keys, overload.params[1])],
  ["sets.contains", inSets(1)],
  ["sets.intersects", inSets(1)],
  ["sets.equivalent", inSets(2)],
]);

/** Comparison is limited by the shorter side. */
const compared: Coster = ({ args: [left, right] }) => {
  if (!left || !right) return undefined;
  const max = Math.min(left.size.max, right.size.max);
  return { cost: read({ min: max > 0 ? 1 : 0, max }) };
};

const comparedTexts: Coster = (call) => (isText(call.overload.params[0]) ? compared(call) : undefined);

const readingArgument: Coster = ({ target, args: [text] }) => target && text && { cost: read(text.size) };

const converted =
  (from: string, grow: (size: Range) => Range): Coster =>
  ({ overload: { params }, args: [text] }) =>
    params[0] && typeText(params[0]) === from && text
      ? { cost: read(text.size), size: grow(text.size) }
      : undefined;

/** cel-go's own functions (checker/cost.go). */
const base = new Map<string, Coster>([
  ["format", ({ target }) => target && { cost: read(target.size) }],
  ["bytes", converted("string", ({ min, max }) => ({ min, max: Math.min(most, 4 * max) }))],
  ["string", converted("bytes", ({ min, max }) => ({ min: Math.floor(min / 4), max }))],
  [
    "strings.quote",
    ({ args: [text] }) =>
      text && {
        cost: read(text.size),
        // Go's integers overflow: twice an unknown size, plus 2, is zero.
        size: { min: text.size.min + 2, max: text.size.max === most ? 0 : 2 * text.size.max + 2 },
      },
  ],
  ...named("startsWith endsWith", readingArgument),
  [
    "@in",
    ({ overload: { params }, args: [, list] }) =>
      params[1]?.kind === "list" && list ? { cost: list.size } : undefined,
  ],
  [
    "matches",
    ({ target, args: [pattern] }) => target && pattern && { cost: searched(target.size, pattern.size) },
  ],
  [
    "contains",
    ({ target, args: [part] }) => target && part && { cost: product(read(target.size), read(part.size)) },
  ],
  [
    "_+_",
    ({ overload: { params }, args: [left, right] }) => {
      if (!left || !right) return undefined;
      const size = sum(left.size, right.size);
      if (params[0]?.kind === "list") return { cost: one, size };
      return isText(params[0]) ? { cost: read(size), size } : undefined;
    },
  ],
  ...named("_<_ _<=_ _>_ _>=_", comparedTexts),
  ...named("_==_ _!=_", compared),
]);

/** Everything else costs one unit. */
export function costOf(call: Call): Estimate {
  for (const known of [lists, library, base]) {
    const estimate = known.get(call.name)?.(call);
    if (estimate) return estimate;
  }
  return unit;
}
