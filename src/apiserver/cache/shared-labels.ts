/**
 * Labels, each combination stored once: pods of one template share theirs, which saves memory and evaluations of selectors.
 * Unused ones are dropped.
 */
export type Labels = Readonly<Record<string, string>>;

const generationSize = 4096;
/** Labels with longer JSON are not shared. */
const maxLength = 4096;

let recent = new Map<string, Labels>();
let older = new Map<string, Labels>();

export function sharedLabels(labels: Labels): Labels {
  const text = JSON.stringify(labels);
  if (text.length > maxLength) return labels;
  const known = recent.get(text);
  if (known) return known;
  const shared = older.get(text) ?? labels;
  if (recent.size >= generationSize) {
    older = recent;
    recent = new Map();
  }
  recent.set(text, shared);
  return shared;
}
