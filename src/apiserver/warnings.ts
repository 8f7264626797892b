/** Warning headers (RFC 7234) as Kubernetes writes and client-go reads them. */

/** Total length above which every text is cut. */
const maxCharacters = 4096;
/** Length to which texts are cut. */
const maxCutCharacters = 256;

/**
 * The value of a response's Warning header; undefined when there is nothing to say. Each text is said once. Empty texts and
 * those with control characters cannot be said. Characters are UTF-8, one byte each (what HTTP libraries write as Latin-1).
 */
export function warningHeader(texts: readonly string[]): string | undefined {
  const said = new Set<string>();
  let parts: string[] = [];
  let written = 0;
  let cutting = false;
  const write = (text: string): void => {
    const shown = cutting ? [...text].slice(0, maxCutCharacters).join("") : text;
    if (!isSayable(shown)) return;
    parts.push(quoted(shown));
    written += [...shown].length;
  };
  for (const text of texts) {
    if (text === "" || said.has(text) || (cutting && written >= maxCharacters)) continue;
    said.add(text);
    if (cutting || !isSayable(text) || written + [...text].length <= maxCharacters) {
      write(text);
      continue;
    }
    // Too much: what was said before is said again, cut.
    cutting = true;
    parts = [];
    written = 0;
    for (const each of said) write(each);
  }
  return parts.length === 0 ? undefined : parts.join(", ");
}

// biome-ignore lint: control characters are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;

const isSayable = (text: string): boolean => text.isWellFormed() && !control.test(text);

const quoted = (text: string): string =>
  `299 - "${Buffer.from(text.replaceAll(/["\\]/g, "\\$&")).toString("latin1")}"`;
