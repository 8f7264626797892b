/** Variables of an instruction: undefined when a name is not set. */
export type Variables = (name: string) => string | undefined;

/** Without file and line, which the caller adds. */
export class WordError extends Error {
  override readonly name = "WordError";
}

/** Splits at unquoted spaces. Quotes and escapes are kept for `expandWord`. */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (quote === "" && /\s/.test(c)) {
      if (inside) words.push(word);
      word = "";
      inside = false;
      continue;
    }
    inside = true;
    word += c;
    if (c === escape && quote !== "'") {
      const next = text[++i];
      if (next !== undefined) word += next;
    } else if (quote === "" && (c === '"' || c === "'")) quote = c;
    else if (c === quote) quote = "";
  }
  if (quote !== "") throw new WordError(`a ${quote} is opened and not closed`);
  if (inside) words.push(word);
  return words;
}

/** Replaces variables and removes quotes and escapes (Dockerfile reference, "Environment replacement"). */
export function expandWord(word: string, variables: Variables, escape: string): string {
  let out = "";
  let i = 0;
  let double = false;
  while (i < word.length) {
    const c = word[i] as string;
    if (c === "'" && !double) {
      const end = word.indexOf("'", i + 1);
      if (end < 0) throw new WordError("a ' is opened and not closed");
      out += word.slice(i + 1, end);
      i = end + 1;
    } else if (c === '"') {
      double = !double;
      i++;
    } else if (c === escape) {
      const next = word[i + 1];
      if (next === undefined) {
        out += c;
        i++;
      } else {
        // In double quotes only ", $ and the escape can be escaped.
        if (double && next !== '"' && next !== "$" && next !== escape) out += c;
        out += next;
        i += 2;
      }
    } else if (c === "$") {
      const [value, length] = variable(word.slice(i), variables, escape);
      out += value;
      i += length;
    } else {
      out += c;
      i++;
    }
  }
  if (double) throw new WordError('a " is opened and not closed');
  return out;
}

/** The value of `$name` or `${...}` at the start of `text`, and its length. */
function variable(text: string, variables: Variables, escape: string): [value: string, length: number] {
  const plain = /^\$([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!-])/.exec(text);
  if (plain !== null) return [variables(plain[1] as string) ?? "", plain[0].length];
  if (text[1] !== "{") return ["$", 1];
  const end = closing(text);
  const body = text.slice(2, end);
  const match = /^([A-Za-z_][A-Za-z0-9_]*|[0-9])(.*)$/s.exec(body);
  if (match === null) throw new WordError(`"\${${body}}" is not a variable`);
  const [, name, rest] = match as unknown as [string, string, string];
  const length = end + 1;
  const value = variables(name);
  if (rest === "") return [value ?? "", length];
  const operator = /^(:?[-+?]|##?|%%?|\/\/?)(.*)$/s.exec(rest);
  if (operator === null) throw new WordError(`"\${${body}}" has an operator that is not supported`);
  const [, op, raw] = operator as unknown as [string, string, string];
  const operand = (): string => expandWord(raw, variables, escape);
  const set = op.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
  switch (op.replace(":", "")) {
    case "-":
      return [set ? (value as string) : operand(), length];
    case "+":
      return [set ? operand() : "", length];
    case "?":
      if (!set) throw new WordError(`${name}: ${operand() || "is not set"}`);
      return [value as string, length];
    case "#":
    case "##":
      return [stripStart(value ?? "", operand(), op === "##"), length];
    case "%":
    case "%%":
      return [stripEnd(value ?? "", operand(), op === "%%"), length];
    default: {
      const slash = raw.search(/(?<!\\)\//);
      const pattern = expandWord(slash < 0 ? raw : raw.slice(0, slash), variables, escape);
      const by = slash < 0 ? "" : expandWord(raw.slice(slash + 1), variables, escape);
      return [(value ?? "").replace(globExpression(pattern, op === "//" ? "g" : ""), () => by), length];
    }
  }
}

function closing(text: string): number {
  let depth = 0;
  for (let i = 1; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  throw new WordError("a ${ is opened and not closed");
}

function stripStart(value: string, pattern: string, longest: boolean): string {
  const exact = new RegExp(`^(?:${globExpression(pattern, "").source})$`, "s");
  const lengths = Array.from({ length: value.length + 1 }, (_, i) => (longest ? value.length - i : i));
  const found = lengths.find((n) => exact.test(value.slice(0, n)));
  return found === undefined ? value : value.slice(found);
}

function stripEnd(value: string, pattern: string, longest: boolean): string {
  const exact = new RegExp(`^(?:${globExpression(pattern, "").source})$`, "s");
  const lengths = Array.from({ length: value.length + 1 }, (_, i) => (longest ? value.length - i : i));
  const found = lengths.find((n) => exact.test(value.slice(value.length - n)));
  return found === undefined ? value : value.slice(0, value.length - found);
}

/** The shell's `*` and `?`; everything else is literal. */
function globExpression(pattern: string, flags: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(source, `s${flags}`);
}
