/**
 * Kubernetes quantities (`100m`, `1.5Gi`, `2e3`): exact to a nano-unit, rounded away from zero beyond that, capped at
 * 2^63-1, and written back in the canonical form of the notation they came in (apimachinery resource.Quantity).
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
const binary: Record<string, bigint> = {
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
  Ei: 2n ** 60n,
};
/** Powers of ten of the decimal suffixes. */
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const decimalSuffix = new Map(Object.entries(decimal).map(([suffix, power]) => [power, suffix]));

/** The same few strings are asked for over and over; the table is dropped whole when it grows. */
const cache = new Map<string, Quantity>();

/** Throws QuantityError with Kubernetes' text. */
export function parseQuantity(value: string | number): Quantity {
  const text = typeof value === "number" ? String(value) : value;
  const known = cache.get(text);
  if (known) return known;
  const made = parse(text);
  if (cache.size > 4096) cache.clear();
  cache.set(text, made);
  return made;
}

const formatText =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/** Arithmetic on more digits than anybody writes would only keep the server busy. */
const maxLength = 128;

function parse(text: string): Quantity {
  if (text.length > maxLength) throw new QuantityError(formatText);
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(.*)$/s.exec(text);
  const whole = match?.[2] ?? "";
  const fraction = match?.[3] ?? "";
  if (!match || (whole === "" && fraction === "")) {
    throw new QuantityError(formatText);
  }
  const suffix = match[4] as string;
  const digits = BigInt(whole + fraction);
  let format: QuantityFormat = "DecimalSI";
  let numerator = digits * nano;
  let denominator = 10n ** BigInt(fraction.length);
  const factor = binary[suffix];
  const exponent = /^[eE]([+-]?\d{1,4})$/.exec(suffix);
  if (factor !== undefined) {
    format = "BinarySI";
    numerator *= factor;
  } else {
    const power = exponent ? Number(exponent[1]) : decimal[suffix];
    if (power === undefined) {
      if (/^[eEinumkKMGTP]*[-+]?[0-9]*$/.test(suffix))
        throw new QuantityError("unable to parse quantity's suffix");
      throw new QuantityError(formatText);
    }
    if (exponent) format = "DecimalExponent";
    if (power >= 0) numerator *= 10n ** BigInt(power);
    else denominator *= 10n ** BigInt(-power);
  }
  let nanos = numerator / denominator;
  if (nanos * denominator !== numerator) nanos += 1n;
  if (nanos > limit) nanos = limit;
  return { nanos: match[1] === "-" ? -nanos : nanos, format };
}

const coerce = (value: string | number | Quantity): Quantity =>
  typeof value === "object" ? value : parseQuantity(value);

/** Whole units, rounded up (away from zero for negatives), as `Quantity.Value()`. */
export function quantityValue(value: string | number | Quantity): number {
  return scaled(coerce(value).nanos, nano);
}

/** Bytes of a memory or storage quantity. */
export const bytesValue: (value: string | number | Quantity) => number = quantityValue;

/** Thousandths, rounded up, as `Quantity.MilliValue()`. */
export function milliValue(value: string | number | Quantity): number {
  return scaled(coerce(value).nanos, 1_000_000n);
}

function scaled(nanos: bigint, unit: bigint): number {
  const whole = nanos / unit;
  const rest = nanos % unit;
  return Number(rest === 0n ? whole : rest > 0n ? whole + 1n : whole - 1n);
}

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
  while (power < 18 && rest % 1000n === 0n) {
    rest /= 1000n;
    power += 3;
  }
  if (format === "DecimalExponent") return power === 0 ? `${rest}` : `${rest}e${power}`;
  return `${rest}${decimalSuffix.get(power)}`;
}

const canonicalCache = new Map<string | number, string>();

/** The text Kubernetes stores for a quantity it was given; throws QuantityError for what is none. */
export function canonicalQuantity(value: string | number): string {
  const known = canonicalCache.get(value);
  if (known !== undefined) return known;
  const made = formatQuantity(parseQuantity(typeof value === "string" ? value.trim() : value));
  if (canonicalCache.size > 4096) canonicalCache.clear();
  canonicalCache.set(value, made);
  return made;
}
