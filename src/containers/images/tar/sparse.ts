import type { SparseChunk } from "./entry.ts";
import { number } from "./header.ts";
import { TarError } from "./tar-error.ts";

/** Segments of a sparse map in GNU's old format: `count` pairs of 12-byte numbers from `start`. A pair of zeros ends it. */
export function oldSparsePieces(block: Buffer, start: number, count: number): SparseChunk[] {
  const pieces: SparseChunk[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * 24;
    if (block[at] === 0) break;
    pieces.push({
      offset: number(block, at, 12, "sparse offset"),
      length: number(block, at + 12, 12, "sparse length"),
    });
  }
  return pieces;
}

/** A list of decimal numbers, in pairs (PAX sparse formats 0.0 and 0.1). */
export function sparsePairs(numbers: readonly string[]): SparseChunk[] {
  if (numbers.length % 2 !== 0)
    throw new TarError("damaged tar archive: a sparse map has an odd number of values");
  const pieces: SparseChunk[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    pieces.push({ offset: decimal(numbers[i] as string), length: decimal(numbers[i + 1] as string) });
  }
  return pieces;
}

export function decimal(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text))
    throw new TarError("damaged tar archive: a sparse map has a value that is no number");
  return Number(text);
}

/** Ascending, not overlapping, inside the file, and with the total size of the stored bytes. */
export function checkSparse(pieces: readonly SparseChunk[], size: number, stored: number): void {
  let end = 0;
  let total = 0;
  for (const piece of pieces) {
    if (piece.offset < end || piece.offset + piece.length > size) {
      throw new TarError("damaged tar archive: a sparse map points outside its file");
    }
    end = piece.offset + piece.length;
    total += piece.length;
  }
  if (total !== stored) throw new TarError("damaged tar archive: a sparse map does not fit its data");
}
