/** Literals whose syntax is checked at compile time. */
import type { Problem } from "./errors.ts";
import { regexpProblem } from "../go-regexp.ts";
import { parseDurationText, parseTimestampText } from "./library/time.ts";
import type { Node } from "./syntax.ts";
import { type CelType, isDyn, typeText } from "./types.ts";

/** The problem of literal arguments in a call of the function `name`. */
export function literalProblem(
  node: Node,
  name: string,
  args: readonly Node[],
  typeOf: (node: Node) => CelType,
): Problem | undefined {
  const last = args.at(-1);
  const [, form] = node.args as [string, Node];
  if (name === "format" && form?.op === "value" && typeof form.args === "string" && last?.op === "list") {
    const text = clauseProblem(form.args, (last.args as Node[]).length);
    if (text !== undefined) return { at: node.at, text };
    return misfit(form.args, last.args as Node[], typeOf);
  }
  if (last?.op !== "value" || typeof last.args !== "string") return undefined;
  const text = last.args;
  const wrong =
    (name === "matches" && regexpProblem(text)) ||
    (name === "duration" && node.op === "call" && parseDurationText(text) === undefined) ||
    (name === "timestamp" && node.op === "call" && parseTimestampText(text) === undefined);
  return wrong ? { at: last.at, text: `invalid ${name} argument` } : undefined;
}

const ints = ["int", "uint"];
/** The types of format clauses, and the errors for others. */
const clauses: Record<string, readonly [text: string, types: readonly string[]]> = {
  d: ["decimal clause can only be used on integers", ints],
  o: ["octal clause can only be used on integers", ints],
  b: ["only integers and bools can be formatted as binary", [...ints, "bool"]],
  x: ["only integers, byte buffers, and strings can be formatted as hex", [...ints, "string", "bytes"]],
  f: ["fixed-point clause can only be used on doubles", ["double", "string"]],
  e: ["scientific clause can only be used on doubles", ["double", "string"]],
};

/** The first argument whose type does not match its clause. */
function misfit(form: string, given: readonly Node[], typeOf: (node: Node) => CelType): Problem | undefined {
  const letters = [...form.replaceAll("%%", "").matchAll(/%(?:\.\d+)?([a-zA-Z])/g)];
  for (const [i, arg] of given.entries()) {
    const [text, types] = clauses[letters[i]?.[1]?.toLowerCase() ?? ""] ?? [];
    const type = typeOf(arg);
    if (text === undefined || isDyn(type) || types?.includes(typeText(type))) continue;
    return { at: arg.at, text: `error during formatting: ${text}, was given ${typeText(type)}` };
  }
  return undefined;
}

function clauseProblem(form: string, given: number): string | undefined {
  const clauses = form.replaceAll("%%", "").split("%").slice(1);
  const strange = clauses.map((clause) => /^(?:\.\d+)?([^bdefosxX.])/u.exec(clause)?.[1]).find(Boolean);
  if (strange !== undefined)
    return `could not parse formatting clause: unrecognized formatting clause "${strange}"`;
  if (clauses.includes("")) return "unexpected end of string";
  const wanted = clauses.length;
  if (wanted > given) return `index ${given} out of range`;
  if (wanted < given)
    return `too many arguments supplied to string.format (expected ${wanted}, got ${given})`;
  return undefined;
}
