/** Go's patterns (RE2) as trees. Reads what `problem.ts` finds nothing wrong with. */
import { allBut, CharSet, escapedClasses, lastCodePoint, namedClasses, type Ranges } from "./charset.ts";

export type Place = "begin" | "end" | "lineBegin" | "lineEnd" | "word" | "noWord";

/** `size`: how many steps it becomes; `height`: how deep it nests; `empty`: whether it matches where nothing is. */
export type Node = { readonly size: number; readonly height: number; readonly empty: boolean } & (
  | { readonly op: "set"; readonly set: CharSet }
  | { readonly op: "place"; readonly place: Place }
  | { readonly op: "all" | "one"; readonly parts: readonly Node[] }
  | Repeat
);

interface Repeat {
  readonly op: "repeat";
  readonly part: Node;
  readonly min: number;
  readonly max: number;
  readonly greedy: boolean;
}

/** What Go allows (regexp/syntax, parse.go). */
const maxSize = 3_355_443;
const maxHeight = 1000;
const maxRepeat = 1000;

/** Which Go tells as it is. */
export class PatternProblem extends Error {
  override readonly name = "PatternProblem";
}

interface Flags {
  fold: boolean;
  lines: boolean;
  dotAll: boolean;
  swapGreed: boolean;
}

const controls: Record<string, number> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const newline = 10;

interface Piece {
  ranges: Ranges;
  properties?: { test: RegExp; negated: boolean }[];
}

const propertyTests = new Map<string, RegExp>();

function property(text: string): Piece {
  const found = /^\\([pP])(?:\{(\^?)([^}]*)\}|(.))$/u.exec(text);
  const [, letter, not = "", long, short] = found ?? [];
  const name = long ?? short ?? "";
  const negated = (letter === "P") !== (not === "^");
  if (name === "Any") return { ranges: negated ? [] : [[0, lastCodePoint]] };
  let test = propertyTests.get(name);
  if (!test) {
    test = new RegExp(name.length > 2 ? `\\p{Script=${name}}` : `\\p{${name}}`, "u");
    propertyTests.set(name, test);
  }
  return { ranges: [], properties: [{ test, negated }] };
}

const single = (code: number): Piece => ({ ranges: [[code, code]] });

const place = (where: Place): Node => ({ op: "place", place: where, size: 1, height: 1, empty: true });

const joined = (op: "all" | "one", parts: readonly Node[]): Node => {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  let size = op === "one" ? parts.length - 1 : 0;
  let height = 0;
  for (const each of parts) {
    size += each.size;
    height = Math.max(height, each.height);
  }
  const empty = op === "one" ? parts.some((each) => each.empty) : parts.every((each) => each.empty);
  return { op, parts, size: Math.max(1, size), height: height + 1, empty };
};

const sizeOf = (part: Node, min: number, max: number): number => {
  if (max === Infinity) return min === 0 ? 2 + part.size : 1 + min * part.size;
  return Math.max(1, max * part.size + max - min);
};

/** Whether counts within each other make no more than `left` of what they repeat. */
function repeatsWithin(node: Node, left: number): boolean {
  if (node.op === "all" || node.op === "one") return node.parts.every((each) => repeatsWithin(each, left));
  if (node.op !== "repeat") return true;
  const { min, max, part } = node;
  if (max === 0) return true;
  const count = max === Infinity ? min : max;
  return count <= left && repeatsWithin(part, count === 0 ? left : Math.floor(left / count));
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #flags: Flags = { fold: false, lines: false, dotAll: false, swapGreed: false };
  readonly #literals = new Map<number, Node>();

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Node {
    return this.#choices();
  }

  #fail(what: string, part = this.#text): never {
    throw new PatternProblem(`${what}: \`${part}\``);
  }

  #choices(): Node {
    if (++this.#depth > maxHeight) this.#fail("expression nests too deeply");
    const choices: Node[] = [];
    let parts: Node[] = [];
    for (;;) {
      const next = this.#text[this.#at];
      if (next === undefined || next === ")") break;
      if (next === "|") {
        this.#at++;
        choices.push(joined("all", parts));
        parts = [];
      } else this.#piece(parts);
    }
    choices.push(joined("all", parts));
    this.#depth--;
    const node = joined("one", choices);
    if (node.size > maxSize) this.#fail("expression too large");
    if (node.height > maxHeight) this.#fail("expression nests too deeply");
    return node;
  }

  /** Adds what stands here to `parts`, or repeats the last of them. */
  #piece(parts: Node[]): void {
    const text = this.#text;
    const at = this.#at;
    const next = text[at] as string;
    if (next === "*" || next === "+" || next === "?") {
      this.#at++;
      return this.#repeat(parts, next === "+" ? 1 : 0, next === "?" ? 1 : Infinity, at);
    }
    if (next === "{") {
      repetition.lastIndex = at;
      const [whole, low = "0", comma, high] = repetition.exec(text) ?? [];
      if (whole !== undefined) {
        this.#at += whole.length;
        const most = high ? Number(high) : comma ? Infinity : Number(low);
        return this.#repeat(parts, Number(low), most, at);
      }
    }
    if (next === "(") return this.#group(parts);
    if (next === "\\" && text[at + 1] === "Q") return this.#quotation(parts);
    parts.push(this.#atom(next));
  }

  #repeat(parts: Node[], min: number, max: number, from: number): void {
    let greedy = !this.#flags.swapGreed;
    if (this.#text[this.#at] === "?") {
      this.#at++;
      greedy = !greedy;
    }
    const part = parts.pop() ?? joined("all", []);
    const node: Node = {
      ...{ op: "repeat", part, min, max, greedy },
      size: sizeOf(part, min, max),
      height: part.height + 1,
      empty: min === 0 || part.empty,
    };
    if ((min >= 2 || (max !== Infinity && max >= 2)) && !repeatsWithin(node, maxRepeat))
      this.#fail("invalid repeat count", this.#text.slice(from, this.#at));
    if (node.size > maxSize) this.#fail("expression too large");
    if (node.height > maxHeight) this.#fail("expression nests too deeply");
    parts.push(node);
  }

  #group(parts: Node[]): void {
    groupStart.lastIndex = this.#at;
    const [whole = "(", on = "", off = "", end = ""] = groupStart.exec(this.#text) ?? [];
    this.#at += whole.length;
    const before = this.#flags;
    const flags = { ...before };
    for (const letter of on) flags[flagNames[letter as "i"]] = true;
    for (const letter of off.slice(1)) flags[flagNames[letter as "i"]] = false;
    this.#flags = flags;
    if (end === ")") return;
    parts.push(this.#choices());
    this.#at++;
    this.#flags = before;
  }

  #quotation(parts: Node[]): void {
    const from = this.#at + 2;
    const end = this.#text.indexOf("\\E", from);
    const stop = end < 0 ? this.#text.length : end;
    for (const each of this.#text.slice(from, stop)) parts.push(this.#literal(each.codePointAt(0) as number));
    this.#at = end < 0 ? stop : stop + 2;
  }

  #atom(next: string): Node {
    const { lines, dotAll } = this.#flags;
    switch (next) {
      case "^":
        this.#at++;
        return place(lines ? "lineBegin" : "begin");
      case "$":
        this.#at++;
        return place(lines ? "lineEnd" : "end");
      case ".":
        this.#at++;
        return dotAll ? anything : anyButNewline;
      case "[":
        return this.#class();
      case "\\": {
        const where = escapedPlaces[this.#text[this.#at + 1] as "A"];
        if (where) {
          this.#at += 2;
          return place(where);
        }
        const piece = this.#escape();
        const [range] = piece.ranges;
        if (!piece.properties && piece.ranges.length === 1 && range && range[0] === range[1])
          return this.#literal(range[0]);
        return setOf(new CharSet({ ...piece, fold: this.#flags.fold }));
      }
      default:
        return this.#literal(this.#character());
    }
  }

  #literal(code: number): Node {
    const { fold } = this.#flags;
    const key = fold ? -1 - code : code;
    let node = this.#literals.get(key);
    if (!node) {
      node = setOf(new CharSet({ ranges: [[code, code]], fold }));
      this.#literals.set(key, node);
    }
    return node;
  }

  #character(): number {
    const code = this.#text.codePointAt(this.#at) as number;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #escape(): Piece {
    escape.lastIndex = this.#at;
    const text = escape.exec(this.#text)?.[0] as string;
    this.#at += text.length;
    const letter = text[1] as string;
    if (letter === "p" || letter === "P") return property(text);
    const known = escapedClasses[letter.toLowerCase()];
    if (known) return { ranges: letter === letter.toLowerCase() ? known : allBut(known) };
    const control = controls[letter];
    if (control !== undefined) return single(control);
    if (letter === "x") return single(Number.parseInt(text.slice(2).replace(/[{}]/g, ""), 16));
    if (letter >= "0" && letter <= "7") return single(Number.parseInt(text.slice(1), 8));
    return single(text.codePointAt(1) as number);
  }

  #class(): Node {
    const text = this.#text;
    this.#at++;
    const negated = text[this.#at] === "^";
    if (negated) this.#at++;
    const ranges: (readonly [number, number])[] = [];
    const properties: { test: RegExp; negated: boolean }[] = [];
    const take = (piece: Piece): void => {
      for (const each of piece.ranges) ranges.push(each);
      properties.push(...(piece.properties ?? []));
    };
    for (let first = true; first || text[this.#at] !== "]"; first = false) {
      namedClass.lastIndex = this.#at;
      const [whole, not, name] = namedClass.exec(text) ?? [];
      const named = namedClasses[name ?? ""];
      if (whole && named) {
        this.#at += whole.length;
        take({ ranges: not ? allBut(named) : named });
        continue;
      }
      const low = this.#member();
      const [from] = low.ranges;
      const isOne = !low.properties && low.ranges.length === 1 && from && from[0] === from[1];
      if (!isOne || text[this.#at] !== "-" || text[this.#at + 1] === "]") {
        take(low);
        continue;
      }
      this.#at++;
      const high = this.#member().ranges[0]?.[1] ?? from[0];
      ranges.push([from[0], high]);
    }
    this.#at++;
    return setOf(new CharSet({ ranges, properties, negated, fold: this.#flags.fold }));
  }

  #member(): Piece {
    return this.#text[this.#at] === "\\" ? this.#escape() : single(this.#character());
  }
}

const repetition = /\{(\d+)(,)?(\d*)\}/y;
const groupStart = /\((?:\?P?<\w+>|\?([imsU]*)(-[imsU]+)?([:)]))?/y;
const escape = /\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[\da-fA-F]+\}|[\da-fA-F]{2})|[0-7]{1,3}|.)/suy;
const namedClass = /\[:(\^?)([a-z]+):\]/y;
const flagNames = { i: "fold", m: "lines", s: "dotAll", U: "swapGreed" } as const;
const escapedPlaces: Partial<Record<string, Place>> = { A: "begin", z: "end", b: "word", B: "noWord" };

const setOf = (set: CharSet): Node => ({ op: "set", set, size: 1, height: 1, empty: false });
const anything = setOf(new CharSet({ ranges: [[0, lastCodePoint]] }));
const anyButNewline = setOf(new CharSet({ ranges: [[newline, newline]], negated: true }));

/** Throws PatternProblem for what is too large. */
export const parsePattern = (text: string): Node => new Parser(text).whole();
