import { Session } from "node:inspector";

interface FunctionCoverage {
  ranges: readonly { startOffset: number; endOffset: number; count: number }[];
}

interface Coverage {
  result: readonly { scriptId: string; url: string; functions: readonly FunctionCoverage[] }[];
}

/**
 * Records the paths through the project's code (V8's block coverage through the inspector). A path is the set of covered blocks
 * of a function; `foundNew` tells whether the last run covered a new one.
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

  /** The number of paths covered. */
  get ways(): number {
    return this.#seen.size;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** Profiler calls of a session of the same thread are synchronous. */
  #post(method: string, parameters?: object): unknown {
    let answer: unknown;
    this.#session.post(method, parameters, (error: Error | null, result?: object) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}
