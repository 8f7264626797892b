/** Node decodes headers as Latin-1, while clients and Go's servers use UTF-8. */

const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text);

/** Decodes a header from Node. */
export const headerText = (bytes: string): string =>
  isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString();

/** Encodes a header for Node. */
export const headerBytes = (text: string): string =>
  isAscii(text) ? text : Buffer.from(text).toString("latin1");
