/**
 * Labels, each combination kept once: the pods of one template have the same, so selectors need to look at them once, and
 * memory holds them once. What has not been used for long is forgotten, and then kept anew.
 */
export type Labels = Readonly<Record<string, string>>;

const generationSize = 4096;
/** Labels that are longer, as JSON, are kept by their object alone. */
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
