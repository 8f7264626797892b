/**
 * Runs `count` calls in batches of 1, 2, 4, ..., so that a common failure happens only once; returns the number of successes.
 */
export async function slowStart(
  count: number,
  call: (index: number) => Promise<void>,
): Promise<{ succeeded: number; error: unknown }> {
  let started = 0;
  let succeeded = 0;
  for (let batch = Math.min(1, count); batch > 0; batch = Math.min(2 * batch, count - started)) {
    const from = started;
    started += batch;
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, i) => call(from + i)));
    let error: unknown;
    for (const result of results) {
      if (result.status === "fulfilled") succeeded++;
      else error ??= result.reason;
    }
    if (error !== undefined) return { succeeded, error };
  }
  return { succeeded, error: undefined };
}

/** Runs `call` for every item, with at most `width` at a time; throws the first error when all have ended. */
export async function forEachParallel<T>(
  items: readonly T[],
  width: number,
  call: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const errors: unknown[] = [];
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++] as T;
      try {
        await call(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
}
