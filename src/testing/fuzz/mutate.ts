/** Mutates inputs like libFuzzer: bytes, blocks, words of a dictionary, parts of other inputs. */

/** 0 <= x < 1 */
export type Random = () => number;

/** A seeded generator, so that failures can be reproduced. */
export function seededRandom(seed: number): Random {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

export const oneOf = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)] as T;

const maxBytes = 4096;

const interesting = [
  "0",
  "-1",
  "9223372036854775808",
  "1e999",
  "\0",
  "\u{1f600}",
  '"',
  "{",
  "[",
  "}",
  "]",
  ",",
  ":",
  "null",
  "true",
];

export function mutate(
  random: Random,
  input: Buffer,
  corpus: readonly Buffer[],
  dictionary: readonly string[],
): Buffer {
  let bytes = input;
  const times = 1 + below(random, 4);
  for (let i = 0; i < times; i++) bytes = mutateOnce(random, bytes, corpus, dictionary);
  return bytes.subarray(0, maxBytes);
}

function mutateOnce(
  random: Random,
  input: Buffer,
  corpus: readonly Buffer[],
  dictionary: readonly string[],
): Buffer {
  const at = below(random, input.length + 1);
  const length = 1 + below(random, Math.min(16, input.length + 1));
  switch (below(random, 8)) {
    case 0: {
      const copy = Buffer.from(input);
      if (copy.length > 0) copy[at % copy.length] = below(random, 256);
      return copy;
    }
    case 1: {
      const copy = Buffer.from(input);
      if (copy.length > 0)
        copy[at % copy.length] = (copy[at % copy.length] as number) ^ (1 << below(random, 8));
      return copy;
    }
    case 2:
      return splice(input, at, length, "");
    case 3:
      return splice(input, at, 0, input.subarray(at, at + length));
    case 4:
      return splice(input, at, 0, oneOf(random, interesting));
    case 5:
      return splice(input, at, below(random, 2) * length, oneOf(random, corpus).subarray(0, 256));
    case 6: {
      const other = oneOf(random, corpus);
      return Buffer.concat([input.subarray(0, at), other.subarray(below(random, other.length + 1))]);
    }
    default:
      return dictionary.length === 0
        ? splice(input, at, 0, Buffer.from([below(random, 256)]))
        : splice(input, at, below(random, 2) * length, oneOf(random, dictionary));
  }
}

function splice(input: Buffer, at: number, remove: number, insert: Buffer | string): Buffer {
  return Buffer.concat([input.subarray(0, at), Buffer.from(insert), input.subarray(at + remove)]);
}
