/** Completion indexes in text form, `1,3-5,7`, and their errors. */
import { goQuote } from "../../machinery/index.ts";

/** Inclusive. */
type Interval = readonly [from: number, to: number];

/** An invalid list of indexes; the message is Kubernetes'. */
class IndexError extends Error {}

/** Parses like Go's Atoi. */
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

/** The number of indexes in `text`, or its error. */
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

/** The valid intervals; `countIndexes` reports invalid ones. */
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

/** The first index in both texts, in a merge of sorted lists. */
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
