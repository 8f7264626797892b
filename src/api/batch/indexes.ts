/** Completion indexes as a Job writes them, `1,3-5,7`: what may be wrong with such a text. */
import { goQuote } from "../../machinery/index.ts";

/** Both ends belong to it. */
type Interval = readonly [from: number, to: number];

/** A text that names no indexes below the number of completions; the message is the original's. */
class IndexError extends Error {}

/** As Go's Atoi reads it. */
function indexOf(text: string, completions: number): number {
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new IndexError(`cannot convert string to integer for index: ${goQuote(text)}`);
  if (Number(text) >= completions) throw new IndexError(`too large index: ${goQuote(text)}`);
  return Number(text);
}

function readInterval(text: string, completions: number): Interval {
  const parts = text.split("-");
  if (parts.length > 2) {
    throw new IndexError(
      `the fragment ${goQuote(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    );
  }
  const [first = "", last] = parts;
  const from = indexOf(first, completions);
  if (last === undefined) return [from, from];
  const to = indexOf(last, completions);
  if (from >= to) throw new IndexError(`non-increasing order, previous: ${from}, current: ${to}`);
  return [from, to];
}

/** How many indexes `text` names, or what is wrong with it. */
export function countIndexes(text: string, completions: number): { total: number; problem?: string } {
  let total = 0;
  let last: number | undefined;
  try {
    for (const part of text === "" ? [] : text.split(",")) {
      const [from, to] = readInterval(part, completions);
      if (last !== undefined && last >= from)
        throw new IndexError(`non-increasing order, previous: ${last}, current: ${from}`);
      total += to - from + 1;
      last = to;
    }
  } catch (error) {
    if (!(error instanceof IndexError)) throw error;
    return { total: 0, problem: error.message };
  }
  return { total };
}

/** The intervals that can be read; the others are told of by `countIndexes`. */
function readable(text: string, completions: number): Interval[] {
  return text.split(",").flatMap((part) => {
    try {
      return [readInterval(part, completions)];
    } catch (error) {
      if (error instanceof IndexError) return [];
      throw error;
    }
  });
}

/** The first index that both texts name, walking over both side by side as if they were in order. */
export function sharedIndex(completed: string, failed: string, completions: number): number | undefined {
  if (completed === "" || failed === "") return undefined;
  const left = readable(completed, completions);
  const right = readable(failed, completions);
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [from, to] = left[i] as Interval;
    const [failedFrom, failedTo] = right[j] as Interval;
    if (from <= failedTo && failedFrom <= to) return Math.max(from, failedFrom);
    if (from <= failedFrom) i++;
    else j++;
  }
  return undefined;
}
