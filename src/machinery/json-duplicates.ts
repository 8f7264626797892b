/** Finds duplicate members of objects in JSON, which JSON.parse ignores. */
import { stringEnd } from "./json-string.ts";

const quote = 0x22;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

/** Beyond this number of members a set is faster than a list. */
const fewMembers = 12;

/**
 * Paths such as `spec.containers[0].image`, in order. The text must be valid JSON. It scans every written body, so it builds
 * paths only when there is something to report.
 */
export function duplicateMembers(text: string): string[] {
  return new Scanner(text).run();
}

class Scanner {
  readonly #text: string;
  #at = 0;
  /** Members and indexes of the current path. */
  readonly #way: (string | number)[] = [];
  readonly #found: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  run(): string[] {
    this.#value();
    return this.#found.length > 1 ? [...new Set(this.#found)] : this.#found;
  }

  /** The code of the next character that is no white space. */
  #next(): number {
    let code = this.#text.charCodeAt(this.#at);
    while (code <= 0x20) code = this.#text.charCodeAt(++this.#at);
    return code;
  }

  /** Moves past a string; returns the end of its content. */
  #string(): number {
    const found = stringEnd(this.#text, this.#at);
    const end = found < 0 ? this.#text.length : found;
    this.#at = end + 1;
    return end;
  }

  #value(): void {
    const code = this.#next();
    if (code === openBrace) this.#object();
    else if (code === openBracket) this.#list();
    else if (code === quote) this.#string();
    else {
      const text = this.#text;
      for (let each = code; each === each; each = text.charCodeAt(++this.#at)) {
        if (each === comma || each === closeBrace || each === closeBracket || each <= 0x20) break;
      }
    }
  }

  #object(): void {
    const text = this.#text;
    const names: string[] = [];
    let many: Set<string> | undefined;
    const depth = this.#way.length;
    this.#at++;
    while (this.#next() === quote) {
      const start = this.#at + 1;
      const raw = text.slice(start, this.#string());
      const name = raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
      this.#way[depth] = name;
      if (many ? many.has(name) : names.includes(name)) this.#report();
      else if (many) many.add(name);
      else if (names.push(name) > fewMembers) many = new Set(names);
      this.#next();
      this.#at++;
      this.#value();
      if (this.#next() === comma) this.#at++;
    }
    this.#way.length = depth;
    this.#at++;
  }

  #list(): void {
    const depth = this.#way.length;
    this.#at++;
    for (let i = 0; ; i++) {
      const code = this.#next();
      if (code === closeBracket || code !== code) break;
      this.#way[depth] = i;
      this.#value();
      if (this.#next() === comma) this.#at++;
    }
    this.#way.length = depth;
    this.#at++;
  }

  #report(): void {
    let path = "";
    for (const step of this.#way) {
      if (typeof step === "number") path += `[${step}]`;
      else path += path === "" ? step : `.${step}`;
    }
    this.#found.push(path);
  }
}
