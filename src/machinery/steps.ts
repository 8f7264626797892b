/** Long work in steps: whoever else waits for the thread has it in between. */

/** Resolves when others have had their turn. */
export type Pause = () => Promise<void>;

/** So many small things are done at once. */
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
