/**
 * Sets of fields with the JSON they are written as. Objects made of one template have the same fields: their sets are
 * kept once here, and so is the text of each. What nobody asks for any more is forgotten.
 */
import type { FieldSet } from "./field-set.ts";

/** So many characters of JSON are remembered, and as many again of what was remembered before. */
const generationChars = 512 * 1024;

let sets = new Map<string, FieldSet>();
let texts = new Map<FieldSet, string>();
let olderSets = new Map<string, FieldSet>();
let olderTexts = new Map<FieldSet, string>();
let chars = 0;

function remember(text: string, set: FieldSet): void {
  sets.set(text, set);
  texts.set(set, text);
  chars += text.length;
  if (chars < generationChars) return;
  olderSets = sets;
  olderTexts = texts;
  sets = new Map();
  texts = new Map();
  chars = 0;
}

/** The set that is written as this JSON, which must be in canonical form. */
export function setOfText(text: string): FieldSet {
  const known = sets.get(text);
  if (known) return known;
  const set = olderSets.get(text) ?? (JSON.parse(text) as FieldSet);
  remember(text, set);
  return set;
}

/** The JSON of a set. */
export const textOfSet = (set: FieldSet): string =>
  texts.get(set) ?? olderTexts.get(set) ?? JSON.stringify(set);

/** The one set with these members that everybody shares. */
export const sharedSet = (set: FieldSet): FieldSet => (texts.has(set) ? set : setOfText(textOfSet(set)));
