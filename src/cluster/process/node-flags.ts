/**
 * How Node runs the server: its young generations stay small (MiB each; half as large, writes took some 8 % more
 * processor time, where figures scatter as much; resident memory with 12,000 pods was 213 MB) and the old one is collected when it has grown by so many
 * percent, not when it has doubled or more. Under load that halves the resident memory for a few percent of
 * processor time. The launcher `wherry` gives the same flags.
 */
export const serverNodeFlags: readonly string[] = [
  "--disable-warning=ExperimentalWarning",
  "--max-semi-space-size=8",
  "--heap-growing-percent=60",
  // Patterns of schemas and policies come from clients: what backtracks too long goes on in linear time.
  "--enable-experimental-regexp-engine-on-excessive-backtracks",
];

/** glibc keeps a heap per thread otherwise, and gives none of them back. */
export const serverEnvironment = (): NodeJS.ProcessEnv => ({ MALLOC_ARENA_MAX: "2", ...process.env });
