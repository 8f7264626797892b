const backslash = 0x5c;

/** The position of the closing quote of a JSON string; negative without one. */
export function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0 && text.charCodeAt(end - 1) === backslash) {
    // An odd number of backslashes before it makes a quote part of the string.
    let from = end - 1;
    while (text.charCodeAt(from - 1) === backslash) from--;
    if ((end - from) % 2 === 0) break;
    end = text.indexOf('"', end + 1);
  }
  return end;
}

const structure = /["{}[\],]/g;

/** The end of a JSON value, including the white space before it, and behind a number or word. */
export function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; ; ) {
    structure.lastIndex = at;
    const found = structure.exec(text);
    if (!found) return text.length;
    const [char] = found;
    const ends = char === "}" || char === "]";
    if (depth === 0 && (ends || char === ",")) return found.index;
    if (char === '"') {
      const end = stringEnd(text, found.index);
      if (end < 0) return text.length;
      at = end + 1;
    } else at = found.index + 1;
    if (char === "{" || char === "[") depth++;
    else if (ends) depth--;
    if (depth === 0 && char !== ",") return at;
  }
}
