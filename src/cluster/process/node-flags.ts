/**
 * How Node runs the server. Young generations have 16 MiB each: requests under way fill 8 so fast that many are moved to
 * the old one before they are over, which makes a read cost a third more. The old one is collected when it has grown by so
 * many percent, not when it has doubled or more: under load that halves the resident memory for a few percent of
 * processor time. The launcher `wherry` gives the same flags.
 */
export const serverNodeFlags: readonly string[] = [
  "--disable-warning=ExperimentalWarning",
  "--max-semi-space-size=16",
  "--heap-growing-percent=60",
  // Our own patterns read texts of clients: what backtracks too long goes on in linear time.
  "--enable-experimental-regexp-engine-on-excessive-backtracks",
];

/** glibc keeps a heap per thread otherwise, and gives none of them back. */
export const serverEnvironment = (): NodeJS.ProcessEnv => ({ MALLOC_ARENA_MAX: "2", ...process.env });
