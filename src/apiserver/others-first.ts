/** Resolves after other pending work of the thread: long synchronous work awaits it now and then. */
export const othersFirst = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
