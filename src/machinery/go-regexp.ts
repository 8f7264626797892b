/**
 * Regular expressions as Go's `regexp` package has them (RE2 syntax), which come from clients: the time of a search goes with the
 * length of the text, whatever the pattern.
 */
import { RE2JS, RE2JSException } from "re2js";
import { withKnownClasses } from "./go-regexp-classes.ts";

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

  /**
   * All matches that do not overlap, `most` at most. One of nothing right behind another is none. To find one takes time by the
   * length of all that is left, so many may take time by its square: `onRead` hears of letters as they are read, and ends it by an error.
   */
  *all(text: string, most = Infinity, onRead?: (letters: number) => void): Iterable<string> {
    const matcher = this.#re2.matcher(onRead ? (new HeardText(text, onRead) as unknown as string) : text);
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

const lettersAtOnce = 1024;
/** Looking for a text in the other is faster than a step of a search by as much, at least. */
const lettersPerLook = 16;

/** A text that tells how much of it is read. The library takes everything of the kind of a String. */
class HeardText extends String {
  readonly #text: string;
  readonly #onRead: (letters: number) => void;
  #unheard = 0;

  constructor(text: string, onRead: (letters: number) => void) {
    super(text);
    this.#text = text;
    this.#onRead = onRead;
  }

  override charCodeAt(at: number): number {
    if (++this.#unheard >= lettersAtOnce) this.#tell();
    return this.#text.charCodeAt(at);
  }

  override indexOf(wanted: string, from = 0): number {
    const found = this.#text.indexOf(wanted, from);
    this.#unheard += ((found < 0 ? this.#text.length : found) - from) / lettersPerLook;
    if (this.#unheard >= lettersAtOnce) this.#tell();
    return found;
  }

  #tell(): void {
    const letters = this.#unheard;
    this.#unheard = 0;
    this.#onRead(letters);
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
  const known = withKnownClasses(pattern);
  const made = compileKnown(known);
  // What is wrong is told as it was given.
  return typeof made === "string" && known !== pattern ? compileKnown(pattern) : made;
}

function compileKnown(pattern: string): GoRegexp | string {
  try {
    return new GoRegexp(RE2JS.compile(pattern));
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    // Go names the part that is wrong, be it none.
    return error.message.replace(/expression$/, "expression: ``");
  }
}
