/**
 * Sets of fields with their JSON. Objects from one template have the same fields: their sets, and the text of each, are stored
 * once. Unused ones are dropped.
 */
import type { FieldSet } from "./field-set.ts";

/** Limit of the JSON kept in one generation; the former generation is kept, too. */
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

/** The set with this canonical JSON. */
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

/** The shared instance of a set. */
export const sharedSet = (set: FieldSet): FieldSet => (texts.has(set) ? set : setOfText(textOfSet(set)));
