/** Scans the tokens of YAML 1.1 like Go's parser (yaml.v2), with its errors. */
import { isBlank, isBreak, type YamlCursor } from "./yaml-cursor.ts";

const space = 0x20;
const tab = 0x09;
const hex = /[0-9A-Fa-f]/;
const allHex = /^[0-9A-Fa-f]*$/;
const uri = /[0-9A-Za-z_\-;/?:@&=+$,.!~*'()[\]]/;
const escapes = "0abt\tnvfre \"'\\N_LP";
const escapeLengths: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** `begun`: a part has been read already. */
function uriEnd(cursor: YamlCursor, begun: boolean): void {
  let some = begun;
  for (; ; some = true) {
    if (cursor.char() === "%") {
      if (!hex.test(cursor.char(1)) || !hex.test(cursor.char(2)))
        cursor.fail("did not find URI escaped octet");
      cursor.skip(3);
    } else if (!cursor.isEnd() && uri.test(cursor.char())) cursor.skip();
    else break;
  }
  if (!some) cursor.fail("did not find expected tag URI");
}

function tagHandle(cursor: YamlCursor, directive: boolean): string {
  if (cursor.char() !== "!") cursor.fail("did not find expected '!'");
  cursor.skip();
  const name = cursor.word();
  if (cursor.char() === "!") {
    cursor.skip();
    return `!${name}!`;
  }
  if (directive && name !== "") cursor.fail("did not find expected '!'");
  return `!${name}`;
}

function versionNumber(cursor: YamlCursor): number {
  const start = cursor.at;
  while (/[0-9]/.test(cursor.char())) {
    if (cursor.at - start === 2) cursor.fail("found extremely long version number");
    cursor.skip();
  }
  if (cursor.at === start) cursor.fail("did not find expected version number");
  return Number(cursor.since(start));
}

function restOfLine(cursor: YamlCursor): void {
  cursor.blanks();
  cursor.skipComment();
  if (!cursor.isBreakOrEnd()) cursor.fail("did not find expected comment or line break");
  if (!cursor.isEnd()) cursor.skipBreak();
}

/** Skips empty lines of a block; the first other line determines its indentation. */
function emptyLines(cursor: YamlCursor, known: number, around: number): number {
  let most = 0;
  for (;;) {
    while ((known === 0 || cursor.column < known) && cursor.code() === space) cursor.skip();
    most = Math.max(most, cursor.column);
    if ((known === 0 || cursor.column < known) && cursor.code() === tab)
      cursor.fail("found a tab character where an indentation space is expected");
    if (cursor.isEnd() || !isBreak(cursor.code())) break;
    cursor.skipBreak();
  }
  return known === 0 ? Math.max(most, around + 1, 1) : known;
}

function escape(cursor: YamlCursor): void {
  const char = cursor.char(1);
  const length = escapeLengths[char] ?? 0;
  if (length === 0 && !escapes.includes(char)) cursor.fail("found unknown escape character");
  cursor.skip(2);
  if (length === 0) return;
  let digits = "";
  for (let i = 0; i < length; i++) digits += cursor.char(i);
  if (!allHex.test(digits)) cursor.fail("did not find expected hexdecimal number");
  const value = Number.parseInt(digits, 16);
  if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff)
    cursor.fail("found invalid Unicode character escape code");
  cursor.skip(length);
}

/** Skips a tag; returns its handle, undefined for one that needs no directive. */
export function scanTag(cursor: YamlCursor): string | undefined {
  let handle: string | undefined;
  if (cursor.char(1) === "<") {
    cursor.skip(2);
    uriEnd(cursor, false);
    if (cursor.char() !== ">") cursor.fail("did not find the expected '>'");
    cursor.skip();
  } else {
    const begun = tagHandle(cursor, false);
    if (begun.length > 1 && begun.endsWith("!")) handle = begun;
    uriEnd(cursor, handle === undefined);
  }
  if (!cursor.isBlankOrEnd()) cursor.fail("did not find expected whitespace or line break");
  return handle;
}

/** Skips a directive and its line. `text`: the version, or the handle of a tag. */
export function scanDirective(cursor: YamlCursor): { kind: "version" | "tag directive"; text: string } {
  cursor.skip();
  const name = cursor.word();
  if (name === "") cursor.fail("could not find expected directive name");
  if (!cursor.isBlankOrEnd()) cursor.fail("found unexpected non-alphabetical character");
  if (name !== "YAML" && name !== "TAG") cursor.fail("found unknown directive name");
  cursor.blanks();
  let text: string;
  if (name === "YAML") {
    const major = versionNumber(cursor);
    if (cursor.char() !== ".") cursor.fail("did not find expected digit or '.' character");
    cursor.skip();
    text = `${major}.${versionNumber(cursor)}`;
  } else {
    text = tagHandle(cursor, true);
    if (!isBlank(cursor.code())) cursor.fail("did not find expected whitespace");
    cursor.blanks();
    uriEnd(cursor, false);
    if (!cursor.isBlankOrEnd()) cursor.fail("did not find expected whitespace or line break");
  }
  restOfLine(cursor);
  return { kind: name === "YAML" ? "version" : "tag directive", text };
}

/** Skips a literal or folded scalar. `around`: the indentation of its parent, -1 without one. */
export function scanBlockScalar(cursor: YamlCursor, around: number): void {
  cursor.skip();
  let increment = 0;
  for (let chomped = false, i = 0; i < 2; i++) {
    if (!chomped && /[+-]/.test(cursor.char())) chomped = true;
    else if (increment === 0 && /[0-9]/.test(cursor.char())) {
      increment = Number(cursor.char());
      if (increment === 0) cursor.fail("found an indentation indicator equal to 0");
    } else break;
    cursor.skip();
  }
  restOfLine(cursor);
  let indent = increment > 0 ? Math.max(around, 0) + increment : 0;
  indent = emptyLines(cursor, indent, around);
  while (cursor.column === indent && !cursor.isEnd()) {
    while (!cursor.isBreakOrEnd()) cursor.skip();
    if (!cursor.isEnd()) cursor.skipBreak();
    indent = emptyLines(cursor, indent, around);
  }
}

/** Skips a quoted scalar. */
export function scanQuoted(cursor: YamlCursor, quote: string): void {
  cursor.skip();
  for (;;) {
    if (cursor.isIndicator("---") || cursor.isIndicator("..."))
      cursor.fail("found unexpected document indicator");
    if (cursor.isEnd()) cursor.fail("found unexpected end of stream");
    while (!cursor.isBlankOrEnd()) {
      const char = cursor.char();
      if (char === quote) {
        if (quote === '"' || cursor.char(1) !== "'") break;
        cursor.skip(2);
      } else if (char !== "\\" || quote === "'") cursor.skip();
      else if (!cursor.isEnd(1) && isBreak(cursor.code(1))) {
        cursor.skip();
        cursor.skipBreak();
        break;
      } else escape(cursor);
    }
    if (cursor.char() === quote) break;
    while (!cursor.isEnd() && cursor.isBlankOrEnd())
      if (isBreak(cursor.code())) cursor.skipBreak();
      else cursor.skip();
  }
  cursor.skip();
}

/** Skips a plain scalar; true when a line ends behind it. */
export function scanPlain(cursor: YamlCursor, around: number, inFlow: boolean): boolean {
  const indent = around + 1;
  let broken = false;
  for (;;) {
    if (cursor.isIndicator("---") || cursor.isIndicator("...") || cursor.char() === "#") break;
    while (!cursor.isBlankOrEnd()) {
      const char = cursor.char();
      if (char === ":" && cursor.isBlankOrEnd(1)) break;
      if (inFlow && ",?[]{}".includes(char)) break;
      broken = false;
      cursor.skip();
    }
    if (cursor.isEnd() || !cursor.isBlankOrEnd()) break;
    while (!cursor.isEnd() && cursor.isBlankOrEnd()) {
      if (isBreak(cursor.code())) {
        cursor.skipBreak();
        broken = true;
      } else {
        if (broken && cursor.column < indent && cursor.code() === tab)
          cursor.fail("found a tab character that violates indentation");
        cursor.skip();
      }
    }
    if (!inFlow && cursor.column < indent) break;
  }
  return broken;
}
