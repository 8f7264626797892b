/** Splits long work into steps, so that other work gets its turn. */

/** Resolves after other work had its turn. */
export type Pause = () => Promise<void>;

/** Items per step. */
const atOnce = 32;

/** The results of `work`, with a pause after every few of them. */
export async function mapInSteps<T, U>(list: Iterable<T>, pause: Pause, work: (each: T) => U): Promise<U[]> {
  const results: U[] = [];
  for (const each of list) {
    results.push(work(each));
    if (results.length % atOnce === 0) await pause();
  }
  return results;
}
