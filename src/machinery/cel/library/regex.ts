/** Regular expressions of RE2: without lookaround or backreferences, so that matching is linear. */
import { compileRegexp, type GoRegexp } from "../../go-regexp.ts";
import { CelEvaluationError } from "../errors.ts";
import type { Library } from "../functions.ts";
import type { Meter } from "../meter.ts";

/** Counted repetitions expand a pattern; its size counts if it grows by more than this. */
const maxGrowth = 16;

function regex(meter: Meter, text: string, pattern: string): GoRegexp {
  // Kubernetes' estimate: length of the text times length of the pattern.
  const cost = (length: number): number => (text.length + 1) * 0.1 * Math.max(1, length * 0.25);
  meter.step(cost(pattern.length));
  const made = compileRegexp(pattern);
  if (typeof made === "string") throw new CelEvaluationError(made);
  const more = made.size / maxGrowth;
  if (more > pattern.length) meter.step(cost(more) - cost(pattern.length));
  return made;
}

const matches = (meter: Meter, text: string, pattern: string): boolean =>
  regex(meter, text, pattern).test(text);

/** Kubernetes' estimate covers one search; further reading is charged, too. */
function findAll(meter: Meter, text: string, pattern: string, count: bigint): string[] {
  const made = regex(meter, text, pattern);
  let free = 2 * made.size * (text.length + 1);
  const onRead = (letters: number): void => {
    free -= letters;
    if (free < 0) meter.step(letters / 5);
  };
  return [...made.all(text, count < 0n ? Infinity : Number(count), onRead)];
}

export const regexes: Library = {
  "matches(string, string): bool": matches,
  "string.matches(string): bool": matches,
  "string.find(string): string": (meter, text: string, pattern: string) =>
    [...regex(meter, text, pattern).all(text, 1)][0] ?? "",
  "string.findAll(string): list<string>": (meter, text: string, pattern: string) =>
    findAll(meter, text, pattern, -1n),
  "string.findAll(string, int): list<string>": findAll,
};
