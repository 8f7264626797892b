/** The polynomial of gzip's CRC-32, reflected (RFC 1952, section 8). */
const polynomial = 0xedb88320;
const one = 0x80000000;

/** The product of two polynomials modulo gzip's. */
function times(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ polynomial;
  }
  return product >>> 0;
}

/** x to the power of 8, 16, 32…: the shifts of a checksum by one byte, two, four… */
const byteShifts: readonly number[] = (() => {
  let power = one >>> 8;
  return Array.from({ length: 53 }, () => {
    const now = power;
    power = times(power, power);
    return now;
  });
})();

/** The shift of a checksum by `bytes` appended bytes; for `appended`. */
export function shiftOf(bytes: number): number {
  let shift = one;
  for (let i = 0, left = bytes; left > 0; i++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) shift = times(shift, byteShifts[i] as number);
  }
  return shift;
}

/** The CRC-32 of two concatenated texts from their own ones: `shift` is that of the second's length (`shiftOf`). */
export const appended = (first: number, second: number, shift: number): number =>
  (times(first, shift) ^ second) >>> 0;
