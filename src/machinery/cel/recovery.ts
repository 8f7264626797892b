/**
 * A token stream with error recovery and messages like ANTLR's default strategy: an extra token is deleted, a missing one
 * inserted, and a rule that cannot recover ends at the next token that an outer rule expects.
 */
import type { Problem } from "./errors.ts";
import { shownText, type Token, type TokenKind, tokenKinds } from "./tokens.ts";

/** Expected tokens; `end` when the rule may end. */
export type Expected = ReadonlySet<TokenKind | "end">;

export const expecting = (...parts: (TokenKind | "end" | Expected)[]): Expected =>
  new Set(parts.flatMap((part) => (typeof part === "string" ? [part] : [...part])));

/** Ends a rule; its caller continues. */
class Unexpected extends Error {}
/** Ends parsing. */
class GivenUp extends Error {}

const maxDepth = 250;
const maxRecoveries = 30;
const onlyEnd = expecting("EOF");

export class TokenStream {
  readonly problems: Problem[] = [];
  readonly #source: string;
  readonly #tokens: readonly Token[];
  /** The follow sets of active rules, outermost first. */
  readonly #follow: Expected[] = [onlyEnd];
  readonly #depths = new Map<string, number>();
  #next = 0;
  #recovering = false;
  #recoveries = 0;
  /** Where the last rule failed: failing twice there consumes a token, to guarantee progress. */
  #stuckAt = -1;

  constructor(source: string, tokens: readonly Token[]) {
    this.#source = source;
    this.#tokens = tokens;
  }

  /** The token `ahead` of the next one. */
  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] as Token;
  }

  is(...kinds: readonly TokenKind[]): boolean {
    return kinds.includes(this.peek().kind);
  }

  #consume(): Token {
    const token = this.peek();
    if (token.kind !== "EOF") this.#next++;
    return token;
  }

  /** Runs `parse`; undefined when it gave up. */
  run<T>(parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (error instanceof GivenUp) return undefined;
      if (!(error instanceof RangeError)) throw error;
      this.#tooDeep();
      return undefined;
    }
  }

  #tooDeep(): void {
    this.problems.length = 0;
    this.problems.push({ at: 0, text: `expression recursion limit exceeded: ${maxDepth}` });
  }

  /** A rule of the grammar, with its follow set. */
  rule<T>(name: string, follow: Expected, body: () => T, broken: () => T): T {
    const depth = this.#depths.get(name) ?? 0;
    this.#follow.push(follow);
    this.#depths.set(name, depth);
    try {
      this.deeper(name);
      return body();
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error;
      this.#report(error.message, this.#failedAt);
      this.#recover();
      return broken();
    } finally {
      this.#depths.set(name, depth);
      this.#follow.pop();
    }
  }

  #failedAt = 0;

  /** Another level of a recursive rule. */
  deeper(name: string): void {
    const depth = (this.#depths.get(name) ?? 0) + 1;
    this.#depths.set(name, depth);
    if (depth <= maxDepth) return;
    this.#tooDeep();
    throw new GivenUp();
  }

  /** Matches a token, recovering if possible; `after`: what may follow it in this rule. */
  match(kind: TokenKind, after: Expected): Token {
    if (this.is(kind)) return this.#matched();
    this.#countRecovery();
    if (this.#deleted(expecting(kind))) return this.#matched();
    const token = this.peek();
    if (this.#withContext(after).has(token.kind)) {
      this.#report(`missing ${shownSet(expecting(kind))} at '${shownText(token.text)}'`, token.at);
      return { kind, text: "", at: token.at };
    }
    throw this.mismatch(expecting(kind));
  }

  #matched(): Token {
    this.#recovering = false;
    this.#stuckAt = -1;
    return this.#consume();
  }

  /** Before an alternative: only `expected` tokens are valid here. */
  sync(expected: Expected): void {
    if (this.#recovering || expected.has("end") || expected.has(this.peek().kind)) return;
    if (!this.#deleted(expected)) throw this.mismatch(expected);
  }

  /** After an iteration of a loop. */
  syncLoop(expected: Expected): void {
    if (this.#recovering || expected.has("end") || expected.has(this.peek().kind)) return;
    this.#reportUnwanted(expected);
    this.#skipTo(expecting(expected, this.#recoverySet()));
  }

  mismatch(expected: Expected): Error {
    const token = this.peek();
    return this.#unexpected(
      `mismatched input '${shownText(token.text)}' expecting ${shownSet(expected)}`,
      token,
    );
  }

  /** No alternative begins with the next `count` tokens. */
  noAlternative(count: number): Error {
    const [first, last] = [this.peek(), this.peek(count - 1)];
    const text = first.kind === "EOF" ? first.text : this.#textOf(count);
    const reserved = /^.(true|false|null)$/s.exec(text)?.[1];
    return this.#unexpected(
      reserved === undefined
        ? `no viable alternative at input '${shownText(text)}'`
        : `mismatched input '${reserved}' expecting IDENTIFIER`,
      last,
    );
  }

  /** The text of the next tokens, including the spaces between them, without EOF. */
  #textOf(count: number): string {
    let text = "";
    let at = this.peek().at;
    for (let i = 0; i < count; i++) {
      const token = this.peek(i);
      text += this.#source.slice(at, token.at).replaceAll(/\S/g, "");
      if (token.kind !== "EOF") text += token.text;
      at = token.at + token.text.length;
    }
    return text;
  }

  #unexpected(text: string, { at }: Token): Error {
    this.#failedAt = at;
    return new Unexpected(text);
  }

  /** Deletes a token when the next one is expected. */
  #deleted(expected: Expected): boolean {
    if (!this.#withContext(expected).has(this.peek(1).kind)) return false;
    this.#reportUnwanted(expected);
    this.#consume();
    this.#recovering = false;
    return true;
  }

  #reportUnwanted(expected: Expected): void {
    const token = this.peek();
    const wanted = shownSet(this.#withContext(expected));
    this.#report(`extraneous input '${shownText(token.text)}' expecting ${wanted}`, token.at);
  }

  /** Reports nothing until a token has been matched since the last error. */
  #report(text: string, at: number): void {
    if (!this.#recovering) this.problems.push({ at, text: `Syntax error: ${text}` });
    this.#recovering = true;
  }

  #countRecovery(): void {
    if (++this.#recoveries <= maxRecoveries) return;
    this.problems.push({
      at: this.peek().at,
      text: `Syntax error: error recovery attempt limit exceeded: ${maxRecoveries}`,
    });
    throw new GivenUp();
  }

  #recover(): void {
    this.#countRecovery();
    if (this.#stuckAt === this.#next) this.#consume();
    this.#stuckAt = this.#next;
    this.#skipTo(this.#recoverySet());
  }

  #skipTo(wanted: Expected): void {
    while (!this.is("EOF") && !wanted.has(this.peek().kind)) this.#consume();
  }

  #recoverySet(): Expected {
    return new Set(this.#follow.flatMap((each) => [...each]).filter((each) => each !== "end"));
  }

  #withContext(expected: Expected): Expected {
    const all = new Set(expected);
    for (let i = this.#follow.length - 1; all.delete("end") && i >= 0; i--)
      for (const each of this.#follow[i] as Expected) all.add(each);
    return all;
  }
}

const isName = (kind: string): boolean => /^[A-Z]/.test(kind) && kind !== "EOF";

function shownSet(expected: Expected): string {
  const shown = tokenKinds
    .filter((kind) => expected.has(kind))
    .map((kind) => (kind === "EOF" ? "<EOF>" : isName(kind) ? kind : `'${kind}'`));
  return shown.length === 1 ? (shown[0] as string) : `{${shown.join(", ")}}`;
}
