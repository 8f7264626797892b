/**
 * The tokens of a YAML text as in Go's parser (yaml.v2, YAML 1.1), without values: sufficient to find its first error. They are
 * scanned on demand, since errors are found in that order.
 */
import { isBlank, isBreak, YamlCursor } from "./yaml-cursor.ts";
import { scanBlockScalar, scanDirective, scanPlain, scanQuoted, scanTag } from "./yaml-lexemes.ts";

const space = 0x20;
const tab = 0x09;

export type TokenKind =
  | "stream end"
  | "version"
  | "tag directive"
  | "document start"
  | "document end"
  | "block sequence"
  | "block mapping"
  | "block end"
  | "["
  | "]"
  | "{"
  | "}"
  | ","
  | "-"
  | "key"
  | "value"
  | "alias"
  | "anchor"
  | "tag"
  | "scalar";

export interface Token {
  kind: TokenKind;
  /** From 0. */
  line: number;
  /** The name of an anchor or alias, the handle of a tag or its directive, `1.1` for a version. */
  text?: string;
}

/** A possible beginning of a key without a question mark. */
interface SimpleKey {
  possible: boolean;
  required: boolean;
  /** Index of its first token. */
  number: number;
  index: number;
  line: number;
  column: number;
}

const maxDepth = 10_000;
/** Simple keys end on the same line, within this number of characters. */
const maxKeyLength = 1024;

const noStart = new Set("-?:,[]{}#&*!|>'\"%@`");

export class YamlTokens {
  readonly #cursor: YamlCursor;
  #queue: Token[] = [];
  #head = 0;
  /** Number of consumed tokens. */
  #taken = 0;
  #indent = -1;
  readonly #indents: number[] = [];
  #flow = 0;
  #keyAllowed = true;
  readonly #keys: SimpleKey[] = [this.#noKey()];
  readonly #keysByToken = new Map<number, SimpleKey>();
  #ended = false;

  constructor(text: string) {
    this.#cursor = new YamlCursor(text);
  }

  /** Throws YamlTextProblem. */
  peek(): Token {
    for (;;) {
      if (this.#head < this.#queue.length) {
        const key = this.#keysByToken.get(this.#taken);
        if (!key || this.#ended || !this.#isValid(key)) break;
      }
      this.#fetch();
    }
    return this.#queue[this.#head] as Token;
  }

  take(): Token {
    const token = this.peek();
    this.#head++;
    this.#taken++;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    return token;
  }

  #noKey(): SimpleKey {
    return { possible: false, required: false, number: 0, index: 0, line: 0, column: 0 };
  }

  #push(kind: TokenKind, text?: string): void {
    this.#queue.push({ kind, line: this.#cursor.line, ...(text === undefined ? {} : { text }) });
  }

  /** Adds a token from here to the end of the scan; its text is the scan's result. */
  #scanned(kind: TokenKind, scan: () => string | void): void {
    const { line } = this.#cursor;
    const text = scan();
    this.#queue.push({ kind, line, ...(text === undefined ? {} : { text }) });
  }

  #isValid(key: SimpleKey): boolean {
    if (!key.possible) return false;
    if (key.line < this.#cursor.line || key.index + maxKeyLength < this.#cursor.at) {
      if (key.required) this.#cursor.fail("could not find expected ':'");
      key.possible = false;
      return false;
    }
    return true;
  }

  #key(): SimpleKey {
    return this.#keys[this.#keys.length - 1] as SimpleKey;
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return;
    const required = this.#flow === 0 && this.#indent === this.#cursor.column;
    this.#removeKey();
    const number = this.#taken + this.#queue.length - this.#head;
    const key = {
      possible: true,
      required,
      number,
      index: this.#cursor.at,
      line: this.#cursor.line,
      column: this.#cursor.column,
    };
    this.#keys[this.#keys.length - 1] = key;
    this.#keysByToken.set(number, key);
  }

  #removeKey(): void {
    const key = this.#key();
    if (!key.possible) return;
    if (key.required) this.#cursor.fail("could not find expected ':'");
    key.possible = false;
    this.#keysByToken.delete(key.number);
  }

  /** `number`: the block's first token; undefined for the next one. */
  #roll(column: number, kind: TokenKind, line: number, number?: number): void {
    if (this.#flow > 0 || this.#indent >= column) return;
    this.#indents.push(this.#indent);
    this.#indent = column;
    if (this.#indents.length > maxDepth) this.#cursor.fail(`exceeded max depth of ${maxDepth}`);
    this.#insert({ kind, line }, number);
  }

  #insert(token: Token, number?: number): void {
    if (number === undefined) this.#queue.push(token);
    else this.#queue.splice(this.#head + number - this.#taken, 0, token);
  }

  #unroll(column: number): void {
    if (this.#flow > 0) return;
    while (this.#indent > column) {
      this.#push("block end");
      this.#indent = this.#indents.pop() as number;
    }
  }

  #toNext(): void {
    for (;;) {
      if (this.#cursor.column === 0 && this.#cursor.code() === 0xfeff) this.#cursor.skip();
      while (
        this.#cursor.code() === space ||
        (this.#cursor.code() === tab && (this.#flow > 0 || !this.#keyAllowed))
      )
        this.#cursor.skip();
      this.#cursor.skipComment();
      if (this.#cursor.isEnd() || !isBreak(this.#cursor.code())) return;
      this.#cursor.skipBreak();
      if (this.#flow === 0) this.#keyAllowed = true;
    }
  }

  #fetch(): void {
    this.#toNext();
    this.#unroll(this.#cursor.column);
    if (this.#cursor.isEnd()) return this.#end();
    const char = this.#cursor.char();
    if (this.#cursor.column === 0 && char === "%")
      return this.#outside(() => {
        const { line } = this.#cursor;
        this.#queue.push({ ...scanDirective(this.#cursor), line });
      });
    if (this.#cursor.isIndicator("---")) return this.#outside(() => this.#indicator("document start"));
    if (this.#cursor.isIndicator("...")) return this.#outside(() => this.#indicator("document end"));
    const alone = this.#cursor.isBlankOrEnd(1);
    switch (char) {
      case "[":
      case "{":
        return this.#open(char);
      case "]":
      case "}":
        return this.#close(char);
      case ",":
        return this.#entry(",");
      case "*":
      case "&":
        return this.#named(char === "*" ? "alias" : "anchor");
      case "!":
        this.#saveKey();
        this.#keyAllowed = false;
        return this.#scanned("tag", () => scanTag(this.#cursor));
      case "'":
      case '"':
        this.#saveKey();
        this.#keyAllowed = false;
        return this.#scanned("scalar", () => scanQuoted(this.#cursor, char));
      case "-":
        if (alone) return this.#blockEntry();
        break;
      case "?":
        if (alone || this.#flow > 0) return this.#explicitKey();
        break;
      case ":":
        if (alone || this.#flow > 0) return this.#value();
        break;
      case "|":
      case ">":
        if (this.#flow > 0) break;
        this.#removeKey();
        this.#keyAllowed = true;
        return this.#scanned("scalar", () => scanBlockScalar(this.#cursor, this.#indent));
      default:
    }
    const starts =
      !(this.#cursor.isBlankOrEnd() || noStart.has(char)) ||
      (char === "-" && !isBlank(this.#cursor.code(1))) ||
      (this.#flow === 0 && (char === "?" || char === ":") && !alone);
    if (!starts) this.#cursor.fail("found character that cannot start any token");
    this.#saveKey();
    this.#keyAllowed = false;
    this.#scanned("scalar", () => {
      // After a line break a key may begin.
      if (scanPlain(this.#cursor, this.#indent, this.#flow > 0)) this.#keyAllowed = true;
    });
  }

  #end(): void {
    if (this.#cursor.column !== 0) {
      this.#cursor.column = 0;
      this.#cursor.line++;
    }
    this.#unroll(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    this.#push("stream end");
    this.#ended = true;
  }

  /** Tokens between documents. */
  #outside(scan: () => void): void {
    this.#unroll(-1);
    this.#removeKey();
    this.#keyAllowed = false;
    scan();
  }

  #indicator(kind: TokenKind): void {
    this.#push(kind);
    this.#cursor.skip(3);
  }

  #open(kind: "[" | "{"): void {
    this.#saveKey();
    this.#keys.push(this.#noKey());
    if (++this.#flow > maxDepth) this.#cursor.fail(`exceeded max depth of ${maxDepth}`);
    this.#keyAllowed = true;
    this.#push(kind);
    this.#cursor.skip();
  }

  #close(kind: "]" | "}"): void {
    this.#removeKey();
    if (this.#flow > 0) {
      this.#flow--;
      this.#keys.pop();
    }
    this.#keyAllowed = false;
    this.#push(kind);
    this.#cursor.skip();
  }

  #entry(kind: "," | "-"): void {
    this.#removeKey();
    this.#keyAllowed = true;
    this.#push(kind);
    this.#cursor.skip();
  }

  #blockEntry(): void {
    if (this.#flow === 0) {
      if (!this.#keyAllowed) this.#cursor.fail("block sequence entries are not allowed in this context");
      this.#roll(this.#cursor.column, "block sequence", this.#cursor.line);
    }
    this.#entry("-");
  }

  #explicitKey(): void {
    if (this.#flow === 0) {
      if (!this.#keyAllowed) this.#cursor.fail("mapping keys are not allowed in this context");
      this.#roll(this.#cursor.column, "block mapping", this.#cursor.line);
    }
    this.#removeKey();
    this.#keyAllowed = this.#flow === 0;
    this.#push("key");
    this.#cursor.skip();
  }

  #value(): void {
    const key = this.#key();
    if (this.#isValid(key)) {
      this.#insert({ kind: "key", line: key.line }, key.number);
      this.#roll(key.column, "block mapping", key.line, key.number);
      key.possible = false;
      this.#keysByToken.delete(key.number);
      this.#keyAllowed = false;
    } else {
      if (this.#flow === 0) {
        if (!this.#keyAllowed) this.#cursor.fail("mapping values are not allowed in this context");
        this.#roll(this.#cursor.column, "block mapping", this.#cursor.line);
      }
      this.#keyAllowed = this.#flow === 0;
    }
    this.#push("value");
    this.#cursor.skip();
  }

  #named(kind: "alias" | "anchor"): void {
    this.#saveKey();
    this.#keyAllowed = false;
    this.#cursor.skip();
    const name = this.#cursor.word();
    if (name === "" || !(this.#cursor.isBlankOrEnd() || "?:,]}%@`".includes(this.#cursor.char())))
      this.#cursor.fail("did not find expected alphabetic or numeric character");
    this.#push(kind, name);
  }
}
