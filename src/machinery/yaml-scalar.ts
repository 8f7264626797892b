/** Formats strings like Go's yaml.v2, which Kubernetes uses, byte for byte: style and folding. */

/** Longer lines are folded at a space. */
const bestWidth = 80;
/** Longer keys are written as `? key` on a line of their own. */
const longestSimpleKey = 128;

const words = new Set(
  (
    "y Y yes Yes YES true True TRUE on On ON n N no No NO false False FALSE off Off OFF ~ null Null NULL " +
    ".nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF"
  ).split(" "),
);
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const integer = /^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const time = /^\d{4}-(\d{1,2})-(\d{1,2})([Tt ](\d{1,2}):(\d{1,2}):(\d{1,2})([.,]\d+)?(Z|[-+]\d{2}:\d{2})?)?$/;

function isTime(text: string): boolean {
  const match = time.exec(text);
  if (!match) return false;
  const [, month, day, clock, hours, minutes, seconds, , zone] = match;
  const days = new Date(Date.UTC(Number(text.slice(0, 4)), Number(month), 0)).getUTCDate();
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > days) return false;
  if (clock === undefined) return true;
  if (clock.startsWith(" ") === (zone !== undefined)) return false;
  return Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60;
}

/** True when the unquoted text would be read as another type: a number, a boolean, a time, null. */
function readsAsOther(text: string): boolean {
  if (text === "" || words.has(text)) return true;
  if (!/^[-+.0-9]/.test(text)) return false;
  if (text.startsWith(".")) return float.test(text);
  const plain = text.replaceAll("_", "");
  return float.test(plain) || integer.test(plain) || base60.test(text) || isTime(text);
}

const isBreak = (c: string | undefined): boolean =>
  c === "\n" || c === "\r" || c === "\u0085" || c === "\u2028" || c === "\u2029";
const isBlank = (c: string | undefined): boolean => c === undefined || c === " " || c === "\t" || isBreak(c);
/** Characters beyond U+FFFF are not printable to yaml.v2. */
const isPrintable = (c: string): boolean =>
  /^[\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]$/.test(c);

interface Allowed {
  plain: boolean;
  single: boolean;
  block: boolean;
  multiline: boolean;
}

/** The styles that a text's characters allow outside of flow collections. */
function analyze(chars: readonly string[]): Allowed {
  let indicators = /^(---|\.\.\.)/.test(chars.slice(0, 3).join(""));
  let [special, breaks, breakSpace, spaceBreak] = [false, false, false, false];
  chars.forEach((c, i) => {
    const [before, after] = [chars[i - 1], chars[i + 1]];
    if (i === 0 && (/[#,[\]{}&*!|>'"%@`]/.test(c) || (/[?:-]/.test(c) && isBlank(after)))) indicators = true;
    if (i > 0 && ((c === ":" && isBlank(after)) || (c === "#" && isBlank(before)))) indicators = true;
    if (!isPrintable(c)) special = true;
    if (c === " " && isBreak(before)) breakSpace = true;
    if (isBreak(c)) {
      breaks = true;
      if (before === " ") spaceBreak = true;
    }
  });
  const [first, last] = [chars[0], chars.at(-1)];
  const edges = first === " " || last === " " || isBreak(first) || isBreak(last);
  const none = spaceBreak || special;
  return {
    plain: !(none || edges || breakSpace || breaks || indicators),
    single: !(none || breakSpace),
    block: !(none || last === " "),
    multiline: breaks,
  };
}

/** Collects characters and tracks the column. */
class Line {
  text = "";
  column: number;
  readonly indent: string;

  constructor(column: number, indent: number) {
    this.column = column;
    this.indent = " ".repeat(indent);
  }

  put(text: string): void {
    this.text += text;
    this.column += text.length > 1 ? [...text].length : 1;
  }

  wrap(): void {
    this.text += `\n${this.indent}`;
    this.column = this.indent.length;
  }
}

function plainStyle(chars: readonly string[], line: Line, fold: boolean): void {
  chars.forEach((c, i) => {
    const folds =
      fold && c === " " && chars[i - 1] !== " " && chars[i + 1] !== " " && line.column > bestWidth;
    if (folds) line.wrap();
    else line.put(c);
  });
}

/** Line breaks are doubled, since single ones are read as spaces. */
function singleStyle(chars: readonly string[], line: Line, fold: boolean): void {
  line.put("'");
  let afterBreak = false;
  chars.forEach((c, i) => {
    const inside = i > 0 && i < chars.length - 1;
    if (isBreak(c)) {
      if (!afterBreak && c === "\n") line.text += "\n";
      line.text += c;
      line.column = 0;
      afterBreak = true;
      return;
    }
    if (c === " " && !afterBreak) {
      const folds = fold && inside && chars[i - 1] !== " " && chars[i + 1] !== " " && line.column > bestWidth;
      if (folds) line.wrap();
      else line.put(c);
      return;
    }
    if (afterBreak) line.put(line.indent);
    line.put(c === "'" ? "''" : c);
    afterBreak = false;
  });
  line.put("'");
}

const escapes: Readonly<Record<string, string>> = {
  "\0": "0",
  "\u0007": "a",
  "\b": "b",
  "\t": "t",
  "\n": "n",
  "\v": "v",
  "\f": "f",
  "\r": "r",
  "\u001b": "e",
  '"': '"',
  "\\": "\\",
  "\u0085": "N",
  "\u00a0": "_",
  "\u2028": "L",
  "\u2029": "P",
};

function escaped(c: string): string {
  const short = escapes[c];
  if (short !== undefined) return `\\${short}`;
  const code = c.codePointAt(0) ?? 0;
  const [letter, width] = code <= 0xff ? ["x", 2] : code <= 0xffff ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).toUpperCase().padStart(Number(width), "0")}`;
}

function doubleStyle(chars: readonly string[], line: Line, fold: boolean): void {
  line.put('"');
  chars.forEach((c, i) => {
    if (!isPrintable(c) || isBreak(c) || c === '"' || c === "\\") line.put(escaped(c));
    else if (c === " " && fold && i > 0 && i < chars.length - 1 && chars[i - 1] !== " ") {
      if (line.column <= bestWidth) line.put(c);
      else {
        line.wrap();
        if (chars[i + 1] === " ") line.put("\\");
      }
    } else line.put(c);
  });
  line.put('"');
}

/** `|` with its indicators, and the indented lines. Ends without a line break. */
function literalStyle(text: string, indent: number): string {
  const lead = /^[ \n\r\u0085\u2028\u2029]/.test(text) ? "2" : "";
  const end = !text.endsWith("\n") ? "-" : text === "\n" || text.endsWith("\n\n") ? "+" : "";
  const body = (text.endsWith("\n") ? text.slice(0, -1) : text)
    .split("\n")
    .map((row) => (row === "" ? "" : " ".repeat(indent) + row))
    .join("\n");
  return `|${lead}${end}\n${body}`;
}

/** Most strings: short and plain. */
const simple = /^[A-Za-z_/][A-Za-z0-9_/.:@=+-]*[A-Za-z0-9_/.@=+-]$/;

/** Formats a value that begins in `column`; later lines are indented by `indent` columns. */
export function yamlText(text: string, column: number, indent: number): string {
  if (simple.test(text) && !words.has(text)) return text;
  const chars = [...text];
  const allowed = analyze(chars);
  if (text.includes("\n") && allowed.block) return literalStyle(text, indent);
  const line = new Line(column, indent);
  if (text.includes("\n") || readsAsOther(text)) doubleStyle(chars, line, true);
  else if (allowed.plain) plainStyle(chars, line, true);
  else if (allowed.single) singleStyle(chars, line, true);
  else doubleStyle(chars, line, true);
  return line.text;
}

/** Formats a key with its colon. Keys are never folded; long or multi-line ones follow `?`. */
export function yamlKey(text: string, indent: number): string {
  if (simple.test(text) && !words.has(text) && text.length <= longestSimpleKey) return `${text}:`;
  const chars = [...text];
  const allowed = analyze(chars);
  if (allowed.multiline || Buffer.byteLength(text) > longestSimpleKey)
    return `? ${yamlText(text, indent + 2, indent + 2)}\n${" ".repeat(indent)}:`;
  const line = new Line(indent, indent);
  if (readsAsOther(text)) doubleStyle(chars, line, false);
  else if (allowed.plain) plainStyle(chars, line, false);
  else if (allowed.single) singleStyle(chars, line, false);
  else doubleStyle(chars, line, false);
  return `${line.text}:`;
}
