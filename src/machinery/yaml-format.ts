/** Formats objects as YAML like Go's yaml.v2: its key order, lists not indented below their key. */
import { yamlKey, yamlText } from "./yaml-scalar.ts";

const letter = /^\p{L}$/u;
const digit = /^\p{Nd}$/u;

/** Key order: letters after all other characters, digits by their number. */
export function compareYamlKeys(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const [x = "", y = ""] = [a[i], b[i]];
    if (x === y) continue;
    const byCode = (x.codePointAt(0) ?? 0) - (y.codePointAt(0) ?? 0);
    const [xLetter, yLetter] = [letter.test(x), letter.test(y)];
    if (xLetter && yLetter) return byCode;
    if (xLetter || yLetter) return yLetter ? -1 : 1;
    const continued = (x === "0" || y === "0") && /[1-9]\d*$/.test(a.slice(0, i).join(""));
    const [m, n] = [numberAt(a, i, continued), numberAt(b, i, continued)];
    if (m.value !== n.value) return m.value < n.value ? -1 : 1;
    return m.end - n.end || byCode;
  }
  return a.length - b.length;
}

/** The number at a position; `continued`: digits precede it. */
function numberAt(
  chars: readonly string[],
  from: number,
  continued: boolean,
): { value: bigint; end: number } {
  let end = from;
  while (end < chars.length && digit.test(chars[end] ?? "")) end++;
  const digits = chars.slice(from, end).join("");
  return { value: BigInt((continued ? "1" : "0") + (/^[0-9]*$/.test(digits) ? digits : "")), end };
}

/** Go's `%g` of a float: with an exponent from 1e+06 on. Integers have none. */
function numberText(value: number): string {
  if (Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 64) return String(value);
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= 6 || power < -4) {
    return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  return String(value);
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;

/** A value after a key or a dash: begins on the same line, ends without a line break. */
function scalar(value: unknown, column: number, indent: number): string {
  if (typeof value === "string") return yamlText(value, column, indent);
  if (typeof value === "number") return numberText(value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "[]" : "{}";
  return String(value ?? null);
}

const lines = (value: object, indent: number): string =>
  Array.isArray(value) ? listLines(value, indent) : mapLines(value, indent);

function mapLines(map: object, indent: number): string {
  const pad = " ".repeat(indent);
  const values = map as Record<string, unknown>;
  const keys = Object.keys(values).filter((key) => values[key] !== undefined);
  return keys
    .toSorted(compareYamlKeys)
    .map((key) => {
      const name = yamlKey(key, indent);
      const value = values[key];
      if (typeof value === "object" && value !== null && !isEmpty(value)) {
        if (name.startsWith("? ")) return `${name} ${lines(value, indent + 2)}`;
        return Array.isArray(value)
          ? `${name}\n${pad}${listLines(value, indent)}`
          : `${name}\n${pad}  ${mapLines(value, indent + 2)}`;
      }
      const column = indent + (name.startsWith("? ") ? 2 : name.length + 1);
      return `${name} ${scalar(value, column, indent + 2)}`;
    })
    .join(`\n${pad}`);
}

function listLines(list: readonly unknown[], indent: number): string {
  return list
    .map((value) => {
      if (typeof value === "object" && value !== null && !isEmpty(value))
        return `- ${lines(value, indent + 2)}`;
      return `- ${scalar(value, indent + 2, indent + 2)}`;
    })
    .join(`\n${" ".repeat(indent)}`);
}

/**
 * YAML as printed by Kubernetes and kubectl. Strings that would be read as another type are double-quoted, those that cannot be
 * plain are single-quoted, and multi-line ones are literal blocks.
 */
export function formatYaml(value: unknown): string {
  const whole = typeof value === "object" && value !== null && !isEmpty(value);
  if (!whole) return `${scalar(value, 0, 2)}\n`;
  return `${lines(value, 0)}\n`;
}
