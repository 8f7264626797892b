/** Regular expressions as RE2 knows them: without looking around or back, so that time is linear. */
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import type { Meter } from "../meter.ts";

const compiled = new Map<string, RegExp | string>();
const classes: Record<string, string> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/** A text is what is wrong. Flags at the front, classes by name and ends of text are put in V8's notation. */
function compile(pattern: string): RegExp | string {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (compiled.size > 1000) compiled.clear();
  let made: RegExp | string;
  try {
    if (/\(\?<?[=!]/.test(pattern.replaceAll(/\\./g, "")))
      throw new Error(`invalid or unsupported Perl syntax: \`${/\(\?<?[=!]/.exec(pattern)?.[0]}\``);
    if (/\\[1-9]/.test(pattern.replaceAll("\\\\", ""))) throw new Error("invalid escape sequence");
    let flags = "";
    let text = pattern;
    const lead = /^\(\?([ims]+)\)/.exec(text);
    if (lead) {
      flags = [...new Set(lead[1])].join("");
      text = text.slice(lead[0].length);
    }
    text = text
      .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
      .replaceAll("(?P<", "(?<")
      .replaceAll("\\A", "^")
      .replaceAll("\\z", "$");
    // Code points only where the pattern speaks of them: V8's engine of linear time takes no other Unicode patterns.
    const unicode = /\\[pP]\{?|[\u{10000}-\u{10ffff}]/u.test(text);
    made = new RegExp(text, `${flags}g${unicode ? "u" : ""}`);
  } catch (error) {
    made = `error parsing regexp: ${(error as Error).message}`;
  }
  compiled.set(pattern, made);
  return made;
}

export const regexProblem = (pattern: string): string | undefined => {
  const made = compile(pattern);
  return typeof made === "string" ? made : undefined;
};

function regex(meter: Meter, text: string, pattern: string): RegExp {
  // As the original estimates it: the text's length by the pattern's.
  meter.step((text.length + 1) * 0.1 * Math.max(1, pattern.length * 0.25));
  const made = compile(pattern);
  if (typeof made === "string") throw new CelEvaluationError(made);
  made.lastIndex = 0;
  return made;
}

const matches = (meter: Meter, text: string, pattern: string): boolean =>
  regex(meter, text, pattern).test(text);

function findAll(meter: Meter, text: string, pattern: string, count: bigint): string[] {
  const found: string[] = [];
  for (const [each] of text.matchAll(regex(meter, text, pattern))) {
    if (count >= 0n && BigInt(found.length) >= count) break;
    found.push(each);
  }
  return found;
}

export const regexes: Library = {
  "matches(string, string): bool": matches,
  "string.matches(string): bool": matches,
  "string.find(string): string": (meter, text: string, pattern: string) =>
    regex(meter, text, pattern).exec(text)?.[0] ?? "",
  "string.findAll(string): list<string>": (meter, text: string, pattern: string) =>
    findAll(meter, text, pattern, -1n),
  "string.findAll(string, int): list<string>": findAll,
};
