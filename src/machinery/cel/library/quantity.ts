/** Kubernetes' quantities and semantic versions. */
import { addQuantity, compareQuantity, parseQuantity, type Quantity, subQuantity } from "../../quantity.ts";
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import { CelOpaque, maxInt } from "../values.ts";

type Q = CelOpaque<Quantity>;
const nano = 1_000_000_000n;

const opaque = (value: Quantity): Q => new CelOpaque("kubernetes.Quantity", value, String(value.nanos));
const ofInt = (value: bigint): Quantity => ({ nanos: value * nano, format: "DecimalSI" });

function parsed(text: string): Q {
  try {
    return opaque(parseQuantity(text));
  } catch (error) {
    throw new CelEvaluationError((error as Error).message);
  }
}

function isQuantityText(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

const asInt = ({ nanos }: Quantity): bigint | undefined => {
  const value = nanos / nano;
  return nanos % nano === 0n && value <= maxInt ? value : undefined;
};

export const quantities: Library = {
  "quantity(string): kubernetes.Quantity": (_meter, text: string) => parsed(text),
  "isQuantity(string): bool": (_meter, text: string) => isQuantityText(text),
  "sign(kubernetes.Quantity): int": (_meter, { value }: Q) =>
    value.nanos > 0n ? 1n : value.nanos < 0n ? -1n : 0n,
  "kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool": (_meter, a: Q, b: Q) =>
    compareQuantity(a.value, b.value) > 0,
  "kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool": (_meter, a: Q, b: Q) =>
    compareQuantity(a.value, b.value) < 0,
  "kubernetes.Quantity.compareTo(kubernetes.Quantity): int": (_meter, a: Q, b: Q) =>
    BigInt(compareQuantity(a.value, b.value)),
  "kubernetes.Quantity.asApproximateFloat(): double": (_meter, { value }: Q) => Number(value.nanos) / 1e9,
  "kubernetes.Quantity.asInteger(): int": (_meter, { value }: Q) => {
    const whole = asInt(value);
    if (whole === undefined) throw new CelEvaluationError("cannot convert value to integer");
    return whole;
  },
  "kubernetes.Quantity.isInteger(): bool": (_meter, { value }: Q) => asInt(value) !== undefined,
  "kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity": (_meter, a: Q, b: Q) =>
    opaque(addQuantity(a.value, b.value)),
  "kubernetes.Quantity.add(int): kubernetes.Quantity": (_meter, a: Q, b: bigint) =>
    opaque(addQuantity(a.value, ofInt(b))),
  "kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity": (_meter, a: Q, b: Q) =>
    opaque(subQuantity(a.value, b.value)),
  "kubernetes.Quantity.sub(int): kubernetes.Quantity": (_meter, a: Q, b: bigint) =>
    opaque(subQuantity(a.value, ofInt(b))),
};

interface Version {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];
}

type V = CelOpaque<Version>;

const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*))?(?:\+[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*)?$/;

function versionOf(text: string): V | undefined {
  const found = semver.exec(text);
  if (!found) return undefined;
  const [, major = "", minor = "", patch = "", pre] = found;
  const value: Version = {
    numbers: [BigInt(major), BigInt(minor), BigInt(patch)],
    pre: pre === undefined ? [] : pre.split("."),
  };
  return new CelOpaque("kubernetes.Semver", value, `${value.numbers.join(".")}-${pre ?? ""}`);
}

/** Without a leading v and leading zeros, and with missing numbers added. */
function normalized(text: string): string {
  const parts = text.replace(/^v/, "").split(".");
  const three = parts.length > 3 ? [...parts.slice(0, 2), parts.slice(2).join(".")] : parts;
  if (three.length < 3 && /[+-]/.test(three.at(-1) ?? "")) return "";
  const numbers = three.map((each) => each.replace(/^0+(?=\d)/, ""));
  while (numbers.length < 3) numbers.push("0");
  return numbers.join(".");
}

function needVersion(text: string): V {
  const version = versionOf(text);
  if (!version)
    throw new CelEvaluationError(
      text === "" ? "Version string empty" : "No Major.Minor.Patch elements found",
    );
  return version;
}

function compareVersions({ value: a }: V, { value: b }: V): number {
  for (const [i, x] of a.numbers.entries()) {
    const y = b.numbers[i] as bigint;
    if (x !== y) return x < y ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return Math.sign(b.pre.length - a.pre.length);
  for (const [i, x] of a.pre.entries()) {
    const y = b.pre[i];
    if (y === undefined) return 1;
    if (x === y) continue;
    const [isX, isY] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (isX !== isY) return isX ? -1 : 1;
    if (isX) return BigInt(x) < BigInt(y) ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return a.pre.length < b.pre.length ? -1 : 0;
}

export const versions: Library = {
  "semver(string): kubernetes.Semver": (_meter, text: string) => needVersion(text),
  "semver(string, bool): kubernetes.Semver": (_meter, text: string, lax: boolean) =>
    needVersion(lax ? normalized(text) : text),
  "isSemver(string): bool": (_meter, text: string) => versionOf(text) !== undefined,
  "isSemver(string, bool): bool": (_meter, text: string, lax: boolean) =>
    versionOf(lax ? normalized(text) : text) !== undefined,
  "kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool": (_meter, a: V, b: V) =>
    compareVersions(a, b) > 0,
  "kubernetes.Semver.isLessThan(kubernetes.Semver): bool": (_meter, a: V, b: V) => compareVersions(a, b) < 0,
  "kubernetes.Semver.compareTo(kubernetes.Semver): int": (_meter, a: V, b: V) =>
    BigInt(compareVersions(a, b)),
  "kubernetes.Semver.major(): int": (_meter, { value }: V) => value.numbers[0],
  "kubernetes.Semver.minor(): int": (_meter, { value }: V) => value.numbers[1],
  "kubernetes.Semver.patch(): int": (_meter, { value }: V) => value.numbers[2],
};
