/**
 * Regular expressions of Go's `regexp` package (RE2 syntax), for patterns of clients: matching takes linear time for any pattern.
 */
import { RE2JS, RE2JSException } from "re2js";
import { withKnownClasses } from "./go-regexp-classes.ts";

export class GoRegexp {
  readonly #re2: RE2JS;

  constructor(re2: RE2JS) {
    this.#re2 = re2;
  }

  /** Its size, with counted repetitions expanded. */
  get size(): number {
    return this.#re2.programSize();
  }

  test(text: string): boolean {
    return this.#re2.test(text);
  }

  /**
   * All non-overlapping matches, at most `most`, without empty ones adjacent to another. Each search takes time proportional to
   * the rest of the text, so many searches may take quadratic time: `onRead` is told about the characters read, and may throw to
   * stop.
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
/** Searching for a string is faster than a step of a match by at least this factor. */
const lettersPerLook = 16;

/** A string that reports how much of it is read. The library accepts objects like String. */
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

/** Go's error for an invalid pattern; undefined for a valid one. */
export function regexpProblem(pattern: string): string | undefined {
  const made = compileRegexp(pattern);
  return typeof made === "string" ? made : undefined;
}

const compiled = new Map<string, GoRegexp | string>();
/** Limit of all cached patterns together, by size. */
const maxRemembered = 1_000_000;
/** Minimum size of a pattern. */
const baseWeight = 1000;
let remembered = 0;

/** Compiles and caches a pattern. Returns Go's error as a text. */
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
  // The error shows the original pattern.
  return typeof made === "string" && known !== pattern ? compileKnown(pattern) : made;
}

function compileKnown(pattern: string): GoRegexp | string {
  try {
    return new GoRegexp(RE2JS.compile(pattern));
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    // Go names the invalid part even if it is empty.
    return error.message.replace(/expression$/, "expression: ``");
  }
}
