import { readFile } from "node:fs/promises";
import { type Clock, type Logger, parseYamlDocuments } from "../../machinery/index.ts";
import { ClusterError } from "../cluster-error.ts";

/** Polling interval of files; Kubernetes takes up to a minute. */
const everyMs = 5000;

/** Files that belong together. */
export interface Followed {
  paths: readonly string[];
  /** Takes their contents, in the same order. Throws for mistakes in them. */
  take(texts: readonly string[]): void | Promise<void>;
  /** Metrics of reloads. */
  meters?: ReloadMeters;
}

export interface ReloadMeters {
  taken(text: string): void;
  reloaded(status: "success" | "failure"): void;
}

/** A file with one object in YAML. */
export const configurationFile = (
  path: string,
  take: (value: unknown) => Promise<void>,
  meters?: ReloadMeters,
): Followed => ({
  paths: [path],
  take: ([text = ""]) => take(parseYamlDocuments(text, path)[0]?.value),
  ...(meters ? { meters } : {}),
});

/**
 * Takes the files' contents, now and after every change. At start a mistake is an error; later it is logged, and the former
 * contents stay.
 */
export async function followFiles(
  files: readonly Followed[],
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const seen = new Map<Followed, readonly string[]>();
  for (const each of files) {
    try {
      const texts = await textsOf(each);
      await each.take(texts);
      seen.set(each, texts);
      each.meters?.taken(texts.join(""));
    } catch (cause) {
      throw new ClusterError(`${each.paths.join(" and ")} cannot be used: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  if (files.length > 0) void follow();

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => {});
      if (signal.aborted) return;
      for (const each of files) {
        const texts = await textsOf(each).catch(() => undefined);
        if (!texts || texts.every((text, i) => text === seen.get(each)?.[i])) continue;
        seen.set(each, texts);
        await takeChanged(each, texts);
      }
    }
  }

  async function takeChanged({ paths, take, meters }: Followed, texts: readonly string[]): Promise<void> {
    const path = paths.join(" and ");
    try {
      await take(texts);
      meters?.taken(texts.join(""));
      meters?.reloaded("success");
      log.info("took a changed file", { path });
    } catch (error) {
      meters?.reloaded("failure");
      log.warn("a changed file cannot be used", { path, error });
    }
  }
}

const textsOf = ({ paths }: Followed): Promise<string[]> =>
  Promise.all(paths.map((path) => readFile(path, "utf8")));
