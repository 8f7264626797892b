const backslash = 0x5c;

/** Where the string of a JSON text ends that begins here: the place of its closing quote; negative when it has none. */
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

/** Where the value ends that begins here, or before it white space: behind it, or behind the white space that follows a number or word. */
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
