/** Syntax trees. */

/**
 * A node; `args` depends on `op`: `value` a value, `id` a name, `.` and `.?` [node, name], `[]` and `[?]` [node, key],
 * `call` [name, arguments], `rcall` [name, receiver, arguments], `list` items, `map` [key, value] pairs, `message` a
 * `Message`, `?:` three nodes, `!_` and `-_` a node, other operators two. `?` marks an item or key that may be none.
 */
export interface Node {
  readonly op: string;
  readonly args: unknown;
  /** cel-go's position (an operator at its sign, a call at its parenthesis): an offset in UTF-16 units. */
  readonly at: number;
}

export interface Message {
  readonly name: string;
  readonly fields: readonly MessageField[];
}

export interface MessageField {
  readonly name: string;
  readonly value: Node;
  /** The value is optional; the field is omitted when it is absent. */
  readonly optional: boolean;
  readonly at: number;
}

/** An invalid argument of a macro, and its position. */
export interface MacroProblem {
  readonly at: number;
  readonly text: string;
}

const simpleName = "argument must be a simple name";
const notIdentifier = "argument is not an identifier";
/** Argument counts of macros, the number of variables among them, and the errors for invalid ones. */
const loops: Readonly<Record<string, readonly [counts: readonly number[], names: number, text: string]>> = {
  all: [[2], 1, simpleName],
  exists: [[2], 1, simpleName],
  exists_one: [[2], 1, simpleName],
  filter: [[2], 1, notIdentifier],
  map: [[2, 3], 1, notIdentifier],
  optMap: [[2], 1, "optMap() variable name must be a simple identifier"],
  optFlatMap: [[2], 1, "optFlatMap() variable name must be a simple identifier"],
  sortBy: [[2], 1, notIdentifier],
};
const pairs: typeof loops = {
  all: [[3], 2, simpleName],
  exists: [[3], 2, simpleName],
  existsOne: [[3], 2, simpleName],
  transformList: [[3, 4], 2, simpleName],
  transformMap: [[3, 4], 2, simpleName],
  transformMapEntry: [[3, 4], 2, simpleName],
};

/** cel-go expands macros while it parses: invalid arguments are syntax errors. */
export function macroProblem(name: string, member: boolean, args: readonly Node[]): MacroProblem | undefined {
  if (!member) {
    const [arg] = args;
    return name === "has" && args.length === 1 && arg && arg.op !== "."
      ? { at: arg.at, text: "invalid argument to has() macro" }
      : undefined;
  }
  for (const table of [loops, pairs]) {
    const [counts, names, text] = Object.hasOwn(table, name) ? (table[name] ?? []) : [];
    if (!counts?.includes(args.length)) continue;
    const named = args.slice(0, names);
    const wrong = named.find(({ op }) => op !== "id");
    if (wrong) return { at: wrong.at, text: text as string };
    const [first, second] = named;
    if (second && first?.args === second.args)
      return { at: second.at, text: `duplicate variable name: ${String(second.args)}` };
    const hidden = named.find(({ args: given }) => given === "__result__");
    if (hidden && !name.startsWith("opt"))
      return { at: hidden.at, text: "iteration variable overwrites accumulator variable" };
  }
  return undefined;
}
