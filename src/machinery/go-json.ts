/** The errors of Go's JSON decoder, which clients and users know. */

import { goQuote } from "./go-format.ts";

class Problem extends Error {}

/** The error for a text that JSON.parse refused. `bytes`: each character is a byte, of invalid UTF-8. */
export function jsonProblem(text: string, bytes = false): string {
  try {
    new Scanner(text, bytes).document();
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  return "invalid character";
}

class Scanner {
  readonly #text: string;
  readonly #bytes: boolean;
  #at = 0;

  constructor(text: string, bytes: boolean) {
    this.#text = text;
    this.#bytes = bytes;
  }

  document(): void {
    this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail("after top-level value");
  }

  #value(depth: number): void {
    if (depth > 10_000) throw new Problem("exceeded max depth");
    this.#space();
    const char = this.#text[this.#at];
    if (char === "{") this.#object(depth);
    else if (char === "[") this.#list(depth);
    else if (char === '"') this.#string();
    else if (char === "t") this.#literal("true");
    else if (char === "f") this.#literal("false");
    else if (char === "n") this.#literal("null");
    else if (char !== undefined && /[-0-9]/.test(char)) this.#number();
    else this.#fail("looking for beginning of value");
  }

  #object(depth: number): void {
    this.#at++;
    this.#space();
    if (this.#take("}")) return;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail("looking for beginning of object key string");
      this.#string();
      this.#space();
      if (!this.#take(":")) this.#fail("after object key");
      this.#value(depth + 1);
      this.#space();
      if (this.#take("}")) return;
      if (!this.#take(",")) this.#fail("after object key:value pair");
    }
  }

  #list(depth: number): void {
    this.#at++;
    this.#space();
    if (this.#take("]")) return;
    for (;;) {
      this.#value(depth + 1);
      this.#space();
      if (this.#take("]")) return;
      if (!this.#take(",")) this.#fail("after array element");
    }
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char < " ") this.#fail("in string literal");
      this.#at++;
      if (char === '"') return;
      if (char !== "\\") continue;
      const escaped = this.#text[this.#at];
      if (escaped === undefined || !'"\\/bfnrtu'.includes(escaped)) this.#fail("in string escape code", " ");
      this.#at++;
      if (escaped !== "u") continue;
      for (let i = 0; i < 4; i++, this.#at++) {
        if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? ""))
          this.#fail("in \\u hexadecimal character escape", " ");
      }
    }
  }

  #literal(word: string): void {
    for (const [i, char] of [...word].entries()) {
      if (this.#text[this.#at] !== char) {
        this.#fail(
          i === 0 ? "looking for beginning of value" : `in literal ${word} (expecting '${char}')`,
          " ",
        );
      }
      this.#at++;
    }
  }

  #number(): void {
    this.#take("-");
    if (!this.#take("0")) this.#digits("in numeric literal");
    if (this.#take(".")) this.#digits("after decimal point in numeric literal");
    if (this.#take("e") || this.#take("E")) {
      if (!this.#take("+")) this.#take("-");
      this.#digits("in exponent of numeric literal");
    }
  }

  #digits(where: string): void {
    if (!/[0-9]/.test(this.#text[this.#at] ?? "")) this.#fail(where, " ");
    while (/[0-9]/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #space(): void {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** `atEnd`: Go's interpretation of the end, in the middle of a token. */
  #fail(where: string, atEnd?: string): never {
    const char = this.#text[this.#at] ?? atEnd;
    if (char === undefined) throw new Problem("unexpected end of JSON input");
    const shown =
      char === "'"
        ? "'\\''"
        : char === '"'
          ? "'\"'"
          : `'${this.#bytes && char >= "\x80" ? goQuote(char).slice(1, -1) : goEscaped(char)}'`;
    throw new Problem(`invalid character ${shown} ${where}`);
  }
}

/** As Go quotes a character. */
function goEscaped(char: string): string {
  const code = char.charCodeAt(0);
  // Go works on bytes: it shows the first byte of a longer character as a character.
  if (code >= 0x80) {
    const lead =
      code < 0x800 ? 0xc0 | (code >> 6) : code >= 0xd800 && code < 0xe000 ? 0xf0 : 0xe0 | (code >> 12);
    return String.fromCharCode(lead);
  }
  const short: Record<number, string> = { 7: "\\a", 11: "\\v" };
  if (short[code]) return short[code];
  const escaped = JSON.stringify(char).slice(1, -1);
  return code < 0x20 || code === 0x7f
    ? escaped.length === 2
      ? escaped
      : `\\x${code.toString(16).padStart(2, "0")}`
    : escaped;
}
