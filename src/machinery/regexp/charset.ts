/** Sets of characters as Go's patterns name them. */

/** Pairs of first and last code point, in order, apart from each other. */
export type Ranges = readonly (readonly [low: number, high: number])[];

/** What a script or category of Unicode holds, or all but that. */
interface Property {
  test: RegExp;
  negated: boolean;
}

export const lastCodePoint = 0x10ffff;

/** In order and put together where they touch. */
export function normal(ranges: Ranges): Ranges {
  const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = merged.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else merged.push([low, high]);
  }
  return merged;
}

export function allBut(ranges: Ranges): Ranges {
  const rest: [number, number][] = [];
  let from = 0;
  for (const [low, high] of normal(ranges)) {
    if (low > from) rest.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= lastCodePoint) rest.push([from, lastCodePoint]);
  return rest;
}

/** A letter in its other cases, itself too; two letters have a third form (Unicode, simple case folding). */
function cases(code: number): number[] {
  const found = new Set([code]);
  const one = (text: string): number | undefined => {
    const point = text.codePointAt(0) as number;
    // Turkish letters without or with a dot are no cases of others.
    return String.fromCodePoint(point) === text && point !== 0x130 && point !== 0x131 ? point : undefined;
  };
  if (code === 0x130 || code === 0x131) return [code];
  for (const each of found) {
    const text = String.fromCodePoint(each);
    for (const other of [one(text.toLowerCase()), one(text.toUpperCase())])
      if (other !== undefined) found.add(other);
    if (each === 0x6b) found.add(0x212a);
    if (each === 0x73) found.add(0x17f);
  }
  return [...found];
}

export interface SetParts {
  ranges: Ranges;
  properties?: readonly Property[];
  negated?: boolean;
  /** Letters stand for their other cases, too. */
  fold?: boolean;
}

const asciiOnly = (ranges: Ranges): boolean => ranges.every(([, high]) => high < 128);

export class CharSet {
  readonly #ranges: Ranges;
  readonly #properties: readonly Property[];
  readonly #negated: boolean;
  readonly #fold: boolean;
  /** Of the first 128 characters; 0: not looked at, 1: out, 2: in. */
  readonly #known = new Uint8Array(128);

  constructor({ ranges, properties = [], negated = false, fold = false }: SetParts) {
    this.#properties = properties;
    const folds = fold && asciiOnly(ranges);
    const all = folds ? ranges.flatMap(casesOfRange) : ranges;
    const resolved = properties.length === 0 && (folds || !fold);
    this.#ranges = negated && resolved ? allBut(all) : normal(all);
    this.#negated = negated && !resolved;
    this.#fold = fold && !folds;
  }

  has(code: number): boolean {
    if (code >= 128) return this.#look(code);
    const known = this.#known[code] as number;
    if (known !== 0) return known === 2;
    const held = this.#look(code);
    this.#known[code] = held ? 2 : 1;
    return held;
  }

  #look(code: number): boolean {
    const held = this.#fold ? cases(code).some((each) => this.#holds(each)) : this.#holds(code);
    return held !== this.#negated;
  }

  #holds(code: number): boolean {
    let low = 0;
    let high = this.#ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const [from, to] = this.#ranges[middle] as [number, number];
      if (code < from) high = middle - 1;
      else if (code > to) low = middle + 1;
      else return true;
    }
    if (this.#properties.length === 0) return false;
    const text = String.fromCodePoint(code);
    return this.#properties.some(({ test, negated }) => test.test(text) !== negated);
  }

  /** In V8's notation, for texts without surrogates; undefined for what only Unicode patterns can say. */
  get source(): string | undefined {
    if (this.#properties.length > 0 || this.#fold) return undefined;
    const parts = this.#ranges
      .filter(([low]) => low <= 0xffff)
      .map(([low, high]) => (low === high ? unit(low) : `${unit(low)}-${unit(Math.min(high, 0xffff))}`));
    const [only] = this.#ranges;
    return only && this.#ranges.length === 1 && only[0] === only[1] ? parts[0] : `[${parts.join("")}]`;
  }
}

const unit = (code: number): string => `\\u${code.toString(16).padStart(4, "0")}`;

function casesOfRange([low, high]: readonly [number, number]): Ranges {
  const found: [number, number][] = [[low, high]];
  for (let code = low; code <= high; code++) for (const each of cases(code)) found.push([each, each]);
  return found;
}

const digits: Ranges = [[0x30, 0x39]];
const lower: Ranges = [[0x61, 0x7a]];
const upper: Ranges = [[0x41, 0x5a]];
const letters: Ranges = [...upper, ...lower];
const word: Ranges = [...digits, ...letters, [0x5f, 0x5f]];

/** `[:name:]` */
export const namedClasses: Readonly<Record<string, Ranges>> = {
  alnum: [...digits, ...letters],
  alpha: letters,
  ascii: [[0, 0x7f]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [0x7f, 0x7f],
  ],
  digit: digits,
  graph: [[0x21, 0x7e]],
  lower,
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper,
  word,
  xdigit: [...digits, [0x41, 0x46], [0x61, 0x66]],
};

/** `\d`, `\s`, `\w` */
export const escapedClasses: Readonly<Record<string, Ranges>> = {
  d: digits,
  s: [
    [9, 10],
    [12, 13],
    [32, 32],
  ],
  w: word,
};

export const isWord = (code: number): boolean => word.some(([low, high]) => code >= low && code <= high);
