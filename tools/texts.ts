/**
 * The committed table src/api/facts/texts.json: what OpenAPI documents say of types and parameters that the npm package
 * does not have, and the values that fields can have. Read out of the documents in the published module k8s.io/kubernetes by tools/extract-texts.ts.
 */
export interface Texts {
  source: string;
  /** Definition -> field -> text; the type's own under "". */
  types: Record<string, Record<string, TextFact>>;
  /** Definition -> field -> the values it, or each of its elements, can have. */
  enums: Record<string, Record<string, string[]>>;
  /** `<name>` or `<where>.<name>` -> its type and its text. */
  parameters: Record<string, [type: string, text: string]>;
}

/**
 * A whole text, or what turns the package's text into it: where line feeds stand that the package has as spaces (each
 * counted from the one before), and what follows at the end.
 */
export type TextFact = string | (number | string)[];

/** What makes `wanted` of `known`. */
export function textFact(known: string | undefined, wanted: string): TextFact {
  if (known === undefined || known === "" || wanted.length < known.length) return wanted;
  const head = wanted.slice(0, known.length);
  if (head.replaceAll("\n", " ") !== known.replaceAll("\n", " ")) return wanted;
  const fact: (number | string)[] = [];
  let last = 0;
  for (let at = head.indexOf("\n"); at >= 0; at = head.indexOf("\n", at + 1)) {
    fact.push(at - last);
    last = at;
  }
  if (wanted.length > known.length) fact.push(wanted.slice(known.length));
  return fact;
}

/** The text that a fact and the package's text make. */
export function textOf(known: string | undefined, fact: TextFact): string {
  if (typeof fact === "string") return fact;
  const letters = [...(known ?? "").replaceAll("\n", " ").matchAll(/[\s\S]/g)].map(String);
  let at = 0;
  for (const each of fact) {
    if (typeof each === "string") letters.push(each);
    else {
      at += each;
      letters[at] = "\n";
    }
  }
  return letters.join("");
}
