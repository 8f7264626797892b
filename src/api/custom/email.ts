/**
 * Whether a text is one address of mail (RFC 5322), alone or in angle brackets after a name, as Go's
 * mail.ParseAddress reads it. Comments and groups are not read.
 */
export function isEmail(text: string): boolean {
  const trimmed = text.replace(/^[ \t]+|[ \t]+$/g, "");
  if (isAddrSpec(trimmed)) return true;
  const bracketed = /^(.*)<([^<>]*)>$/s.exec(trimmed);
  return bracketed !== null && isPhrase(bracketed[1] as string) && isAddrSpec(bracketed[2] as string);
}

const atext = "[\\w!#$%&'*+/=?^`{|}~\\-\\u0080-\\u{10ffff}]";
const dotAtom = `${atext}+(?:\\.${atext}+)*`;
const quoted = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\u0080-\\u{10ffff}]|\\\\[\\t \\x21-\\x7e])*"';
const literal = "\\[[\\da-fA-F:.]+\\]";
const addrSpec = new RegExp(`^(?:${dotAtom}|(?!"")${quoted})@[ \\t]*(?:${dotAtom}|${literal})$`, "u");
const phrase = new RegExp(
  `^[ \\t]*(?:(?:[\\w!#$%&'*+/=?^\`{|}~.\\-\\u0080-\\u{10ffff}]+|${quoted})[ \\t]*)*$`,
  "u",
);

const isAddrSpec = (text: string): boolean => addrSpec.test(text);
const isPhrase = (text: string): boolean => phrase.test(text);
