import { legacyLine } from "./legacy-line.ts";
import type { AuditBackend, Loss } from "./event.ts";
import type { LogFormat } from "./options.ts";

/** A destination of lines. */
export interface LineWriter {
  /** Throws when writing fails. */
  write(text: string): void;
  close(): Promise<void>;
}

export const standardOutput: LineWriter = {
  write: (text) => void process.stdout.write(text),
  close: async () => {},
};

/** Writes one event per line, at once. */
export function logBackend(
  writer: LineWriter,
  { format = "json", lost }: { format?: LogFormat; lost: Loss },
): AuditBackend {
  return {
    process(entries) {
      let taken = true;
      for (const entry of entries) {
        try {
          writer.write(`${format === "legacy" ? legacyLine(entry.event) : entry.json}\n`);
        } catch (error) {
          lost("log", 1, error);
          taken = false;
        }
      }
      return taken;
    },
    close: () => writer.close(),
  };
}
