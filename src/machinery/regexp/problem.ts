/** What Go's regexp package (RE2 syntax) says of a pattern that does not compile. */

/** Undefined for a pattern that Go takes. */
export function syntaxProblem(pattern: string): string | undefined {
  const problem = problemOf(pattern);
  return problem && `error parsing regexp: ${problem}`;
}

const quoted = (what: string, part: string): string => `${what}: \`${part}\``;

function problemOf(pattern: string): string | undefined {
  let depth = 0;
  /** What stands before can be repeated; the text of a repetition that it ended with. */
  let operand = false;
  let repetition = "";
  let i = 0;
  const repeat = (text: string): string | undefined => {
    if (repetition !== "") return quoted("invalid nested repetition operator", repetition + text);
    if (!operand) return quoted("missing argument to repetition operator", text);
    repetition = text;
    return undefined;
  };
  while (i < pattern.length) {
    const rest = pattern.slice(i);
    const count = /^\{(\d+)(,(\d*))?\}\??/.exec(rest);
    const simple = /^[*+?]\??/.exec(rest);
    if (simple || count) {
      const text = (simple ?? count)?.[0] as string;
      const [low, high] = [Number(count?.[1] ?? 0), Number(count?.[3] || (count?.[1] ?? 0))];
      if (count && (low > 1000 || high > 1000 || high < low))
        return quoted("invalid repeat count", text.replace(/\?$/, ""));
      const problem = repeat(text);
      if (problem) return problem;
      i += text.length;
      continue;
    }
    repetition = "";
    operand = true;
    if (rest.startsWith("(?")) {
      const group = /^\(\?(P?<[A-Za-z_]\w*>|[imsU]*(-[imsU]+)?[:)])/.exec(rest)?.[0];
      if (!group) return groupProblem(rest, pattern);
      operand = false;
      if (!group.endsWith(")")) depth++;
      i += group.length;
    } else if (rest.startsWith("(")) {
      depth++;
      operand = false;
      i++;
    } else if (rest.startsWith(")")) {
      if (depth-- === 0) return quoted("unexpected )", pattern);
      i++;
    } else if (rest.startsWith("|")) {
      operand = false;
      i++;
    } else if (rest.startsWith("[")) {
      const end = classEnd(rest);
      if (typeof end === "string") return end;
      i += end;
    } else if (rest.startsWith("\\")) {
      const length = escapeLength(rest);
      if (typeof length === "string") return length;
      i += length;
    } else i++;
  }
  return depth > 0 ? quoted("missing closing )", pattern) : undefined;
}

function groupProblem(rest: string, pattern: string): string {
  if (/^\(\?P?</.test(rest) && !/^\(\?<[=!]/.test(rest)) {
    const end = rest.indexOf(">");
    return quoted("invalid named capture", end < 0 ? rest : rest.slice(0, end + 1));
  }
  const part = /^\(\?(P.|<.|[imsU-]*.?)/s.exec(rest)?.[0] ?? rest;
  return part === rest && part === "(?"
    ? quoted("missing closing )", pattern)
    : quoted("invalid or unsupported Perl syntax", part.startsWith("(?<") ? "(?<" : part);
}

function escapeLength(rest: string): number | string {
  if (rest.length === 1) return quoted("trailing backslash at end of expression", "");
  const text = /^\\([pP](\{[^}]*\}|.)|x(\{[0-9a-fA-F]+\}|[0-9a-fA-F]{2})|[0-7]{1,3}|Q[^]*?(\\E|$)|.)/su.exec(
    rest,
  )?.[0] as string;
  const letter = rest[1] as string;
  if (/[1-9]/.test(letter) && !/^\\[1-7][0-7]/.test(rest))
    return quoted("invalid escape sequence", rest.slice(0, 2));
  if (/[a-zA-Z]/.test(letter) && !/[AbBCdDEfnrstvwWzaQpPx]/.test(letter))
    return quoted("invalid escape sequence", rest.slice(0, 2));
  if (letter === "x" && text.length < 4) return quoted("invalid escape sequence", rest.slice(0, 4));
  if (/[pP]/.test(letter)) {
    try {
      RegExp(
        text.length === 3 ? `\\p{${text[2]}}` : scriptOf(text.replace("\\P", "\\p").replace("{^", "{")),
        "u",
      );
    } catch {
      return quoted("invalid character class range", text);
    }
  }
  return text.length;
}

/** Go names scripts without `Script=`. */
function scriptOf(text: string): string {
  const name = text.slice(3, -1);
  return name.length > 2 ? `\\p{Script=${name}}` : text;
}

/** How long the class at the beginning is, or what is wrong with it. */
function classEnd(rest: string): number | string {
  let i = rest[1] === "^" ? 2 : 1;
  let first = true;
  while (i < rest.length) {
    if (rest[i] === "]" && !first) return i + 1;
    first = false;
    const named = /^\[:\^?([a-z]+):\]/.exec(rest.slice(i));
    if (named) {
      if (
        !/^(alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit)$/.test(
          named[1] ?? "",
        )
      )
        return quoted("invalid character class range", named[0]);
      i += named[0].length;
      continue;
    }
    const low = memberLength(rest, i);
    if (typeof low === "string") return low;
    const from = rest.slice(i, i + low);
    i += low;
    if (rest[i] !== "-" || rest[i + 1] === "]" || i + 1 >= rest.length) continue;
    const high = memberLength(rest, i + 1);
    if (typeof high === "string") return high;
    const to = rest.slice(i + 1, i + 1 + high);
    if (from.length <= 2 && to.length <= 2 && codeOf(from) > codeOf(to))
      return quoted("invalid character class range", `${from}-${to}`);
    i += 1 + high;
  }
  return quoted("missing closing ]", rest);
}

const codeOf = (member: string): number =>
  (member.startsWith("\\") ? member.codePointAt(1) : member.codePointAt(0)) ?? 0;

function memberLength(text: string, at: number): number | string {
  if (text[at] === "\\") return escapeLength(text.slice(at));
  return String.fromCodePoint(text.codePointAt(at) ?? 0).length;
}
