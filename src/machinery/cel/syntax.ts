/** Parses with cel-js; what follows works on its tree alone, with mistakes in cel-go's words. */
import { Environment } from "@marcbachmann/cel-js";
import type { Problem } from "./errors.ts";

/** A node of the tree; `args` depends on `op`. */
export interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
}

/** Depth as in cel-go; sizes are those of expressions nobody writes by hand. */
const parser = new Environment({
  enableOptionalTypes: true,
  limits: { maxAstNodes: 20_000, maxDepth: 250, maxListElements: 10_000, maxMapEntries: 10_000 },
});

const operand =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

interface ParseFailure {
  code?: string;
  summary?: string;
  range?: { start: number; end: number };
}

export function parse(source: string): Node | Problem[] {
  try {
    return parser.parse(source).ast as unknown as Node;
  } catch (error) {
    if (error instanceof RangeError) return [{ at: 0, text: "expression recursion limit exceeded: 250" }];
    return problemsOf(source, error as ParseFailure);
  }
}

function problemsOf(source: string, { code, summary, range }: ParseFailure): Problem[] {
  const at = Math.min(range?.start ?? 0, source.length);
  const said = (text: string, where = at): Problem[] => [{ at: where, text }];
  const token = source.slice(at, Math.max(range?.end ?? at, at));
  const shown = token === "" ? "<EOF>" : token;
  switch (code) {
    case "limit_exceeded":
      return said("expression recursion limit exceeded: 250", 0);
    case "reserved_identifier":
      return said(`reserved identifier: ${token}`);
    case "invalid_integer":
    case "invalid_hex_integer":
      return said(/u$/i.test(token) ? "invalid uint literal" : "invalid int literal");
    case "invalid_macro_argument": {
      const macro = /(\w+)\s*\([^(]*$/.exec(source.slice(0, at))?.[1];
      const where = source[at - 1] === "." ? at - 1 : at;
      return macro === "map" || macro === "filter"
        ? said("argument is not an identifier", where)
        : said("argument must be a simple name", where);
    }
    case "unterminated_string":
      return [
        ...said(`Syntax error: token recognition error at: '${source.slice(at)}'`),
        ...said(`Syntax error: mismatched input '<EOF>' expecting ${operand}`, source.length),
      ];
    case "unexpected_token":
      return said(noOperand(source, at, shown));
    case "expected_token": {
      const wanted: Record<string, string> = { RPAREN: ")", RBRACKET: "]", RBRACE: "}", COLON: ":" };
      const name = /^Expected (\w+)/.exec(summary ?? "")?.[1] ?? "";
      // A dot and digits are one token: a number.
      if (name === "IDENTIFIER" && /^\d/.test(token) && /\w\.$/.test(source.slice(0, at)))
        return said(`Syntax error: extraneous input '.${token}' expecting <EOF>`, at - 1);
      if (name === "COLON") return said(`Syntax error: mismatched input '${shown}' expecting ':'`);
      if (name === "RBRACKET" && shown === "<EOF>" && inList(source))
        return said("Syntax error: mismatched input '<EOF>' expecting {']', ','}");
      if (name === "IDENTIFIER") return said(`Syntax error: no viable alternative at input '.${token}'`);
      return said(`Syntax error: missing '${wanted[name] ?? name}' at '${shown}'`);
    }
    case "unexpected_character":
      return unexpected(source, at, token);
    default:
      return said(`Syntax error: token recognition error at: '${shown}'`);
  }
}

/** Something else where an operand is asked for. ANTLR passes over it when what follows is one. */
function noOperand(source: string, at: number, shown: string): string {
  const before = source.slice(0, at).trimEnd();
  const call = /\w\s*\($/.test(before);
  const expected = call ? operand.replace("'(',", "'(', ')',") : operand;
  const next = source.slice(at + shown.length).trimStart();
  const passed =
    shown === "<EOF>" ? before.endsWith("!") : /^[\w'"([{.!-]/.test(next) || (call && next[0] === ")");
  return `Syntax error: ${passed ? "extraneous" : "mismatched"} input '${shown}' expecting ${expected}`;
}

/** Whether the innermost bracket that is open at the end is a list's and not an index's. */
function inList(source: string): boolean {
  const open: number[] = [];
  for (let i = 0; i < source.length; i++)
    if (source[i] === "[") open.push(i);
    else if (source[i] === "]") open.pop();
  return !/[\w)\]}'"]$/.test(source.slice(0, open.at(-1) ?? 0).trimEnd());
}

/** A letter that starts no token, or a token behind the end of the expression. */
function unexpected(source: string, at: number, token: string): Problem[] {
  const strange =
    /^[^\w\s"'()[\]{}.,:?+\-*/%<>!&|=]/.test(token) || /^(=(?!=)|&(?!&)|\|(?!\|))/.test(source.slice(at));
  const before = source.slice(0, at).trimEnd();
  const name = /[\w.]+$/.exec(before)?.[0];
  // Nothing that has a name can be made here.
  if (token === "{" && name !== undefined)
    return [{ at, text: `undeclared reference to '${name}' (in container '')` }];
  if (!strange) return [{ at, text: `Syntax error: extraneous input '${token}' expecting <EOF>` }];
  // The original's lexer takes one more letter with a lone `=`, `&` or `|`.
  const double = /^[=&|]/.test(token);
  const problems = [
    { at, text: `Syntax error: token recognition error at: '${source.slice(at, at + (double ? 2 : 1))}'` },
  ];
  const rest = /^\s*(\w+|\S)/.exec(source.slice(at + (double ? 2 : 1)));
  if (before === "" || /[-+*/%<>=!&|?:,([{]$/.test(before)) {
    // An operand was asked for: one that follows will do.
    if (!rest)
      problems.push({
        at: source.length,
        text: `Syntax error: mismatched input '<EOF>' expecting ${operand}`,
      });
  } else if (rest) {
    const next = at + (double ? 2 : 1) + rest[0].length - (rest[1] as string).length;
    problems.push({ at: next, text: `Syntax error: extraneous input '${rest[1]}' expecting <EOF>` });
  }
  return problems;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function find(source: string, from: number, pattern: string, fallback: number): number {
  const search = new RegExp(pattern, "y");
  search.lastIndex = from;
  const found = search.exec(source);
  return found ? found.index + found[0].length - 1 : fallback;
}

/** Where cel-go says a node is: an operator at its sign, a call at its parenthesis, a selection at its dot. */
export function placeOf(source: string, node: Node): number {
  const args = node.args as [Node, Node] & [string, Node];
  switch (node.op) {
    case "value":
    case "id":
    case "list":
    case "map":
    case "!_":
    case "-_":
      return node.start;
    case "call":
      return find(source, node.start, `${escaped(args[0] as unknown as string)}\\s*\\(`, node.start);
    case "rcall":
      return find(
        source,
        args[1].end,
        `[\\s)]*\\.\\s*${escaped(args[0] as unknown as string)}\\s*\\(`,
        node.start,
      );
    case ".":
    case ".?":
      return find(source, args[0].end, "[\\s)]*\\.", node.start);
    case "[]":
    case "[?]":
      return find(source, args[0].end, "[\\s)]*\\[", node.start);
    case "?:":
      return find(source, args[0].end, "[\\s)]*\\?", node.start);
    default: {
      const at = find(source, args[0].end, `[\\s)]*${escaped(node.op)}`, node.start);
      return at === node.start ? at : at - node.op.length + 1;
    }
  }
}
