/** Patterns in V8's notation, as long as its engine of linear time can go on with what backtracks too long. */
import type { Node } from "./syntax.ts";

/** Longer ones are better run step by step than written out. */
const maxSource = 20_000;

class TooMuch extends Error {}

/**
 * Undefined where V8 could only try one way after another, which may take for ever. The engine of linear time takes no flags for case
 * or Unicode, and few counts (V8, regexp/experimental/experimental.cc), so all is written without them.
 */
export function v8Source(node: Node): string | undefined {
  try {
    return write(node);
  } catch (error) {
    if (error instanceof TooMuch) return undefined;
    throw error;
  }
}

const places = { begin: "^", end: "$", word: "\\b", noWord: "\\B", lineBegin: "", lineEnd: "" };

function write(node: Node): string {
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
        node.parts.map((each) => (each.op === "one" ? grouped(write(each)) : write(each))).join(""),
      );
    case "one":
      return bounded(node.parts.map(write).join("|"));
    case "repeat": {
      const { min, max, greedy, part } = node;
      const lazy = greedy ? "" : "?";
      // Rounds of nothing end a loop in Go, and do not count in V8.
      if (max === Infinity && part.empty) throw new TooMuch();
      const each = grouped(write(part));
      if (max === Infinity && min < 2) return `${each}${min === 0 ? "*" : "+"}${lazy}`;
      bounded(each, max === Infinity ? min + 1 : max);
      const first = each.repeat(min);
      if (max === Infinity) return `${first}${each}*${lazy}`;
      const open = `(?:${each}`.repeat(max - min);
      return `${first}${open}${`)?${lazy}`.repeat(max - min)}`;
    }
  }
}

const grouped = (source: string): string =>
  /^(?:\\u.{4}|\[[^\]]*\])$/.test(source) ? source : `(?:${source})`;

function bounded(source: string, times = 1): string {
  if (source.length * times > maxSource) throw new TooMuch();
  return source;
}
