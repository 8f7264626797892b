import { findJsonPath } from "../../../machinery/index.ts";

/**
 * The part of Go's text/template that `-o go-template` needs: fields, variables, pipelines, parentheses, if, range, with,
 * comments, trimming, and the functions on plain data. Everything else is an error that names it.
 */
export function renderGoTemplate(text: string, data: unknown): string {
  const tokens = tokenize(text);
  const { nodes } = parse(tokens, 0, []);
  const out: string[] = [];
  execute(nodes, { dot: data, variables: [new Map([["$", data]])], out });
  return out.join("");
}

type Token = { text: string } | { action: string };
type Node =
  | { kind: "text"; text: string }
  | { kind: "print"; pipeline: string }
  | { kind: "if" | "with" | "range"; pipeline: string; body: Node[]; otherwise: Node[] };

interface Scope {
  dot: unknown;
  variables: Map<string, unknown>[];
  out: string[];
}

function bad(message: string): Error {
  return new Error(`error parsing the go-template: ${message}`);
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let rest = text;
  let trimNext = false;
  for (;;) {
    const open = rest.indexOf("{{");
    let plain = open < 0 ? rest : rest.slice(0, open);
    if (trimNext) plain = plain.trimStart();
    if (open < 0) {
      tokens.push({ text: plain });
      return tokens;
    }
    const action = /^\{\{(- )?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?)( -)?\}\}/s.exec(rest.slice(open));
    if (!action) throw bad("unclosed action");
    tokens.push({ text: action[1] ? plain.trimEnd() : plain });
    const inner = (action[2] ?? "").trim();
    if (!inner.startsWith("/*")) tokens.push({ action: inner });
    trimNext = action[3] !== undefined;
    rest = rest.slice(open + action[0].length);
  }
}

/** Nodes up to one of `ends`, and its position. */
function parse(
  tokens: readonly Token[],
  from: number,
  ends: readonly string[],
): { nodes: Node[]; at: number } {
  const nodes: Node[] = [];
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at];
    if (!token) break;
    if ("text" in token) {
      if (token.text !== "") nodes.push({ kind: "text", text: token.text });
      continue;
    }
    const [word = ""] = /^\w+/.exec(token.action) ?? [];
    if (ends.includes(word)) return { nodes, at };
    if (word === "if" || word === "with" || word === "range") {
      const block = parseBlock(tokens, at, word, token.action.slice(word.length).trim());
      nodes.push(block.node);
      at = block.at;
    } else if (["define", "template", "block", "break", "continue"].includes(word)) {
      throw bad(`"${word}" is not supported`);
    } else if (word === "end" || word === "else") throw bad(`unexpected {{${word}}}`);
    else nodes.push({ kind: "print", pipeline: token.action });
  }
  if (ends.length > 0) throw bad("unexpected EOF: {{end}} is missing");
  return { nodes, at: tokens.length };
}

function parseBlock(
  tokens: readonly Token[],
  start: number,
  kind: "if" | "with" | "range",
  pipeline: string,
): { node: Node; at: number } {
  const body = parse(tokens, start + 1, ["end", "else"]);
  const stop = tokens[body.at];
  const action = stop && "action" in stop ? stop.action : "end";
  if (action === "end") return { node: { kind, pipeline, body: body.nodes, otherwise: [] }, at: body.at };
  const chained = /^else (if|with)\s+(.*)$/s.exec(action);
  if (chained) {
    const inner = parseBlock(tokens, body.at, chained[1] as "if" | "with", chained[2] ?? "");
    return { node: { kind, pipeline, body: body.nodes, otherwise: [inner.node] }, at: inner.at };
  }
  const otherwise = parse(tokens, body.at + 1, ["end"]);
  return { node: { kind, pipeline, body: body.nodes, otherwise: otherwise.nodes }, at: otherwise.at };
}

function execute(nodes: readonly Node[], scope: Scope): void {
  for (const node of nodes) {
    if (node.kind === "text") scope.out.push(node.text);
    else if (node.kind === "print") {
      const { value, declared } = evaluate(node.pipeline, scope);
      if (!declared) scope.out.push(goText(value));
    } else executeBlock(node, { ...scope, variables: [...scope.variables, new Map<string, unknown>()] });
  }
}

function executeBlock(node: Extract<Node, { pipeline: string; body: Node[] }>, scope: Scope): void {
  if (node.kind === "range") {
    const named = /^(?:(\$\w+)\s*,\s*)?(\$\w+)\s*:=\s*(.*)$/s.exec(node.pipeline);
    const { value } = evaluate(named ? (named[3] ?? "") : node.pipeline, scope);
    const entries = entriesOf(value);
    if (entries.length === 0) execute(node.otherwise, scope);
    for (const [key, item] of entries) {
      const own = new Map<string, unknown>();
      if (named?.[1]) own.set(named[1], key);
      if (named?.[2]) own.set(named[2], item);
      execute(node.body, { ...scope, dot: item, variables: [...scope.variables, own] });
    }
    return;
  }
  const { value } = evaluate(node.pipeline, scope);
  if (!truth(value)) execute(node.otherwise, scope);
  else execute(node.body, node.kind === "with" ? { ...scope, dot: value } : scope);
}

function entriesOf(value: unknown): [unknown, unknown][] {
  if (Array.isArray(value)) return value.map((item, at): [unknown, unknown] => [at, item]);
  if (value !== null && typeof value === "object") {
    return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  }
  if (typeof value === "number")
    return Array.from({ length: value }, (_, at): [unknown, unknown] => [at, at]);
  if (value === undefined || value === null) return [];
  throw new Error(`range can't iterate over ${goText(value)}`);
}

function evaluate(text: string, scope: Scope): { value: unknown; declared: boolean } {
  const assignment = /^(\$\w+)\s*(:?=)\s*(.*)$/s.exec(text);
  if (assignment && !assignment[3]?.startsWith("=")) {
    const [, name = "", operator, pipeline = ""] = assignment;
    const { value } = evaluate(pipeline, scope);
    const owner = operator === ":=" ? undefined : scope.variables.findLast((map) => map.has(name));
    (owner ?? scope.variables.at(-1))?.set(name, value);
    return { value, declared: true };
  }
  const words = wordsOf(text);
  let value: unknown;
  let first = true;
  for (let at = 0; at <= words.length; ) {
    let end = words.indexOf("|", at);
    if (end < 0) end = words.length;
    const command = words.slice(at, end);
    if (command.length === 0) throw bad(`missing value for command in "${text}"`);
    value = call(command, scope, first ? [] : [value]);
    first = false;
    at = end + 1;
  }
  return { value, declared: false };
}

/** Strings, parenthesized groups, bars and words. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    if (/^\s/.test(rest)) {
      at++;
      continue;
    }
    let length: number;
    if (rest.startsWith("(")) {
      let depth = 0;
      length = 0;
      for (const piece of rest.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|./gs) ?? []) {
        length += piece.length;
        if (piece === "(") depth++;
        if (piece === ")" && --depth === 0) break;
      }
      length += /^[.\w]*/.exec(rest.slice(length))?.[0].length ?? 0;
    } else length = /^("(?:[^"\\]|\\.)*"|`[^`]*`|\||[^\s()|]+)/.exec(rest)?.[0].length ?? 0;
    if (length === 0) throw bad(`unexpected "${rest}"`);
    words.push(rest.slice(0, length));
    at += length;
  }
  return words;
}

function call(words: readonly string[], scope: Scope, piped: readonly unknown[]): unknown {
  const [head = "", ...rest] = words;
  const build = functions[head];
  if (build) return build([...rest.map((word) => operand(word, scope)), ...piped]);
  if (/^[a-zA-Z]\w*$/.test(head) && !["true", "false", "nil"].includes(head)) {
    throw bad(`function "${head}" not defined`);
  }
  if (rest.length > 0 || piped.length > 0) throw bad(`can't give argument to non-function ${head}`);
  return operand(head, scope);
}

function operand(word: string, scope: Scope): unknown {
  if (word.startsWith('"')) return JSON.parse(word) as string;
  if (word.startsWith("`")) return word.slice(1, -1);
  if (/^-?\d+(\.\d+)?$/.test(word)) return Number(word);
  if (word === "true" || word === "false") return word === "true";
  if (word === "nil") return undefined;
  if (word === ".") return scope.dot;
  if (word.startsWith(".")) return fieldOf(scope.dot, word);
  if (word.startsWith("(")) {
    const close = word.lastIndexOf(")");
    return fieldOf(evaluate(word.slice(1, close), scope).value, word.slice(close + 1));
  }
  const variable = /^(\$\w*)(.*)$/s.exec(word);
  if (variable) {
    const [, name = "", path = ""] = variable;
    const owner = scope.variables.findLast((map) => map.has(name));
    if (!owner) throw bad(`undefined variable "${name}"`);
    return fieldOf(owner.get(name), path);
  }
  if (functions[word]) return call([word], scope, []);
  throw bad(`function "${word}" not defined`);
}

function fieldOf(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path.split(".").filter(Boolean)) {
    at = at !== null && typeof at === "object" ? (at as Record<string, unknown>)[key] : undefined;
  }
  return at;
}

function truth(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === "object") return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A value formatted as by Go. */
function goText(value: unknown): string {
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${pairs.map(([key, inner]) => `${key}:${goText(inner)}`).join(" ")}]`;
}

function compare(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) throw new Error("incompatible types for comparison");
  return (a as number) < (b as number) ? -1 : a === b ? 0 : 1;
}

function formatted([format = "", ...values]: readonly unknown[]): string {
  let at = 0;
  return String(format).replace(
    /%([-0]?\d*)(?:\.(\d+))?([vdsqtf%])/g,
    (_, width: string, digits, verb: string) => {
      if (verb === "%") return "%";
      const value = values[at++];
      const text =
        verb === "q"
          ? JSON.stringify(value)
          : verb === "f"
            ? Number(value).toFixed(Number(digits ?? 6))
            : goText(value);
      const size = Math.abs(Number.parseInt(width || "0", 10));
      return width.startsWith("-")
        ? text.padEnd(size)
        : text.padStart(size, width.startsWith("0") ? "0" : " ");
    },
  );
}

const escapes: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

const functions: Record<string, (args: unknown[]) => unknown> = {
  and: (args) => args.find((arg) => !truth(arg)) ?? args.at(-1),
  or: (args) => args.find(truth) ?? args.at(-1),
  not: ([arg]) => !truth(arg),
  len: ([arg]) => (typeof arg === "string" ? Buffer.byteLength(arg) : Object.keys(arg ?? {}).length),
  index: ([from, ...keys]) => {
    let at: unknown = from;
    for (const key of keys) at = (at as Record<string, unknown> | undefined)?.[String(key)];
    return at;
  },
  slice: ([from, start = 0, end]) =>
    (from as string | unknown[]).slice(Number(start), end as number | undefined),
  eq: ([first, ...rest]) => rest.some((arg) => arg === first),
  ne: ([a, b]) => a !== b,
  lt: ([a, b]) => compare(a, b) < 0,
  le: ([a, b]) => compare(a, b) <= 0,
  gt: ([a, b]) => compare(a, b) > 0,
  ge: ([a, b]) => compare(a, b) >= 0,
  print: (args) => args.map(goText).join(""),
  println: (args) => `${args.map(goText).join(" ")}\n`,
  printf: formatted,
  html: (args) =>
    args
      .map(goText)
      .join("")
      .replace(/[&<>"']/g, (letter) => escapes[letter] ?? letter),
  js: ([arg]) => JSON.stringify(goText(arg)).slice(1, -1),
  urlquery: (args) => encodeURIComponent(args.map(goText).join("")),
  // kubectl's own function
  base64decode: ([arg]) => Buffer.from(String(arg), "base64").toString("utf8"),
  exists: ([from, ...keys]) => findJsonPath(`{.${keys.map(String).join(".")}}`, from).length > 0,
};
