/** For code that only computes, and now and then needs to know what takes time to find out. */

/** A computation ended since it needs an answer that is not there yet. */
export class Pending extends Error {
  readonly answered: Promise<void>;

  /** `answered`: settles when it is worth to compute again; its failure is the computation's. */
  constructor(answered: Promise<void>) {
    super("an answer is not there yet");
    this.answered = answered;
  }
}

/**
 * What `compute` makes, which is called again when an answer that it had to wait for is there: it may change nothing but
 * what it returns. A promise only when it had to wait.
 */
export function settled<T>(compute: () => T): T | Promise<T> {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof Pending)) throw error;
    return error.answered.then(() => settled(compute));
  }
}
