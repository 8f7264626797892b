/** Pages for operators: /statusz, /flagz, /debug/pprof/, /debug/flags/. */
import type { Clock } from "../../machinery/index.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Answer } from "../response.ts";
import { flagsAnswer } from "./debug-flags.ts";
import { Profiling } from "./profiling.ts";
import { flagz, pageAnswer, statusz } from "./zpages.ts";

export interface OperatingOptions {
  clock: Clock;
  random: () => number;
  /** The effective flags by kube-apiserver's names; undefined: not shown. */
  flags: ReadonlyMap<string, string> | undefined;
  /** Sets the log verbosity; undefined: it is fixed. */
  setVerbosity: ((level: number) => void) | undefined;
  /** Whether profiles are served. */
  profiling: boolean;
}

export class Operating {
  readonly #options: OperatingOptions;
  readonly #profiling: Profiling | undefined;

  constructor(options: OperatingOptions) {
    this.#options = options;
    this.#profiling = options.profiling ? new Profiling(options.clock) : undefined;
  }

  /** Paths in the root's list, without those for debugging. */
  get paths(): readonly string[] {
    return this.#options.flags ? ["/flagz", "/statusz"] : ["/statusz"];
  }

  /** `paths`: the root's list. Undefined for other paths. */
  answer(
    request: HandlerRequest,
    info: RequestInfo,
    paths: () => readonly string[],
  ): Answer | undefined | Promise<Answer | undefined> {
    const { clock, random, flags, setVerbosity } = this.#options;
    const { path } = info;
    if (path === "/statusz") return pageAnswer(statusz(paths(), clock.now()), { request, info, random });
    if (path === "/flagz") return flags && pageAnswer(flagz(flags), { request, info, random });
    if (path.startsWith("/debug/pprof")) return this.#profiling?.answer(path, info.query, request.signal);
    return setVerbosity && flagsAnswer(path, request, setVerbosity);
  }
}
