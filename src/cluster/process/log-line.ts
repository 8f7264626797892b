import { writeSync } from "node:fs";

/**
 * Writes a log line to standard error, or drops it: a stream would answer a full disk with an error event, which is
 * itself logged, for ever.
 */
export function writeLogLine(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // No space, or nobody reads: the work goes on without its log.
  }
}
