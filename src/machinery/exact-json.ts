/**
 * JSON with every whole number exactly as it was written. JavaScript's numbers are exact up to 2^53, Kubernetes' integers
 * up to 2^63: what lies between becomes a bigint on reading and is written as the digits it stands for.
 */

/** Shorter runs of digits are exact numbers anyway, and nearly no text has longer ones outside of strings. */
const manyDigits = /\d{16}/;
const wholeNumber = /^-?\d+$/;

/** Throws SyntaxError as JSON.parse. */
export function parseExact(text: string): unknown {
  return manyDigits.test(text)
    ? JSON.parse(text, exactly as Parameters<typeof JSON.parse>[1])
    : JSON.parse(text);
}

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/** What does not fit into 64 bits is a floating-point number in Go, too. */
function exactly(_name: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const { source } = context;
  if (source === undefined || !wholeNumber.test(source)) return value;
  const exact = BigInt(source);
  return exact < smallest || exact > largest ? value : exact;
}

interface RawJson {
  rawJSON(text: string): object;
}

/**
 * JSON.stringify refuses bigints unless they say how they are written. Objects are written in many places, some of them
 * far from where a long number came in; so bigints say it here, once for the process.
 */
Object.defineProperty(BigInt.prototype, "toJSON", {
  value(this: bigint): object {
    return (JSON as unknown as RawJson).rawJSON(this.toString());
  },
  writable: true,
  configurable: true,
});

/** JSON text, with bigints as the digits they stand for. */
export const stringifyExact = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent);
