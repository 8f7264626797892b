/** What expressions that make JSON patches may call besides. */
import type { Library } from "../functions.ts";

/** A text as a part of a path in a JSON patch (RFC 6901). */
const escapes: Record<string, string> = { "/": "~1", "~": "~0" };

export const jsonPatches: Library = {
  "jsonpatch.escapeKey(string): string": (meter, key: string) => {
    const escaped = key.replaceAll(/[/~]/g, (letter) => escapes[letter] as string);
    meter.text(key, escaped);
    return escaped;
  },
};
