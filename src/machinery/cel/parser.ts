/** Parses expressions by cel-go's grammar, with its error messages. */
import { maxProblems, type Problem } from "./errors.ts";
import { bytesOf, doubleOf, intOf, LiteralError, stringOf, uintOf } from "./literals.ts";
import { type Expected, expecting, TokenStream } from "./recovery.ts";
import { macroProblem, type MessageField, type Node } from "./syntax.ts";
import { type Token, type TokenKind, tokensOf } from "./tokens.ts";
import type { CelValue } from "./values.ts";

const maxLength = 100_000;

/** Reserved names. */
const reserved = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

const literals: readonly TokenKind[] = [
  "true",
  "false",
  "null",
  "NUM_FLOAT",
  "NUM_INT",
  "NUM_UINT",
  "STRING",
  "BYTES",
];
const member = expecting("[", "{", "(", ".", "-", ...literals, "IDENTIFIER");
const operand = expecting(member, "!");
const optionalOperand = expecting(operand, "?");
const names = expecting("IDENTIFIER", "ESC_IDENTIFIER");
const optionalName = expecting(names, "?");

const end = expecting("end");
const postfix = expecting(".", "[", "end");
const comma = expecting(",", "end");
const comparing: readonly TokenKind[] = ["<", "<=", ">=", ">", "==", "!=", "in"];
const factors: readonly TokenKind[] = ["*", "/", "%"];
const terms: readonly TokenKind[] = ["+", "-"];

/** The tree, or the problems. */
export function parse(source: string): Node | Problem[] {
  const length = [...source].length;
  if (length > maxLength)
    return [{ at: 0, text: `expression code point size exceeds limit: size: ${length}, limit ${maxLength}` }];
  const { tokens, problems } = tokensOf(source);
  const parser = new Parser(source, tokens);
  const tree = parser.parse();
  problems.push(...parser.problems);
  // One more than the reported ones indicates that there are more.
  if (problems.length > 0 || !tree)
    return problems.toSorted((left, right) => left.at - right.at).slice(0, maxProblems + 1);
  return tree;
}

class Parser {
  readonly #in: TokenStream;
  readonly #said: Problem[] = [];

  constructor(source: string, tokens: readonly Token[]) {
    this.#in = new TokenStream(source, tokens);
  }

  get problems(): Problem[] {
    return [...this.#in.problems, ...this.#said];
  }

  parse(): Node | undefined {
    return this.#in.run(() => {
      const broken = (): Node => this.#broken();
      return this.#in.rule(
        "start",
        expecting("EOF"),
        () => {
          const tree = this.#expr(expecting("EOF"));
          this.#in.match("EOF", end);
          return tree;
        },
        broken,
      );
    });
  }

  #broken(): Node {
    return { op: "value", args: null, at: this.#in.peek().at };
  }

  #rule(name: string, follow: Expected, body: () => Node): Node {
    return this.#in.rule(name, follow, body, () => this.#broken());
  }

  #expr(follow: Expected): Node {
    return this.#rule("expr", follow, () => {
      const condition = this.#logic("||", expecting("?", "end"));
      if (!this.#in.is("?")) return condition;
      const { at } = this.#in.match("?", operand);
      const yes = this.#logic("||", expecting(":"));
      this.#in.match(":", operand);
      return { op: "?:", args: [condition, yes, this.#expr(end)], at };
    });
  }

  #logic(op: "||" | "&&", follow: Expected): Node {
    return this.#rule(op, follow, () => {
      const own = expecting(op, "end");
      const part = (): Node => (op === "||" ? this.#logic("&&", own) : this.#relation(own));
      let left = part();
      while (this.#in.is(op)) {
        const { at } = this.#in.match(op, operand);
        left = { op, args: [left, part()], at };
      }
      return left;
    });
  }

  #relation(follow: Expected): Node {
    const own = expecting(...comparing, "end");
    return this.#rule("relation", follow, () =>
      this.#chain("relation", comparing, this.#sum(own), () =>
        this.#rule("relation", own, () => this.#sum(own)),
      ),
    );
  }

  #sum(follow: Expected): Node {
    const own = expecting(...factors, ...terms, "end");
    const product = (): Node => this.#chain("calc", factors, this.#unary(own), () => this.#unary(own));
    return this.#rule("calc", follow, () =>
      this.#chain("calc", terms, product(), () => this.#rule("calc", own, product)),
    );
  }

  /** From left to right. */
  #chain(name: string, signs: readonly TokenKind[], first: Node, next: () => Node): Node {
    let left = first;
    while (this.#in.is(...signs)) {
      this.#in.deeper(name);
      const { kind, at } = this.#in.match(this.#in.peek().kind, operand);
      left = { op: kind, args: [left, next()], at };
    }
    return left;
  }

  #unary(follow: Expected): Node {
    return this.#rule("unary", follow, () => {
      this.#in.sync(operand);
      const { kind, at } = this.#in.peek();
      if (kind !== "!" && (kind !== "-" || this.#signed())) return this.#member(end);
      if (kind === "-" && !member.has(this.#in.peek(1).kind)) throw this.#in.noAlternative(2);
      let count = 0;
      do {
        this.#in.match(kind, operand);
        count++;
        this.#in.syncLoop(expecting(member, kind));
      } while (this.#in.is(kind));
      const inner = this.#member(end);
      return count % 2 === 0 ? inner : { op: `${kind}_`, args: inner, at };
    });
  }

  /** A number with its sign is a single literal. */
  #signed(): boolean {
    return this.#in.is("-") && ["NUM_INT", "NUM_FLOAT"].includes(this.#in.peek(1).kind);
  }

  #member(follow: Expected): Node {
    return this.#rule("member", follow, () => {
      let node = this.#primary(postfix);
      while (this.#in.is(".", "[")) {
        this.#in.deeper("member");
        node = this.#in.is("[") ? this.#index(node) : this.#afterDot(node);
      }
      return node;
    });
  }

  #index(of: Node): Node {
    const { at } = this.#in.match("[", optionalOperand);
    const optional = this.#optional(optionalOperand);
    const key = this.#expr(expecting("]"));
    this.#in.match("]", postfix);
    return { op: optional ? "[?]" : "[]", args: [of, key], at };
  }

  #optional(expected: Expected): boolean {
    this.#in.sync(expected);
    if (!this.#in.is("?")) return false;
    this.#in.match("?", expected);
    return true;
  }

  #afterDot(of: Node): Node {
    const next = this.#in.peek(1).kind;
    if (!optionalName.has(next)) throw this.#in.noAlternative(2);
    const dot = this.#in.match(".", optionalName);
    if (next === "IDENTIFIER" && this.#in.peek(1).kind === "(") {
      const name = this.#in.match("IDENTIFIER", expecting("(")).text;
      const { at } = this.#in.peek();
      return this.#macro({ op: "rcall", args: [name, of, this.#arguments()], at });
    }
    const optional = this.#optional(optionalName);
    return { op: optional ? ".?" : ".", args: [of, this.#name(postfix)], at: dot.at };
  }

  #name(follow: Expected): string {
    const read = (): string => {
      this.#in.sync(names);
      const { kind, text, at } = this.#in.match(
        this.#in.is("ESC_IDENTIFIER") ? "ESC_IDENTIFIER" : "IDENTIFIER",
        end,
      );
      if (kind === "ESC_IDENTIFIER") this.#said.push({ at, text: "unsupported syntax: '`'" });
      return text;
    };
    const { at: begin } = this.#in.peek();
    const broken = (): string => {
      this.#said.push({ at: begin, text: "unsupported ident kind" });
      return "";
    };
    return this.#in.rule("name", follow, read, broken);
  }

  /** `(...)` of a call. */
  #arguments(): Node[] {
    const given = expecting(operand, ")");
    this.#in.match("(", given);
    this.#in.sync(given);
    const args: Node[] = [];
    if (!this.#in.is(")"))
      args.push(
        ...this.#list(
          expecting(")"),
          () => this.#expr(comma),
          () => true,
        ),
      );
    this.#in.match(")", postfix);
    return args;
  }

  /** Comma-separated parts; `goesOn` tells whether a comma continues the list. */
  #list<T>(follow: Expected, part: () => T, goesOn: () => boolean): T[] {
    const parts: T[] = [];
    const read = (): void => {
      parts.push(part());
      while (this.#in.is(",") && goesOn()) {
        this.#in.match(",", optionalOperand);
        parts.push(part());
      }
    };
    this.#in.rule("items", follow, read, () => {});
    return parts;
  }

  #macro(call: Node): Node {
    const args = call.args as readonly unknown[];
    const problem = macroProblem(args[0] as string, call.op === "rcall", args.at(-1) as Node[]);
    if (problem) this.#said.push(problem);
    return call;
  }

  #primary(follow: Expected): Node {
    return this.#rule("primary", follow, () => {
      this.#in.sync(member);
      const { kind, at } = this.#in.peek();
      switch (kind) {
        case "(":
          return this.#nested();
        case "[":
          return { op: "list", args: this.#items("[", "]", optionalOperand, () => this.#item(comma)), at };
        case "{":
          return { op: "map", args: this.#items("{", "}", optionalOperand, () => this.#entry()), at };
        case ".":
        case "IDENTIFIER":
          return this.#named();
        default:
          return this.#literal();
      }
    });
  }

  #nested(): Node {
    this.#in.match("(", operand);
    const inner = this.#expr(expecting(")"));
    this.#in.match(")", end);
    return inner;
  }

  /** Items between brackets, with an optional trailing comma. */
  #items<T>(open: TokenKind, close: TokenKind, first: Expected, part: () => T): T[] {
    const given = expecting(first, ",", close);
    this.#in.match(open, given);
    this.#in.sync(given);
    const last = expecting(",", close);
    const parts = first.has(this.#in.peek().kind)
      ? this.#list(last, part, () => first.has(this.#in.peek(1).kind))
      : [];
    this.#in.sync(last);
    if (this.#in.is(",")) this.#in.match(",", expecting(close));
    this.#in.match(close, end);
    return parts;
  }

  #item(follow: Expected): Node {
    return this.#rule("item", follow, () => {
      const { at } = this.#in.peek();
      const optional = this.#optional(optionalOperand);
      const value = this.#expr(end);
      return optional ? { op: "?", args: value, at } : value;
    });
  }

  #entry(): [Node, Node] {
    const key = this.#item(expecting(":"));
    this.#in.match(":", operand);
    return [key, this.#expr(comma)];
  }

  #field(): MessageField {
    const { optional, name } = this.#in.rule(
      "field",
      expecting(":"),
      () => ({ optional: this.#optional(optionalName), name: this.#name(end) }),
      () => ({ optional: false, name: "" }),
    );
    const { at } = this.#in.match(":", operand);
    return { name, optional, at, value: this.#expr(comma) };
  }

  /** A variable, a call or a message. */
  #named(): Node {
    const dot = this.#in.is(".");
    if (dot && this.#in.peek(1).kind !== "IDENTIFIER") throw this.#in.noAlternative(2);
    if (this.#beginsMessage(dot ? 1 : 0)) return this.#message();
    if (dot) this.#in.match(".", expecting("IDENTIFIER"));
    const { text, at } = this.#in.match("IDENTIFIER", end);
    if (reserved.has(text)) this.#said.push({ at, text: `reserved identifier: ${text}` });
    const open = this.#in.peek();
    const name = dot ? `.${text}` : text;
    if (open.kind !== "(") return { op: "id", args: name, at };
    return this.#macro({ op: "call", args: [name, this.#arguments()], at: open.at });
  }

  #beginsMessage(from: number): boolean {
    let i = from;
    while (this.#in.peek(i).kind === "IDENTIFIER" && this.#in.peek(i + 1).kind === ".") i += 2;
    return this.#in.peek(i).kind === "IDENTIFIER" && this.#in.peek(i + 1).kind === "{";
  }

  #message(): Node {
    let name = "";
    while (!this.#in.is("{")) name += this.#in.match(this.#in.peek().kind, end).text;
    const { at } = this.#in.peek();
    return {
      op: "message",
      args: { name, fields: this.#items("{", "}", optionalName, () => this.#field()) },
      at,
    };
  }

  #literal(): Node {
    if (this.#in.is("-") && !this.#signed()) throw this.#in.noAlternative(2);
    const sign = this.#in.is("-") ? this.#in.match("-", expecting("NUM_INT", "NUM_FLOAT")) : undefined;
    const { kind, text, at } = this.#in.peek();
    if (!literals.includes(kind)) throw this.#in.noAlternative(1);
    this.#in.match(kind, end);
    const start = sign?.at ?? at;
    try {
      return { op: "value", args: valueOf(kind, text, sign !== undefined), at: start };
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error;
      this.#said.push({ at: start, text: error.message });
      return this.#broken();
    }
  }
}

function valueOf(kind: TokenKind, text: string, negative: boolean): CelValue {
  switch (kind) {
    case "NUM_INT":
      return intOf(text, negative);
    case "NUM_UINT":
      return uintOf(text);
    case "NUM_FLOAT":
      return doubleOf(negative ? `-${text}` : text);
    case "STRING":
      return stringOf(text);
    case "BYTES":
      return bytesOf(text);
    case "null":
      return null;
    default:
      return kind === "true";
  }
}
