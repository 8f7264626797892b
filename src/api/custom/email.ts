/**
 * Whether a text is an email address (RFC 5322), alone or in angle brackets after a name, as parsed by Go's mail.ParseAddress.
 * Comments and groups are unsupported.
 */
export function isEmail(text: string): boolean {
  const trimmed = withoutBlanks(text);
  if (isAddrSpec(trimmed)) return true;
  const bracketed = /^(.*)<([^<>]*)>$/s.exec(trimmed);
  return bracketed !== null && isPhrase(bracketed[1] as string) && isAddrSpec(bracketed[2] as string);
}

function withoutBlanks(text: string): string {
  const isBlank = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let [start, end] = [0, text.length];
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
}

const atext = "[\\w!#$%&'*+/=?^`{|}~\\-\\u0080-\\u{10ffff}]";
const dotAtom = `${atext}+(?:\\.${atext}+)*`;
const quoted = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\u0080-\\u{10ffff}]|\\\\[\\t \\x21-\\x7e])*"';
const literal = "\\[[\\da-fA-F:.]+\\]";
const addrSpec = new RegExp(`^(?:${dotAtom}|(?!"")${quoted})@[ \\t]*(?:${dotAtom}|${literal})$`, "u");
const word = "[\\w!#$%&'*+/=?^`{|}~.\\-\\u0080-\\u{10ffff}]";
// Words are matched as a whole, to prevent exponential backtracking.
const phrase = new RegExp(`^[ \\t]*(?:(?:${word}+(?!${word})|${quoted})[ \\t]*)*$`, "u");

const isAddrSpec = (text: string): boolean => addrSpec.test(text);
const isPhrase = (text: string): boolean => phrase.test(text);
