/**
 * The committed table src/api/facts/texts.json: facts about the OpenAPI documents that no npm package has: which values a field can
 * have, which type a parameter is of and where its text has line feeds; the sentences themselves are the package's. Read out of the documents in the published module k8s.io/kubernetes by tools/extract-texts.ts.
 */
export interface Texts {
  source: string;
  /** Definition -> field -> the values it, or each of its elements, can have. */
  enums: Record<string, Record<string, string[]>>;
  /** `<name>` or `<where>.<name>` -> its type. */
  parameters: Record<string, string>;
  /** `<name>` or `<where>.<name>` of a parameter -> where line feeds stand in its text. */
  parameterFeeds: Record<string, LineFeeds>;
}

/** Where line feeds stand that the package has as spaces, each counted from the one before. */
export type LineFeeds = number[];

/** Where `wanted` has line feeds, when it begins as `known` does; undefined when it says something else. */
export function lineFeeds(known: string | undefined, wanted: string): LineFeeds | undefined {
  if (!known || wanted.length < known.length) return undefined;
  const head = wanted.slice(0, known.length);
  if (head.replaceAll("\n", " ") !== known.replaceAll("\n", " ")) return undefined;
  const found: LineFeeds = [];
  let last = 0;
  for (let at = head.indexOf("\n"); at >= 0; at = head.indexOf("\n", at + 1)) {
    found.push(at - last);
    last = at;
  }
  return found.length > 0 ? found : undefined;
}

/** The package's text with its line feeds. */
export function textOf(known: string, feeds: LineFeeds): string {
  const letters = [...known.replaceAll("\n", " ").matchAll(/[\s\S]/g)].map(String);
  let at = 0;
  for (const each of feeds) {
    at += each;
    letters[at] = "\n";
  }
  return letters.join("");
}
