/** For synchronous code that sometimes needs the result of an asynchronous call. */

/** Thrown by a computation that needs a result that is not there yet. */
export class Pending extends Error {
  readonly answered: Promise<void>;

  /** `answered` settles when the result is there; if it rejects, the computation fails with that. */
  constructor(answered: Promise<void>) {
    super("an answer is not there yet");
    this.answered = answered;
  }
}

/**
 * The result of `compute`, which is called again whenever a missing result has arrived, so it must be free of side effects. A
 * promise only when it had to wait.
 */
export function settled<T>(compute: () => T): T | Promise<T> {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof Pending)) throw error;
    return error.answered.then(() => settled(compute));
  }
}
