import { writeSync } from "node:fs";

/**
 * Writes a log line to standard error, or drops it: a stream would answer a full disk with an error event, which would be logged
 * again, endlessly.
 */
export function writeLogLine(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Disk full or no reader: continues without a log.
  }
}
