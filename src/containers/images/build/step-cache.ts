import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Clock } from "../../../machinery/index.ts";
import type { Blobs } from "../store/blobs.ts";
import { replaceFile } from "../store/reference-index.ts";
import type { WrittenLayer } from "./layer-content.ts";

export interface CachedStep {
  /** Undefined when the step changed no file. */
  layer: WrittenLayer | undefined;
  /** Time of execution: rebuilding from the cache results in the same image. */
  created: string;
}

const keepMs = 14 * 24 * 3600 * 1000;

/** Results of steps, by a key of everything they depend on: `build-cache/<key>.json`. */
export class StepCache {
  readonly #dir: string;
  readonly #blobs: Blobs;
  readonly #clock: Clock;

  constructor(root: string, blobs: Blobs, clock: Clock) {
    this.#dir = `${root}/build-cache`;
    this.#blobs = blobs;
    this.#clock = clock;
    mkdirSync(this.#dir, { recursive: true });
  }

  key(...parts: unknown[]): string {
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  }

  /** Undefined also when its layer is gone. */
  find(key: string): CachedStep | undefined {
    const path = this.#path(key);
    try {
      const step = JSON.parse(readFileSync(path, "utf8")) as CachedStep;
      const now = this.#clock.now();
      if (step.layer !== undefined && !this.#blobs.use(step.layer.descriptor, now)) return undefined;
      utimesSync(path, now / 1000, now / 1000);
      return step;
    } catch {
      // Missing, damaged or just removed: the step is executed.
      return undefined;
    }
  }

  async put(key: string, step: CachedStep): Promise<void> {
    await replaceFile(this.#path(key), JSON.stringify(step));
  }

  /** For garbage collection: blobs of entries used in the last two weeks. Removes older entries. */
  wanted(): { blobs: string[]; diffIds: string[] } {
    const blobs: string[] = [];
    const diffIds: string[] = [];
    for (const name of readdirSync(this.#dir)) {
      if (!/^[a-f0-9]{64}\.json$/.test(name)) continue;
      const path = `${this.#dir}/${name}`;
      if (this.#clock.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) > keepMs) {
        rmSync(path, { force: true });
        continue;
      }
      try {
        const { layer } = JSON.parse(readFileSync(path, "utf8")) as CachedStep;
        if (layer === undefined) continue;
        blobs.push(layer.descriptor.digest);
        diffIds.push(layer.diffId);
      } catch {
        rmSync(path, { force: true });
      }
    }
    return { blobs, diffIds };
  }

  async clear(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    mkdirSync(this.#dir, { recursive: true });
  }

  #path(key: string): string {
    return `${this.#dir}/${key}.json`;
  }
}
