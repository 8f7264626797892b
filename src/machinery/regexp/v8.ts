/** Patterns in V8's notation, as long as its engine of linear time can go on with what backtracks too long. */
import type { Node } from "./syntax.ts";

/** Longer ones are better run step by step. */
const maxSource = 20_000;
/** V8 makes code for each way through several parts that may be missing, one after the other: sixty of them take it for ever. */
const maxOptional = 12;
/** So many rounds of a count it writes out. */
const unrolled = 3;
/** As many copies as counts in counts may make in the engine of linear time (V8, regexp/experimental/experimental.cc). */
const maxCopies = 16;

class TooMuch extends Error {}

/**
 * Undefined where V8 could only try one way after another, which may take for ever. The engine of linear time takes no flags for case
 * or Unicode, so all is written without them.
 */
export function v8Source(node: Node): string | undefined {
  try {
    return new Writer().write(node, 1);
  } catch (error) {
    if (error instanceof TooMuch) return undefined;
    throw error;
  }
}

const places = { begin: "^", end: "$", word: "\\b", noWord: "\\B", lineBegin: "", lineEnd: "" };

class Writer {
  #optional = 0;

  /** `copies`: what counts around it make of it. */
  write(node: Node, copies: number): string {
    if (node.size > maxSource) throw new TooMuch();
    switch (node.op) {
      case "set": {
        const { source } = node.set;
        if (source === undefined) throw new TooMuch();
        return source;
      }
      case "place": {
        // V8 knows more ends of lines than Go.
        const text = places[node.place];
        if (text === "") throw new TooMuch();
        return text;
      }
      case "all":
        return bounded(
          node.parts.map((each) => {
            const source = this.write(each, copies);
            return each.op === "one" ? grouped(source) : source;
          }),
          "",
        );
      case "one":
        return bounded(
          node.parts.map((each) => this.write(each, copies)),
          "|",
        );
      case "repeat":
        return this.#repeat(node, copies);
    }
  }

  #repeat({ part, min, max, greedy }: Node & { op: "repeat" }, copies: number): string {
    // Rounds of nothing end a loop in Go, and do not count in V8.
    if (max === Infinity && part.empty) throw new TooMuch();
    const count = max === Infinity ? Math.max(min, 1) : max;
    if (copies * count > maxCopies) throw new TooMuch();
    if (max !== Infinity && max > min) this.#optional += Math.min(max - min, unrolled) * copies;
    if (this.#optional > maxOptional) throw new TooMuch();
    const each = grouped(this.write(part, copies * count));
    return `${each}${quantifier(min, max)}${greedy ? "" : "?"}`;
  }
}

function quantifier(min: number, max: number): string {
  if (max === Infinity) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  return min === 0 && max === 1 ? "?" : `{${min},${max}}`;
}

const grouped = (source: string): string =>
  /^(?:\\u.{4}|\[[^\]]*\])$/.test(source) ? source : `(?:${source})`;

function bounded(sources: readonly string[], between: string): string {
  const source = sources.join(between);
  if (source.length > maxSource) throw new TooMuch();
  return source;
}
