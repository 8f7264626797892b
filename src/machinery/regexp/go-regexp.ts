/** Regular expressions as Go's `regexp` package has them (RE2 syntax): the time of a search goes with the length of the text. */
import { syntaxProblem } from "./problem.ts";
import { Program } from "./program.ts";
import { type Node, parsePattern, PatternProblem } from "./syntax.ts";
import { v8Source } from "./v8.ts";

export interface Match {
  start: number;
  end: number;
}

export class GoRegexp {
  readonly #node: Node;
  /** V8's own, for texts without surrogates: of them it sees halves. */
  readonly #quick: RegExp | undefined;
  #program: Program | undefined;

  constructor(node: Node) {
    this.#node = node;
    const source = v8Source(node);
    if (source === undefined) return;
    try {
      this.#quick = new RegExp(source, "g");
    } catch {
      // Too large for it.
    }
  }

  /** How large it is, counts written out. */
  get size(): number {
    return this.#node.size;
  }

  /** The pattern that V8 searches with where it can do so in linear time. */
  get quick(): RegExp | undefined {
    return this.#quick;
  }

  get program(): Program {
    this.#program ??= new Program(this.#node);
    return this.#program;
  }

  test(text: string): boolean {
    return this.find(text, 0, true) !== undefined;
  }

  /** The first match that begins at `from` or later; with `any`, only whether there is one counts. */
  find(text: string, from = 0, any = false): Match | undefined {
    const quick = this.#quick;
    if (!quick || /[\ud800-\udfff]/.test(text)) return this.program.find(text, from, any);
    quick.lastIndex = from;
    if (any) return quick.test(text) ? { start: from, end: from } : undefined;
    const found = quick.exec(text);
    return found ? { start: found.index, end: found.index + found[0].length } : undefined;
  }

  /** All matches that do not overlap, `most` at most. One of nothing right behind another is none. */
  *all(text: string, most = Infinity): Iterable<string> {
    let before = -1;
    let count = 0;
    for (let at = 0; at <= text.length && count < most; ) {
      const found = this.find(text, at);
      if (!found) return;
      const { start, end } = found;
      const empty = start === end;
      if (!empty || start !== before) {
        yield text.slice(start, end);
        count++;
      }
      at = empty ? end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1) : end;
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
  const problem = syntaxProblem(pattern);
  if (problem !== undefined) return problem;
  try {
    return new GoRegexp(parsePattern(pattern));
  } catch (error) {
    if (error instanceof PatternProblem) return `error parsing regexp: ${error.message}`;
    throw error;
  }
}
