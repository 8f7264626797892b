/** Values as Go's fmt prints them. */
import { isGoFloat } from "./exact-json.ts";

const named: Readonly<Record<number, string>> = {
  7: "\\a",
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** `%q`: quoted, with unprintable characters escaped. */
export function goQuote(text: string): string {
  // Nearly all texts are plain.
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  let quoted = "";
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const escape = named[code];
    if (escape) quoted += escape;
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (printable.test(character)) quoted += character;
    else if (code < 0x10000) quoted += `\\u${code.toString(16).padStart(4, "0")}`;
    else quoted += `\\U${code.toString(16).padStart(8, "0")}`;
  }
  return `"${quoted}"`;
}

/** `%v` of a floating-point number: Go's shortest form, with an exponent from a million on: 21847, 3.620864e+06, +Inf. */
export function goFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (Object.is(value, -0)) return "-0";
  if (value === 0 || (size >= 1e-4 && size < 1e6)) return String(value);
  const [digits = "", exponent = ""] = value.toExponential().split("e");
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** `%v` of decoded JSON: `map[a:1 b:[x y]]`, members in alphabetical order. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number") return isGoFloat(value) ? goFloat(value) : String(value);
  if (Array.isArray(value)) return `[${value.map((_, i) => memberText(value, i)).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const names = Object.keys(value).sort();
  return `map[${names.map((name) => `${name}:${memberText(value, name)}`).join(" ")}]`;
}

function memberText(holder: object, name: string | number): string {
  const value = (holder as Record<string | number, unknown>)[name];
  return typeof value === "number" && isGoFloat(value, holder, name) ? goFloat(value) : goText(value);
}

/** JSON as Go's encoder writes it: HTML characters, which only occur in strings, are escaped. */
export const withoutHtml = (json: string): string =>
  json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** `%T` of decoded JSON, in the words of encoders: `float64`, `[]interface {}`. */
export function goType(value: unknown): string {
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int64" : "float64";
    case "bigint":
      return "int64";
    default:
      return "map[string]interface {}";
  }
}
