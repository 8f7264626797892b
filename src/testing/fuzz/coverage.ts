import { Session } from "node:inspector";

interface FunctionCoverage {
  ranges: readonly { startOffset: number; endOffset: number; count: number }[];
}

interface Coverage {
  result: readonly { scriptId: string; url: string; functions: readonly FunctionCoverage[] }[];
}

/**
 * Sees which ways through the project's own code a run took (V8's block coverage by way of the inspector). A way is what
 * ran and what did not in one function; `foundNew` says whether the last run took one that no run took before.
 */
export class CoverageGuide {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
  }

  foundNew(): boolean {
    const before = this.#seen.size;
    for (const { scriptId, url, functions } of (this.#post("Profiler.takePreciseCoverage") as Coverage)
      .result) {
      if (!url.includes("/src/") || url.includes("/node_modules/") || url.includes("/testing/")) continue;
      for (const { ranges } of functions) {
        let way = scriptId;
        for (const { startOffset, endOffset, count } of ranges)
          way += `,${startOffset}${count > 0 ? "+" : "-"}${endOffset}`;
        this.#seen.add(way);
      }
    }
    return this.#seen.size > before;
  }

  /** How many ways have been taken. */
  get ways(): number {
    return this.#seen.size;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** Profiler calls of a session of the same thread answer before they return. */
  #post(method: string, parameters?: object): unknown {
    let answer: unknown;
    this.#session.post(method, parameters, (error: Error | null, result?: object) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}
