/**
 * Kubernetes quantities (`100m`, `1.5Gi`, `2e3`): exact to a nano-unit, rounded away from zero beyond that, those in powers
 * of two capped at 2^63-1, and written back in the canonical form of the notation they came in (apimachinery
 * resource.Quantity).
 */
export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent";

export interface Quantity {
  /** The value in units of 10^-9. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const nano = 1_000_000_000n;
const limit = (2n ** 63n - 1n) * nano;
/** Powers of two of the binary suffixes. */
const binary: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
/** Powers of ten of the decimal suffixes. */
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const decimalSuffix = new Map(Object.entries(decimal).map(([suffix, power]) => [power, suffix]));

/** The same few strings are asked for over and over; the table is dropped whole when it grows. */
const cache = new Map<string, Quantity>();

/** Throws QuantityError with Kubernetes' text. */
export function parseQuantity(value: string | number): Quantity {
  const text = String(value);
  const known = cache.get(text);
  if (known) return known;
  const made = parse(text);
  if (cache.size > 4096) cache.clear();
  cache.set(text, made);
  return made;
}

const formatText =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/** Longer numbers are refused, to limit the arithmetic. */
const maxLength = 128;

interface Parts {
  negative: boolean;
  /** Digits before the point without leading zeros, at least `0`, and behind it. */
  whole: string;
  fraction: string;
  format: QuantityFormat;
  /** Of two for BinarySI, of ten for the others. */
  exponent: number;
}

/** There need not be digits: `.` and `Ki` are zero. */
const form = /^([+-]?)0*(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;

function partsOf(text: string): Parts {
  const match = text === "" || text.length > maxLength ? null : form.exec(text);
  if (!match) throw new QuantityError(formatText);
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  const parts = { negative: sign === "-", whole: whole || "0", fraction };
  const powers = binary[suffix];
  if (powers !== undefined) return { ...parts, format: "BinarySI", exponent: powers };
  const power = decimal[suffix];
  if (power !== undefined) return { ...parts, format: "DecimalSI", exponent: power };
  const exponent = /^[eE]([+-]?\d{1,4})$/.exec(suffix)?.[1];
  if (exponent === undefined) throw new QuantityError("unable to parse quantity's suffix");
  return { ...parts, format: "DecimalExponent", exponent: Number(exponent) };
}

function parse(text: string): Quantity {
  const { negative, whole, fraction, format, exponent } = partsOf(text);
  let numerator = BigInt(whole + fraction) * nano;
  let denominator = 10n ** BigInt(fraction.length);
  const base = format === "BinarySI" ? 2n : 10n;
  if (exponent >= 0) numerator *= base ** BigInt(exponent);
  else denominator *= base ** BigInt(-exponent);
  let nanos = numerator / denominator;
  if (nanos * denominator !== numerator) nanos += 1n;
  if (format === "BinarySI" && nanos > limit) nanos = limit;
  return { nanos: negative ? -nanos : nanos, format };
}

/** Go keeps the text of small numbers that look canonical, `+5` and `1.500` among them. */
function isKept(text: string): boolean {
  const { whole, fraction, format, exponent } = partsOf(text);
  const digits = whole + fraction;
  if (format === "BinarySI") {
    const room = 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1;
    return fraction === "" && room >= 0 && Number(digits) % 8 !== 0;
  }
  const scale = exponent - fraction.length;
  return (
    digits.length <= 18 && scale >= -9 && scale % 3 === 0 && !digits.endsWith("000") && digits[0] !== "0"
  );
}

const coerce = (value: string | number | Quantity): Quantity =>
  typeof value === "object" ? value : parseQuantity(value);

/** Whole units, rounded up (away from zero for negatives), as `Quantity.Value()`. */
export function quantityValue(value: string | number | Quantity): number {
  return scaled(coerce(value).nanos, nano);
}

/** Thousandths, rounded up, as `Quantity.MilliValue()`. */
export function milliValue(value: string | number | Quantity): number {
  return scaled(coerce(value).nanos, 1_000_000n);
}

/** Powers of ten that Go multiplies by at once: what overflows then stays, in 64 bits. By others it comes to nothing. */
const atOnce: readonly number[] = [0, 1, 2, 3, 6, 9];

/** Thousandths of this text as in `Quantity.MilliValue()`, with 64-bit overflow. */
export function thousandths(text: string): bigint {
  const { nanos } = parseQuantity(text);
  const exact = roundedUp(nanos, 1_000_000n);
  const wrapped = BigInt.asIntN(64, exact);
  if (wrapped === exact) return exact;
  const { whole, fraction, format, exponent } = partsOf(text);
  const isShort = format !== "BinarySI" && whole.length + fraction.length <= 18;
  return isShort && !atOnce.includes(exponent - fraction.length + 3) ? 0n : wrapped;
}

function roundedUp(nanos: bigint, unit: bigint): bigint {
  const whole = nanos / unit;
  const rest = nanos % unit;
  return rest === 0n ? whole : rest > 0n ? whole + 1n : whole - 1n;
}

const scaled = (nanos: bigint, unit: bigint): number => Number(roundedUp(nanos, unit));

export function addQuantity(a: string | Quantity, b: string | Quantity): Quantity {
  const left = coerce(a);
  const right = coerce(b);
  return { nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

export function subQuantity(a: string | Quantity, b: string | Quantity): Quantity {
  const left = coerce(a);
  const right = coerce(b);
  return { nanos: left.nanos - right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

/** Negative, zero or positive, as for sort. */
export function compareQuantity(a: string | number | Quantity, b: string | number | Quantity): number {
  const left = coerce(a).nanos;
  const right = coerce(b).nanos;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The canonical text: no fraction, the largest suffix that loses nothing. */
export function formatQuantity(quantity: Quantity): string {
  const { nanos } = quantity;
  if (nanos === 0n) return "0";
  if (quantity.format === "BinarySI") {
    const small = nanos > -1024n * nano && nanos < 1024n * nano;
    if (!small && nanos % nano === 0n) return formatBinary(nanos / nano);
    return formatDecimal(nanos, "DecimalSI");
  }
  return formatDecimal(nanos, quantity.format);
}

function formatBinary(value: bigint): string {
  let rest = value;
  let suffix = "";
  for (const name of Object.keys(binary)) {
    if (rest % 1024n !== 0n) break;
    rest /= 1024n;
    suffix = name;
  }
  return `${rest}${suffix}`;
}

function formatDecimal(nanos: bigint, format: "DecimalSI" | "DecimalExponent"): string {
  let rest = nanos;
  let power = -9;
  while (rest % 1000n === 0n) {
    rest /= 1000n;
    power += 3;
  }
  if (format === "DecimalExponent") return power === 0 ? `${rest}` : `${rest}e${power}`;
  // There is no suffix beyond exa, and Go leaves it out.
  return `${rest}${decimalSuffix.get(power) ?? ""}`;
}

const canonicalCache = new Map<string | number, string>();

/** The canonical text that Kubernetes stores; throws QuantityError for an invalid quantity. */
export function canonicalQuantity(value: string | number): string {
  const known = canonicalCache.get(value);
  if (known !== undefined) return known;
  const text = String(value).trim();
  const made = isKept(text) ? text : formatQuantity(parseQuantity(text));
  // Spaces around it may be many.
  if (typeof value === "string" && value.length > maxLength) return made;
  if (canonicalCache.size > 4096) canonicalCache.clear();
  canonicalCache.set(value, made);
  return made;
}
