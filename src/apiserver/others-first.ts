/** Resolves when others who wait for the thread have had their turn: what takes long and waits for nothing lets them in so. */
export const othersFirst = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
