/** Headers are bytes: Node shows each as a character, while clients and Go's servers mean UTF-8. */

const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text);

/** A header's text, as Node gives its bytes. */
export const headerText = (bytes: string): string =>
  isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString();

/** A text for a header, as Node takes its bytes. */
export const headerBytes = (text: string): string =>
  isAscii(text) ? text : Buffer.from(text).toString("latin1");
