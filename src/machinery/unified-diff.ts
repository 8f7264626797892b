/**
 * Unified diffs as in Kubernetes' messages, with three lines of context. The matching is that of Python's difflib (Ratcliff and
 * Obershelp: the longest common run, then both sides of it), in which very common lines of a long text are no anchors.
 */

interface Run {
  left: number;
  right: number;
  size: number;
}

interface Change {
  equal: boolean;
  left: readonly [number, number];
  right: readonly [number, number];
}

/** Texts of this many lines have common lines that are no anchors. */
const longText = 200;

/** Line -> where it stands, without the lines that are too common to find anything by. */
function anchorsOf(lines: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [i, line] of lines.entries()) {
    const known = places.get(line);
    if (known) known.push(i);
    else places.set(line, [i]);
  }
  if (lines.length < longText) return places;
  const most = Math.floor(lines.length / 100) + 1;
  for (const [line, at] of places) if (at.length > most) places.delete(line);
  return places;
}

class Matcher {
  readonly #left: readonly string[];
  readonly #right: readonly string[];
  readonly #anchors: Map<string, number[]>;

  constructor(left: readonly string[], right: readonly string[]) {
    this.#left = left;
    this.#right = right;
    this.#anchors = anchorsOf(right);
  }

  /** The longest common run within the bounds; the earliest of several. */
  #longest(fromLeft: number, toLeft: number, fromRight: number, toRight: number): Run {
    const best: Run = { left: fromLeft, right: fromRight, size: 0 };
    let lengths = new Map<number, number>();
    for (let i = fromLeft; i < toLeft; i++) {
      const next = new Map<number, number>();
      for (const j of this.#anchors.get(this.#left[i] as string) ?? []) {
        if (j < fromRight) continue;
        if (j >= toRight) break;
        const size = (lengths.get(j - 1) ?? 0) + 1;
        next.set(j, size);
        if (size > best.size) Object.assign(best, { left: i - size + 1, right: j - size + 1, size });
      }
      lengths = next;
    }
    // Common lines are no anchors, yet they make a run longer.
    while (best.left > fromLeft && best.right > fromRight && this.#same(best.left - 1, best.right - 1)) {
      best.left--;
      best.right--;
      best.size++;
    }
    while (
      best.left + best.size < toLeft &&
      best.right + best.size < toRight &&
      this.#same(best.left + best.size, best.right + best.size)
    )
      best.size++;
    return best;
  }

  #same(left: number, right: number): boolean {
    return this.#left[left] === this.#right[right];
  }

  #runs(fromLeft: number, toLeft: number, fromRight: number, toRight: number, found: Run[]): void {
    const run = this.#longest(fromLeft, toLeft, fromRight, toRight);
    if (run.size === 0) return;
    if (fromLeft < run.left && fromRight < run.right)
      this.#runs(fromLeft, run.left, fromRight, run.right, found);
    found.push(run);
    if (run.left + run.size < toLeft && run.right + run.size < toRight)
      this.#runs(run.left + run.size, toLeft, run.right + run.size, toRight, found);
  }

  changes(): Change[] {
    const runs: Run[] = [];
    this.#runs(0, this.#left.length, 0, this.#right.length, runs);
    const joined: Run[] = [];
    for (const run of runs) {
      const last = joined.at(-1);
      if (last && last.left + last.size === run.left && last.right + last.size === run.right)
        last.size += run.size;
      else joined.push({ ...run });
    }
    const out: Change[] = [];
    let left = 0;
    let right = 0;
    for (const run of [...joined, { left: this.#left.length, right: this.#right.length, size: 0 }]) {
      if (left < run.left || right < run.right)
        out.push({ equal: false, left: [left, run.left], right: [right, run.right] });
      left = run.left + run.size;
      right = run.right + run.size;
      if (run.size > 0) out.push({ equal: true, left: [run.left, left], right: [run.right, right] });
    }
    return out;
  }
}

/** Groups changes with up to `context` equal lines around them. */
function grouped(changes: readonly Change[], context: number): Change[][] {
  const groups: Change[][] = [];
  let group: Change[] = [];
  for (const [i, change] of changes.entries()) {
    let { left, right } = change;
    if (change.equal && i === 0) {
      left = [Math.max(left[0], left[1] - context), left[1]];
      right = [Math.max(right[0], right[1] - context), right[1]];
    }
    if (change.equal && i === changes.length - 1) {
      left = [left[0], Math.min(left[1], left[0] + context)];
      right = [right[0], Math.min(right[1], right[0] + context)];
    }
    if (change.equal && left[1] - left[0] > 2 * context) {
      group.push({
        equal: true,
        left: [left[0], Math.min(left[1], left[0] + context)],
        right: [right[0], Math.min(right[1], right[0] + context)],
      });
      groups.push(group);
      group = [];
      left = [Math.max(left[0], left[1] - context), left[1]];
      right = [Math.max(right[0], right[1] - context), right[1]];
    }
    group.push({ equal: change.equal, left, right });
  }
  if (group.length > 1 || group[0]?.equal === false) groups.push(group);
  return groups.filter((each) => each.some(({ equal }) => !equal));
}

function rangeText([from, to]: readonly [number, number]): string {
  const length = to - from;
  if (length === 1) return String(from + 1);
  return `${length === 0 ? from : from + 1},${length}`;
}

/** Lines that are shown around what changed. */
const contextLines = 3;

/** Empty when the texts are the same. */
export function unifiedDiff(left: string, right: string): string {
  const a = left.split("\n").map((line) => `${line}\n`);
  const b = right.split("\n").map((line) => `${line}\n`);
  let out = "";
  for (const group of grouped(new Matcher(a, b).changes(), contextLines)) {
    const first = group[0] as Change;
    const last = group.at(-1) as Change;
    out += `@@ -${rangeText([first.left[0], last.left[1]])} +${rangeText([first.right[0], last.right[1]])} @@\n`;
    for (const { equal, left: l, right: r } of group) {
      if (equal) for (const line of a.slice(...l)) out += ` ${line}`;
      else {
        for (const line of a.slice(...l)) out += `-${line}`;
        for (const line of b.slice(...r)) out += `+${line}`;
      }
    }
  }
  return out;
}
