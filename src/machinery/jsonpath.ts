/**
 * JSONPath as kubectl understands it: a template of text and `{expressions}` with `range`/`end`, string literals,
 * wildcards, slices, unions, filters and recursive descent. Missing fields give nothing.
 */
import { isObject } from "./deep.ts";

export class JsonPathError extends Error {
  override readonly name = "JsonPathError";
}

/** The searched data, and the remaining number of values to visit. */
interface Search {
  readonly root: unknown;
  left: number;
}

/** Applies a step to the values so far. */
type Step = (values: unknown[], search: Search) => unknown[];

type Node =
  | { kind: "text"; text: string }
  | { kind: "path"; path: Path }
  | { kind: "range"; path: Path; body: Node[] };

interface Path {
  fromRoot: boolean;
  steps: Step[];
}

/** Compiles a template such as `{range .items[*]}{.metadata.name}{"\n"}{end}`. Throws JsonPathError. */
export function compileJsonPath(template: string): (data: unknown) => string {
  const nodes = parseTemplate(template);
  return (data) => render(nodes, data, { root: data, left: Infinity });
}

/**
 * The values of an expression, with optional braces. Throws JsonPathError after visiting `most` values: repeated recursive
 * descent visits values once per path to them.
 */
export function findJsonPath(expression: string, data: unknown, most = Infinity): unknown[] {
  const search: Search = { root: data, left: most };
  const inner = expression.trim();
  const nodes = parseTemplate(inner.startsWith("{") ? inner : `{${inner}}`);
  return nodes.flatMap((node) => (node.kind === "path" ? evaluate(node.path, data, search) : []));
}

function render(nodes: readonly Node[], current: unknown, search: Search): string {
  let out = "";
  for (const node of nodes) {
    if (node.kind === "text") out += node.text;
    else if (node.kind === "path") out += evaluate(node.path, current, search).map(show).join(" ");
    else for (const item of evaluate(node.path, current, search)) out += render(node.body, item, search);
  }
  return out;
}

/** Strings as they are, everything else as JSON. */
function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null) return "<nil>";
  return JSON.stringify(value);
}

function evaluate(path: Path, current: unknown, search: Search): unknown[] {
  let values = [path.fromRoot ? search.root : current];
  for (const step of path.steps) {
    values = step(values, search);
    look(search, values.length);
  }
  return values.filter((value) => value !== undefined);
}

function look(search: Search, count: number): void {
  search.left -= count;
  if (search.left < 0) throw new JsonPathError("the expression looks at too many values");
}

function parseTemplate(template: string): Node[] {
  const top: Node[] = [];
  const open: Node[][] = [top];
  let at = 0;
  while (at < template.length) {
    const nodes = open.at(-1) as Node[];
    const brace = template.indexOf("{", at);
    if (brace < 0) {
      nodes.push({ kind: "text", text: template.slice(at) });
      break;
    }
    if (brace > at) nodes.push({ kind: "text", text: template.slice(at, brace) });
    const close = closing(template, brace, "}");
    if (close < 0) throw new JsonPathError("unclosed action");
    const inner = template.slice(brace + 1, close).trim();
    at = close + 1;
    if (inner === "end") {
      if (open.length === 1) throw new JsonPathError("not in range, nothing to end");
      open.pop();
    } else if (/^range\s/.test(inner)) {
      const body: Node[] = [];
      nodes.push({ kind: "range", path: parsePath(inner.slice(5).trim()), body });
      open.push(body);
    } else if (/^["']/.test(inner)) nodes.push({ kind: "text", text: literal(inner) });
    else nodes.push({ kind: "path", path: parsePath(inner) });
  }
  if (open.length > 1) throw new JsonPathError("unclosed range: {end} is missing");
  return top;
}

/** Position of the bracket that closes the one at `open`, past quoted text; -1 when there is none. */
function closing(text: string, open: number, close: string): number {
  const opener = text[open] as string;
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const char = text[i] as string;
    if (char === "\\") i++;
    else if (char === '"' || char === "'") {
      for (i++; i < text.length && text[i] !== char; i++) if (text[i] === "\\") i++;
    } else if (char === opener) depth++;
    else if (char === close && --depth === 0) return i;
  }
  return -1;
}

const escapes: Record<string, string> = { n: "\n", t: "\t", r: "\r" };

function literal(text: string): string {
  const quote = text[0] as string;
  if (text.length < 2 || !text.endsWith(quote)) throw new JsonPathError("unterminated quoted string");
  return text.slice(1, -1).replaceAll(/\\(.)/gs, (_, char: string) => escapes[char] ?? char);
}

const constant = (value: unknown): Path => ({ fromRoot: false, steps: [() => [value]] });

function parsePath(text: string): Path {
  if (/^-?\d+(\.\d+)?$/.test(text)) return constant(Number(text));
  if (text === "true" || text === "false") return constant(text === "true");
  const path: Path = { fromRoot: text.startsWith("$"), steps: [] };
  let at = /^[$@]/.test(text) ? 1 : 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (char === "[") {
      const close = closing(text, at, "]");
      if (close < 0) throw new JsonPathError("unterminated array");
      path.steps.push(bracket(text.slice(at + 1, close).trim()));
      at = close + 1;
      continue;
    }
    if (/\s/.test(char))
      throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(text.slice(at))}`);
    const deep = text.startsWith("..", at);
    if (char === ".") at += deep ? 2 : 1;
    if (deep) path.steps.push(descend);
    const name = /^(?:\\.|[^.[\]\s\\])*/s.exec(text.slice(at))?.[0] ?? "";
    at += name.length;
    if (name === "*") path.steps.push(wildcard);
    else if (name !== "") path.steps.push(member(name.replaceAll(/\\(.)/gs, "$1")));
    else if (char !== "." && !deep)
      throw new JsonPathError(`unrecognized character in action: ${JSON.stringify(char)}`);
  }
  return path;
}

function member(name: string): Step {
  return (values) => {
    const found: unknown[] = [];
    for (const value of values) {
      if (isObject(value) && Object.hasOwn(value, name)) found.push(value[name]);
    }
    return found;
  };
}

const children = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];

/** The values within a value, each of which counts as visited. */
function within(value: unknown, search: Search): unknown[] {
  const found = children(value);
  look(search, found.length);
  return found;
}

const wildcard: Step = (values, search) => values.flatMap((value) => within(value, search));

const descend: Step = (values, search) => {
  const found: unknown[] = [];
  const visit = (value: unknown): void => {
    look(search, 1);
    if (isObject(value)) found.push(value);
    for (const each of children(value)) visit(each);
  };
  for (const value of values) visit(value);
  return found;
};

function bracket(text: string): Step {
  if (text === "*") return wildcard;
  const filter = /^\?\((.*)\)$/s.exec(text);
  if (filter) return filterStep(filter[1] as string);
  const parts = splitTop(text);
  if (parts.length > 1) {
    const steps = parts.map((part) => bracket(part));
    return (values, search) =>
      values.flatMap((value) => {
        look(search, steps.length);
        return steps.flatMap((step) => step([value], search));
      });
  }
  if (/^["']/.test(text)) return member(literal(text));
  if (/^-?\d+$/.test(text)) {
    const index = Number(text);
    return (values) =>
      values
        .filter(Array.isArray)
        .flatMap((list: unknown[]) => (list.at(index) === undefined ? [] : [list.at(index)]));
  }
  const slice = /^(-?\d*):(-?\d*)(?::(-?\d*))?$/.exec(text);
  if (!slice) throw new JsonPathError(`invalid array index ${text}`);
  const [, from, to, by] = slice;
  const stride = by ? Number(by) : 1;
  if (stride <= 0) throw new JsonPathError("step must be > 0");
  return (values) =>
    values
      .filter(Array.isArray)
      .flatMap((list: unknown[]) =>
        list.slice(from ? Number(from) : 0, to ? Number(to) : undefined).filter((_, i) => i % stride === 0),
      );
}

/** Splits at commas outside quotes. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"' || char === "'")
      i = text.indexOf(char, i + 1) < 0 ? text.length : text.indexOf(char, i + 1);
    else if (char === ",") {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
}

const operators = ["==", "!=", "<=", ">=", "<", ">"] as const;

function filterStep(text: string): Step {
  const split = splitOperator(text);
  const left = operand(split.left);
  const right = split.operator === undefined ? undefined : operand(split.right);
  return (values, search) =>
    values
      .flatMap((value) => within(value, search))
      .filter((item) => {
        const found = evaluate(left, item, search);
        if (!right) return found.length > 0;
        const other = evaluate(right, item, search);
        if (found.length === 0 || other.length === 0) return false;
        return compare(found[0], split.operator as string, other[0]);
      });
}

function operand(text: string): Path {
  return /^["']/.test(text) ? constant(literal(text)) : parsePath(text);
}

function splitOperator(text: string): { left: string; operator?: string; right: string } {
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if (char === '"' || char === "'") {
      const end = text.indexOf(char, i + 1);
      if (end < 0) throw new JsonPathError("unterminated filter");
      i = end;
      continue;
    }
    const operator = operators.find((each) => text.startsWith(each, i));
    if (operator) {
      return { left: text.slice(0, i).trim(), operator, right: text.slice(i + operator.length).trim() };
    }
  }
  return { left: text.trim(), right: "" };
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  if (typeof left !== typeof right) return false;
  const a = left as number;
  const b = right as number;
  if (operator === "<") return a < b;
  if (operator === ">") return a > b;
  return operator === "<=" ? a <= b : a >= b;
}
