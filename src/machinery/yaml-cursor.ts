/** A position in a YAML text, counted like Go's parser (yaml.v2). */
import { YamlTextProblem } from "./yaml-problem.ts";

const space = 0x20;
const tab = 0x09;
const letters = /[0-9A-Za-z_-]/;

/** YAML 1.1 has more of them than JSON. */
export const isBreak = (code: number): boolean =>
  code === 0x0a || code === 0x0d || code === 0x85 || code === 0x2028 || code === 0x2029;
export const isBlank = (code: number): boolean => code === space || code === tab;

export class YamlCursor {
  readonly #text: string;
  /** In characters. */
  at: number;
  /** From 0. */
  line = 0;
  /** From 0. */
  column = 0;

  constructor(text: string) {
    this.#text = text;
    this.at = text.startsWith("\ufeff") ? 1 : 0;
  }

  /** The text since a position. */
  since(start: number): string {
    return this.#text.slice(start, this.at);
  }

  /** Throws YamlTextProblem. */
  fail(what: string): never {
    throw new YamlTextProblem(what, this.line === 0 ? 0 : this.line + 1);
  }

  /** 0 at the end. */
  code(ahead = 0): number {
    const at = this.at + ahead;
    return at < this.#text.length ? this.#text.charCodeAt(at) : 0;
  }

  char(ahead = 0): string {
    return this.#text[this.at + ahead] ?? "\0";
  }

  isEnd(ahead = 0): boolean {
    return this.at + ahead >= this.#text.length;
  }

  isBreakOrEnd(ahead = 0): boolean {
    return this.isEnd(ahead) || isBreak(this.code(ahead));
  }

  isBlankOrEnd(ahead = 0): boolean {
    return this.isBreakOrEnd(ahead) || isBlank(this.code(ahead));
  }

  skip(count = 1): void {
    this.at += count;
    this.column += count;
  }

  skipBreak(): void {
    this.at += this.code() === 0x0d && this.code(1) === 0x0a ? 2 : 1;
    this.column = 0;
    this.line++;
  }

  skipComment(): void {
    if (this.char() === "#") while (!this.isBreakOrEnd()) this.skip();
  }

  isIndicator(mark: string): boolean {
    return this.column === 0 && this.#text.startsWith(mark, this.at) && this.isBlankOrEnd(3);
  }

  word(): string {
    const start = this.at;
    while (letters.test(this.char())) this.skip();
    return this.since(start);
  }

  blanks(): void {
    while (isBlank(this.code())) this.skip();
  }
}
