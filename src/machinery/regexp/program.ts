/** Patterns run step by step, all ways at once, so that time goes with the text's length (Pike's machine, as in RE2). */
import { type CharSet, isWord } from "./charset.ts";
import type { Node, Place } from "./syntax.ts";

/** What `to` and `or` mean depends on it: the next steps, of which the first counts more. */
const ops = { set: 0, place: 1, split: 2, jump: 3, match: 4 } as const;

const places: readonly Place[] = ["begin", "end", "lineBegin", "lineEnd", "word", "noWord"];

export class Program {
  readonly #op: Uint8Array;
  /** Of a set or place: which one. Of a split or jump: where to. */
  readonly #first: Int32Array;
  readonly #second: Int32Array;
  readonly #sets: CharSet[] = [];
  #length = 0;
  /** Steps taken in all, for whoever wants to know what a search costs. */
  steps = 0;

  constructor(node: Node) {
    // Each node is one step and what joins it to others, at most two.
    const room = 3 * node.size + 8;
    this.#op = new Uint8Array(room);
    this.#first = new Int32Array(room);
    this.#second = new Int32Array(room);
    this.#write(node, new Map());
    this.#add(ops.match, 0, 0);
  }

  #add(op: number, first: number, second: number): number {
    this.#op[this.#length] = op;
    this.#first[this.#length] = first;
    this.#second[this.#length] = second;
    return this.#length++;
  }

  #write(node: Node, known: Map<CharSet, number>): void {
    switch (node.op) {
      case "set": {
        let index = known.get(node.set);
        if (index === undefined) {
          index = this.#sets.push(node.set) - 1;
          known.set(node.set, index);
        }
        this.#add(ops.set, index, 0);
        return;
      }
      case "place":
        this.#add(ops.place, places.indexOf(node.place), 0);
        return;
      case "all":
        for (const each of node.parts) this.#write(each, known);
        return;
      case "one": {
        const ends: number[] = [];
        for (const [i, each] of node.parts.entries()) {
          if (i === node.parts.length - 1) {
            this.#write(each, known);
            break;
          }
          const split = this.#add(ops.split, this.#length + 1, 0);
          this.#write(each, known);
          ends.push(this.#add(ops.jump, 0, 0));
          this.#second[split] = this.#length;
        }
        for (const each of ends) this.#first[each] = this.#length;
        return;
      }
      case "repeat":
        this.#repeat(node, known);
    }
  }

  #repeat({ part, min, max, greedy }: Node & { op: "repeat" }, known: Map<CharSet, number>): void {
    let last = this.#length;
    for (let i = 0; i < min; i++) {
      last = this.#length;
      this.#write(part, known);
    }
    const choose = (split: number, inside: number, after: number): void => {
      this.#first[split] = greedy ? inside : after;
      this.#second[split] = greedy ? after : inside;
    };
    if (max === Infinity) {
      // Without a round, or with some, each of which may be the last: rounds of nothing end the loop.
      const skip = min === 0 ? this.#add(ops.split, 0, 0) : -1;
      if (min === 0) {
        last = this.#length;
        this.#write(part, known);
      }
      const split = this.#add(ops.split, 0, 0);
      choose(split, last, this.#length);
      if (skip >= 0) choose(skip, last, this.#length);
      return;
    }
    const splits: number[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#add(ops.split, 0, 0));
      this.#write(part, known);
    }
    for (const split of splits) choose(split, split + 1, this.#length);
  }

  /** The first match at or behind `from` that a search from left to right finds; with `any`, only whether there is one counts. */
  find(text: string, from: number, any: boolean): { start: number; end: number } | undefined {
    let now = new Threads(this.#length);
    let next = new Threads(this.#length);
    let found: { start: number; end: number } | undefined;
    let before = from > 0 ? (text.charCodeAt(from - 1) as number) : -1;
    for (let at = from; ; ) {
      const code = text.codePointAt(at) ?? -1;
      if (!found) this.#enter(now, 0, at, before, code, text.length);
      if (now.count === 0 && found) break;
      const after = at + (code > 0xffff ? 2 : 1);
      next.clear();
      const following = code < 0 ? -1 : (text.codePointAt(after) ?? -1);
      for (let i = 0; i < now.count; i++) {
        this.steps++;
        const pc = now.order[i] as number;
        if (this.#op[pc] === ops.match) {
          found = { start: now.starts[i] as number, end: at };
          // What counts less is of no interest any more.
          break;
        }
        if (code >= 0 && (this.#sets[this.#first[pc] as number] as CharSet).has(code))
          this.#enter(next, pc + 1, now.starts[i] as number, code, following, text.length, after);
      }
      if (code < 0 || (found && any)) break;
      [now, next] = [next, now];
      before = code;
      at = after;
    }
    return found;
  }

  /** Follows from `pc` what takes no character. */
  #enter(
    threads: Threads,
    pc: number,
    start: number,
    before: number,
    after: number,
    length: number,
    at = start,
  ): void {
    const { stack } = threads;
    stack.push(pc);
    for (let each = stack.pop(); each !== undefined; each = stack.pop()) {
      if (threads.has(each)) continue;
      this.steps++;
      threads.mark(each);
      const first = this.#first[each] as number;
      switch (this.#op[each]) {
        case ops.jump:
          stack.push(first);
          break;
        case ops.split:
          stack.push(this.#second[each] as number, first);
          break;
        case ops.place:
          if (stands(places[first] as Place, at, before, after, length)) stack.push(each + 1);
          break;
        default:
          threads.add(each, start);
      }
    }
  }
}

const newline = 10;

function stands(place: Place, at: number, before: number, after: number, length: number): boolean {
  switch (place) {
    case "begin":
      return at === 0;
    case "end":
      return at === length;
    case "lineBegin":
      return at === 0 || before === newline;
    case "lineEnd":
      return at === length || after === newline;
    case "word":
      return isWord(before) !== isWord(after);
    case "noWord":
      return isWord(before) === isWord(after);
  }
}

/** Where all ways stand, those that count more first; each step is stood on once. */
class Threads {
  readonly order: Int32Array;
  readonly starts: Int32Array;
  readonly stack: number[] = [];
  readonly #marks: Int32Array;
  #round = 1;
  count = 0;

  constructor(steps: number) {
    this.order = new Int32Array(steps);
    this.starts = new Int32Array(steps);
    this.#marks = new Int32Array(steps);
  }

  has(step: number): boolean {
    return this.#marks[step] === this.#round;
  }

  mark(step: number): void {
    this.#marks[step] = this.#round;
  }

  add(step: number, start: number): void {
    this.order[this.count] = step;
    this.starts[this.count++] = start;
  }

  clear(): void {
    this.count = 0;
    this.#round++;
  }
}
