/** What is served to who operates the server: /statusz, /flagz, /debug/pprof/, /debug/flags/. */
import type { Clock } from "../../machinery/index.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Answer } from "../response.ts";
import { flagsAnswer } from "./debug-flags.ts";
import { Profiling } from "./profiling.ts";
import { flagz, pageAnswer, statusz } from "./zpages.ts";

export interface OperatingOptions {
  clock: Clock;
  random: () => number;
  /** How the server was started, by kube-apiserver's names; undefined: nobody tells. */
  flags: ReadonlyMap<string, string> | undefined;
  /** Says how much is logged; undefined: that is fixed. */
  setVerbosity: ((level: number) => void) | undefined;
  /** Whether it is profiled for who asks. */
  profiling: boolean;
}

export class Operating {
  readonly #options: OperatingOptions;
  readonly #profiling: Profiling | undefined;

  constructor(options: OperatingOptions) {
    this.#options = options;
    this.#profiling = options.profiling ? new Profiling(options.clock) : undefined;
  }

  /** Paths that are listed; what is for debugging is not. */
  get paths(): readonly string[] {
    return this.#options.flags ? ["/flagz", "/statusz"] : ["/statusz"];
  }

  /** `paths`: all that the root lists. Undefined for paths of others. */
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
