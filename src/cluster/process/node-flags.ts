/** Heap size of the first collection, and the growth in percent between later ones. */
export const firstBytes = 80 * 1024 * 1024;
export const growingPercent = 60;

/**
 * How Node runs the server. Young generations have 16 MiB each: requests under way fill 8 so fast that many are moved to
 * the old one before they are over, which makes a read cost a third more. The old one is collected for the first time at 80 MiB
 * (a server that just began would be busy with that all the time), and when it has grown by so many percent since, not when it has
 * doubled or more: under load that halves the resident memory for a few percent of processor time. At rest it is collected
 * too (`rest.ts`). The launcher `wherry` gives the same flags.
 */
export const serverNodeFlags: readonly string[] = [
  "--disable-warning=ExperimentalWarning",
  "--expose-gc",
  "--max-semi-space-size=16",
  `--initial-old-space-size=${firstBytes / 1024 / 1024}`,
  `--heap-growing-percent=${growingPercent}`,
  // Patterns that backtrack excessively on clients' texts continue in linear time.
  "--enable-experimental-regexp-engine-on-excessive-backtracks",
];

/** Otherwise glibc keeps a heap per thread and returns none of them. */
export const serverEnvironment = (): NodeJS.ProcessEnv => ({ MALLOC_ARENA_MAX: "2", ...process.env });
