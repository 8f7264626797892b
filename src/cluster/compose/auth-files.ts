import { readFile } from "node:fs/promises";
import { type Clock, type Logger, parseYamlDocuments } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";

/** Files are looked at so often; Kubernetes takes up to a minute. */
const everyMs = 5000;

interface Followed {
  path: string;
  take(value: unknown): Promise<void>;
  /** Counts how often it was read again. */
  meters?: { taken(text: string): void; reloaded(status: "success" | "failure"): void };
}

/**
 * Takes what the files say, and what they say later on. At the start a mistake ends everything; afterwards it is told
 * in the log, and what was there before goes on.
 */
export async function followFiles(
  files: readonly Followed[],
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const seen = new Map<string, string>();
  for (const { path, take, meters } of files) {
    try {
      const text = await readFile(path, "utf8");
      await take(valueOf(text, path));
      seen.set(path, text);
      meters?.taken(text);
    } catch (cause) {
      throw new ClusterError(`${path} cannot be used: ${(cause as Error).message}`, { cause });
    }
  }
  void follow();

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => {});
      if (signal.aborted) return;
      for (const { path, take, meters } of files) {
        const text = await readFile(path, "utf8").catch(() => undefined);
        if (text === undefined || text === seen.get(path)) continue;
        seen.set(path, text);
        try {
          await take(valueOf(text, path));
          meters?.taken(text);
          meters?.reloaded("success");
          log.info("took a changed configuration file", { path });
        } catch (error) {
          meters?.reloaded("failure");
          log.warn("a changed configuration file cannot be used", { path, error });
        }
      }
    }
  }
}

const valueOf = (text: string, path: string): unknown => parseYamlDocuments(text, path)[0]?.value;
