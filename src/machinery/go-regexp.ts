/**
 * Regular expressions as Go's `regexp` package has them (RE2 syntax), which come from clients: the time of a search goes with the
 * length of the text, whatever the pattern.
 */
import { RE2JS, RE2JSException } from "re2js";

export class GoRegexp {
  readonly #re2: RE2JS;

  constructor(re2: RE2JS) {
    this.#re2 = re2;
  }

  /** How large it is, counts written out. */
  get size(): number {
    return this.#re2.programSize();
  }

  test(text: string): boolean {
    return this.#re2.test(text);
  }

  /** All matches that do not overlap, `most` at most. One of nothing right behind another is none. */
  *all(text: string, most = Infinity): Iterable<string> {
    const matcher = this.#re2.matcher(text);
    let before = -1;
    for (let count = 0; count < most && matcher.find(); ) {
      const [start, end] = [matcher.start(), matcher.end()];
      if (start < end || start !== before) {
        yield text.slice(start, end);
        count++;
      }
      before = end;
    }
  }
}

/** What Go says of a pattern that it does not take; undefined for one that it takes. */
export function regexpProblem(pattern: string): string | undefined {
  const made = compileRegexp(pattern);
  return typeof made === "string" ? made : undefined;
}

const compiled = new Map<string, GoRegexp | string>();
/** Of all that are remembered together, by their sizes. */
const maxRemembered = 1_000_000;
/** What even a small one weighs. */
const baseWeight = 1000;
let remembered = 0;

/** A text is what is wrong with the pattern, in Go's words. What was compiled is remembered for a while. */
export function compileRegexp(pattern: string): GoRegexp | string {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const made = compile(pattern);
  const weight = baseWeight + pattern.length + (typeof made === "string" ? made.length : made.size);
  if (remembered + weight > maxRemembered) {
    compiled.clear();
    remembered = 0;
  }
  if (weight <= maxRemembered) {
    compiled.set(pattern, made);
    remembered += weight;
  }
  return made;
}

function compile(pattern: string): GoRegexp | string {
  try {
    return new GoRegexp(RE2JS.compile(pattern));
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    // Go names the part that is wrong, be it none.
    return error.message.replace(/expression$/, "expression: ``");
  }
}
