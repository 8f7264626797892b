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
