/** Tokens of CEL, like cel-go's lexer: the longest match wins; invalid characters are reported and skipped. */
import { maxProblems, type Problem } from "./errors.ts";

/** In cel-go's order of expected tokens. */
export const tokenKinds = [
  "EOF",
  "==",
  "!=",
  "in",
  "<",
  "<=",
  ">=",
  ">",
  "&&",
  "||",
  "[",
  "]",
  "{",
  "}",
  "(",
  ")",
  ".",
  ",",
  "-",
  "!",
  "?",
  ":",
  "+",
  "*",
  "/",
  "%",
  "true",
  "false",
  "null",
  "NUM_FLOAT",
  "NUM_INT",
  "NUM_UINT",
  "STRING",
  "BYTES",
  "IDENTIFIER",
  "ESC_IDENTIFIER",
] as const;

export type TokenKind = (typeof tokenKinds)[number];

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Offset into the source, in UTF-16 units. */
  readonly at: number;
}

const escape = String.raw`\\(?:[abfnrtv"'\\?${"`"}]|[0-3][0-7][0-7]|[xX][\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8})`;
const quoted = (quote: string): string =>
  [
    `${quote}{3}(?:${escape}|[^\\\\])*?${quote}{3}`,
    `${quote}(?:${escape}|[^\\\\${quote}\\n\\r])*${quote}`,
    `[rR]${quote}{3}[^]*?${quote}{3}`,
    `[rR]${quote}[^${quote}\\n\\r]*${quote}`,
  ].join("|");
const text = `(?:${quoted('"')}|${quoted("'")})`;

const blank = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y;
/** The longest match is taken, the first of equal ones. */
const patterns: readonly [TokenKind | "word" | "sign", RegExp][] = [
  ["NUM_FLOAT", /\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?/y],
  ["NUM_UINT", /(?:0x[\da-fA-F]+|\d+)[uU]/y],
  ["NUM_INT", /0x[\da-fA-F]+|\d+/y],
  ["BYTES", new RegExp(`[bB]${text}`, "y")],
  ["STRING", new RegExp(text, "y")],
  ["word", /[A-Za-z_]\w*/y],
  ["ESC_IDENTIFIER", /`[\w./ -]+`/y],
  ["sign", /==|!=|<=|>=|&&|\|\||[[\]{}().,\-!?:+*/%<>]/y],
];
const words = new Set(["in", "true", "false", "null"]);

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

/** Always ends with an EOF token. */
export function tokensOf(source: string): { tokens: Token[]; problems: Problem[] } {
  const tokens: Token[] = [];
  const problems: Problem[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(blank, source, at)?.length ?? 0;
    if (at >= source.length) break;
    const token = tokenAt(source, at);
    if (token) {
      tokens.push(token);
      at += token.text.length;
    } else {
      const strange = source.slice(at, failureOf(source, at));
      problems.push({ at, text: `Syntax error: token recognition error at: '${strange}'` });
      // Stops after the limit.
      if (problems.length > maxProblems) break;
      at += strange.length;
    }
  }
  tokens.push({ kind: "EOF", text: "<EOF>", at: source.length });
  return { tokens, problems };
}

function tokenAt(source: string, at: number): Token | undefined {
  let best: Token | undefined;
  for (const [kind, pattern] of patterns) {
    const found = matchAt(pattern, source, at);
    if (found === undefined || found.length <= (best?.text.length ?? 0)) continue;
    const named =
      kind === "sign" ? found : kind === "word" ? (words.has(found) ? found : "IDENTIFIER") : kind;
    best = { kind: named as TokenKind, text: found, at };
  }
  return best;
}

const singles: Record<string, RegExp> = {
  '"': new RegExp(`"(?:${escape}|[^\\\\"\\n\\r])*`, "y"),
  "'": new RegExp(`'(?:${escape}|[^\\\\'\\n\\r])*`, "y"),
  "`": /`[\w./ -]*/y,
};
const beginOfEscape = /\\(?:[xX][\da-fA-F]?|u[\da-fA-F]{0,3}|U[\da-fA-F]{0,7}|[0-3][0-7]?)?/y;

/** After the first character with which no token can continue. */
function failureOf(source: string, at: number): number {
  const letter = source[at] as string;
  let end = at;
  if ("=&|".includes(letter)) end++;
  const single = Object.hasOwn(singles, letter) ? singles[letter] : undefined;
  if (single) {
    end += matchAt(single, source, at)?.length ?? 0;
    end += matchAt(beginOfEscape, source, end)?.length ?? 0;
  }
  return Math.min(source.length, end + String.fromCodePoint(source.codePointAt(end) ?? 0).length);
}

/** A part of the source as shown in messages of cel-go's parser. */
export const shownText = (part: string): string =>
  part.replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
