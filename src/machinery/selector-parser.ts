/** Reads label selectors in text, with the grammar and the error messages of apimachinery's `labels` package. */
import { isLabelValue, isQualifiedName } from "./names.ts";

export type SelectorOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  key: string;
  operator: SelectorOperator;
  values: readonly string[];
}

export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

/** Throws SelectorError. */
export function parseRequirements(text: string): Requirement[] {
  return new Parser(tokensOf(text)).requirements();
}

/** A NUL ends a token and is dropped; where a token would begin, it ends the text (as in Go's lexer). */
const tokenPattern = /\s*(==|!=|[=!(),<>]|[^\s\0=!(),<>]+)\0?/gy;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  const source = text.trimEnd();
  while (tokenPattern.lastIndex < source.length) {
    const match = tokenPattern.exec(source);
    if (!match) break;
    tokens.push(match[1] as string);
  }
  return tokens;
}

const isSymbol = (token: string): boolean => /^[=!(),<>]/.test(token);

const operators = new Map<string, SelectorOperator>([
  ["=", "="],
  ["==", "=="],
  ["!=", "!="],
  [">", "gt"],
  ["<", "lt"],
]);

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  requirements(): Requirement[] {
    const requirements: Requirement[] = [];
    while (this.#at < this.#tokens.length) {
      requirements.push(this.#requirement());
      if (this.#at < this.#tokens.length) this.#comma();
    }
    return requirements;
  }

  #requirement(): Requirement {
    if (this.#take("!")) {
      return { key: checkKey(this.#word("identifier")), operator: "!", values: [] };
    }
    if (isSymbol(this.#token as string))
      throw new SelectorError(this.#found("!, identifier, or 'end of string'"));
    const key = checkKey(this.#word("identifier"));
    const next = this.#token;
    if (next === undefined || next === ",") return { key, operator: "exists", values: [] };
    if (next === "in" || next === "notin") {
      this.#at++;
      return { key, operator: next, values: this.#set(key) };
    }
    const operator = operators.get(next);
    if (!operator) return this.#fail("in, notin, =, ==, !=, gt, lt");
    this.#at++;
    return { key, operator, values: this.#value(key, operator) };
  }

  /** What stands behind an operator that takes one value, which may be empty. */
  #value(key: string, operator: SelectorOperator): string[] {
    const token = this.#token;
    const value = token === undefined || token === "," ? "" : this.#word("identifier");
    const wrong =
      (operator === "gt" || operator === "lt") && !isInt64(value)
        ? [
            `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
          ]
        : [];
    return checkValues(key, [value], wrong);
  }

  /** What stands behind `in` and `notin`. */
  #set(key: string): string[] {
    if (!this.#take("(")) {
      throw new SelectorError(`unable to parse requirement: found '${this.#token ?? ""}' expected: '('`);
    }
    if (this.#take(")")) return checkValues(key, [""], []);
    if (this.#token !== ",") this.#see("',', ')' or identifier");
    const values = new Set<string>();
    do {
      if (this.#take(",")) {
        // A comma stands behind a value: what is not there is the empty one.
        if (values.size === 0 || this.#token === ")" || this.#take(",")) values.add("");
        continue;
      }
      values.add(this.#word("',', or identifier"));
      if (this.#token !== "," && this.#token !== ")") this.#fail("',' or ')'");
    } while (!this.#take(")"));
    return checkValues(key, [...values], []);
  }

  /** Between requirements: another one must follow. */
  #comma(): void {
    if (!this.#take(",")) throw new SelectorError(this.#found("',' or 'end of string'"));
    const next = this.#token;
    if (next === undefined || /^[=(),<>]|^!=/.test(next))
      throw new SelectorError(this.#found("identifier after ','"));
  }

  get #token(): string | undefined {
    return this.#tokens[this.#at];
  }

  /** Whether this symbol comes next. It is taken then. */
  #take(symbol: string): boolean {
    if (this.#token !== symbol) return false;
    this.#at++;
    return true;
  }

  /** Takes a token that is no symbol. */
  #word(expected: string): string {
    const token = this.#token;
    if (token === undefined || isSymbol(token)) return this.#fail(expected);
    this.#at++;
    return token;
  }

  /** Fails where a symbol, or nothing, comes next. */
  #see(expected: string): void {
    const token = this.#token;
    if (token === undefined || isSymbol(token)) this.#fail(expected);
  }

  #found(expected: string): string {
    return `found '${this.#token ?? ""}', expected: ${expected}`;
  }

  /** Inside of a requirement. */
  #fail(expected: string): never {
    throw new SelectorError(`unable to parse requirement: ${this.#found(expected)}`);
  }
}

function isInt64(text: string): boolean {
  if (!/^[+-]?\d+$/.test(text)) return false;
  const value = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, value) === value;
}

function checkKey(key: string): string {
  const wrong = isQualifiedName(key);
  if (wrong.length === 0) return key;
  throw new SelectorError(
    `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${wrong.join("; ")}`,
  );
}

/** Throws every mistake in the values, after those that are known already. */
function checkValues(key: string, values: string[], known: readonly string[]): string[] {
  const wrong = [...known];
  for (const [i, value] of values.entries()) {
    const texts = isLabelValue(value);
    if (texts.length > 0) {
      wrong.push(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${texts.join("; ")}`);
    }
  }
  if (wrong.length === 0) return values;
  const text = wrong.length === 1 ? wrong[0] : `[${wrong.join(", ")}]`;
  throw new SelectorError(`unable to parse requirement: ${text}`);
}
