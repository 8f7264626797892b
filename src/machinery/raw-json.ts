/**
 * JSON values that Kubernetes keeps as text (runtime.RawExtension). They are parsed, and their text is kept beside them: two are
 * equal when their texts are. Copies lose the text. Values without a known text are new, and get the text of Go's encoder.
 */
import { deepEqual, isObject } from "./deep.ts";
import { withoutHtml } from "./go-format.ts";
import { writtenAs } from "./exact-json.ts";
import { stringEnd, valueEnd } from "./json-string.ts";

const texts = new WeakMap<object, string>();

/** Texts must not contain line ends, which would end an event of a watch. */
export const keepRawText = (value: object, text: string): void => {
  texts.set(value, text.replace(/[\t\r\n]/g, " "));
};

/** Undefined when it is unknown. */
export const knownRawText = (value: unknown): string | undefined =>
  isObject(value) ? texts.get(value) : undefined;

/** Its original text, or that of Go's encoder. */
export const rawText = (value: unknown): string => knownRawText(value) ?? madeText(value);

/** The text of Go's encoder. `written`: with the original texts of numbers, as after a patch of the text. */
export const madeText = (value: unknown, written = false): string => withoutHtml(ordered(value, written));

function ordered(value: unknown, written: boolean): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const member = (name: string | number, each: unknown): string =>
    (written && typeof each === "number" ? writtenAs(value, name) : undefined) ?? ordered(each, written);
  if (Array.isArray(value)) return `[${value.map((each, i) => member(i, each)).join(",")}]`;
  const members = value as Record<string, unknown>;
  const names = Object.keys(members).filter((name) => members[name] !== undefined);
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${member(name, members[name])}`)
    .join(",")}}`;
}

/** The text as Go's encoder writes it: without white space, HTML characters escaped. */
export const compactText = (text: string): string =>
  withoutHtml(text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|[ \t\r\n]+/g, (part) => (part[0] === '"' ? part : "")));

/** Begins a string unlike any parsed one: half a surrogate pair, which JSON.stringify escapes. */
const mark = "\ud800";

/** JSON with the original texts of objects, where known; `change` is applied to each text. */
export function stringifyRaw(value: unknown, change: (text: string) => string = (text) => text): string {
  const found: string[] = [];
  const text = JSON.stringify(value, (_name, each: unknown) => {
    const known = knownRawText(each);
    return known === undefined ? each : `${mark}${found.push(change(known)) - 1}`;
  });
  return found.length === 0
    ? text
    : text.replace(/"\\ud800(\d+)"/g, (_all, at: string) => found[Number(at)] as string);
}

/** Paths of raw fields as a tree, through lists. */
type Tree = Map<string, Tree>;

const trees = new Map<readonly string[], Tree>();

function treeOf(paths: readonly string[]): Tree {
  let tree = trees.get(paths);
  if (!tree) {
    trees.set(paths, (tree = new Map()));
    for (const path of paths) {
      let at = tree;
      for (const name of path.split(".")) {
        const next: Tree = at.get(name) ?? new Map<string, Tree>();
        at.set(name, next);
        at = next;
      }
    }
  }
  return tree;
}

/** Calls `visit` with each raw field of an object, and its counterpart in another one. */
export function eachRaw(
  paths: readonly string[],
  object: unknown,
  other: unknown,
  visit: (value: object, other: unknown) => void,
): void {
  const walk = (tree: Tree, value: unknown, beside: unknown): void => {
    if (Array.isArray(value)) {
      const list: readonly unknown[] = Array.isArray(beside) ? beside : [];
      value.forEach((each, i) => walk(tree, each, list[i]));
    } else if (!isObject(value)) return;
    else if (tree.size === 0) visit(value, beside);
    else
      for (const [name, inner] of tree) walk(inner, value[name], isObject(beside) ? beside[name] : undefined);
  };
  walk(treeOf(paths), object, other);
}

/** Records the texts of raw fields of an object parsed from this text, which must be valid JSON. */
export function readRawTexts(paths: readonly string[], object: object, text: string): void {
  new Reader(text).value(treeOf(paths), object);
}

/** Whether all raw fields have the same text. */
export function sameRaw(paths: readonly string[], one: unknown, other: unknown): boolean {
  let same = true;
  eachRaw(paths, one, other, (value, beside) => {
    same &&= value === beside || rawText(value) === rawText(beside);
  });
  return same;
}

/** Sets the text of new raw fields. */
export const settleRaw = (paths: readonly string[], object: unknown): void =>
  eachRaw(paths, object, undefined, (value) => keepRawText(value, rawText(value)));

/** Copied and unchanged raw fields take their text from another object. */
export const carryRaw = (paths: readonly string[], from: unknown, to: unknown): void =>
  eachRaw(paths, to, from, (value, before) => {
    const known = knownRawText(before);
    if (known !== undefined && knownRawText(value) === undefined && deepEqual(value, before))
      texts.set(value, known);
  });

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Moves past a value. `tree` is undefined where there are no raw fields. */
  value(tree: Tree | undefined, value: unknown): void {
    const start = this.#space();
    const first = this.#text[start];
    if (!tree || (first !== "{" && first !== "[")) return this.#skip();
    if (tree.size === 0) {
      this.#skip();
      if (isObject(value)) keepRawText(value, this.#text.slice(start, this.#at));
      return;
    }
    this.#at++;
    for (let i = 0; ; i++) {
      const next = this.#text[this.#space()];
      if (next === "}" || next === "]" || next === undefined) break;
      if (next === ",") this.#at++;
      this.#space();
      if (first === "[") this.value(tree, Array.isArray(value) ? value[i] : undefined);
      else {
        const from = this.#at;
        this.#string();
        const name = JSON.parse(this.#text.slice(from, this.#at)) as string;
        this.#space();
        this.#at++;
        this.value(tree.get(name), isObject(value) ? value[name] : undefined);
      }
    }
    this.#at++;
  }

  #space(): number {
    while (this.#text.charCodeAt(this.#at) <= 0x20) this.#at++;
    return this.#at;
  }

  #string(): void {
    const end = stringEnd(this.#text, this.#at);
    this.#at = end < 0 ? this.#text.length : end + 1;
  }

  /** Moves past a value without raw fields. */
  #skip(): void {
    this.#at = valueEnd(this.#text, this.#at);
  }
}
