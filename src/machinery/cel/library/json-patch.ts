/** Functions for expressions that create JSON patches. */
import type { Library } from "../functions.ts";

/** Escapes a path segment of a JSON patch (RFC 6901). */
const escapes: Record<string, string> = { "/": "~1", "~": "~0" };

export const jsonPatches: Library = {
  "jsonpatch.escapeKey(string): string": (meter, key: string) => {
    const escaped = key.replaceAll(/[/~]/g, (letter) => escapes[letter] as string);
    meter.text(key, escaped);
    return escaped;
  },
};
