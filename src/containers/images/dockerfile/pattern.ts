import { WordError } from "./words.ts";

/**
 * Go's filepath.Match as a regular expression for a whole path: `*` and `?` stop at slashes, `[a-z]` and `[^a-z]` are
 * classes, `\` escapes. With `deep`, `**` stands for any number of directories (.dockerignore).
 */
export function patternExpression(pattern: string, deep: boolean): RegExp {
  let out = "";
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    if (c === "*" && deep && pattern[i + 1] === "*") {
      i++;
      if (pattern[i + 1] === "/") {
        i++;
        out += "(?:.*/)?";
      } else out += ".*";
    } else if (c === "*") out += "[^/]*";
    else if (c === "?") out += "[^/]";
    else if (c === "[") {
      const end = pattern.indexOf("]", i + 2);
      if (end < 0) throw new WordError(`the pattern "${pattern}" has a [ without ]`);
      const body = pattern.slice(i + 1, end).replace(/\\(.)/g, "$1");
      const negated = body.startsWith("^") || body.startsWith("!");
      const set = (negated ? body.slice(1) : body).replace(/[\\\]^]/g, "\\$&");
      out += negated ? `[^/${set}]` : `[${set}]`;
      i = end;
    } else if (c === "\\") {
      const next = pattern[++i];
      if (next === undefined) throw new WordError(`the pattern "${pattern}" ends in a \\`);
      out += quote(next);
    } else out += quote(c);
  }
  return new RegExp(`^${out}$`, "s");
}

export const isPattern = (text: string): boolean => /[*?[]/.test(text);

const quote = (c: string): string => c.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
