/** /debug/pprof/: CPU and heap profiles of this process for pprof's tools. */
import { Session } from "node:inspector/promises";
import { type Clock, StatusError } from "../../machinery/index.ts";
import { type Answer, textAnswer } from "../response.ts";
import { cpuProfile, heapProfile } from "./pprof.ts";

const prefix = "/debug/pprof/";
const usualSeconds = 30;
/** Default duration of allocation profiles. */
const heapSeconds = 5;

const kinds: Readonly<Record<string, string>> = {
  allocs:
    "Memory that was taken while it was looked at, be it in use or not. Say for how long with seconds=N.",
  heap: "Memory that was taken while it was looked at, and is still in use. Say for how long with seconds=N.",
  profile: "Where the processor's time goes. Say for how long with seconds=N.",
};

/** The profiler; the process has one of each kind. */
const takerOf = (name: string): string => (name === "profile" ? "CPU" : "memory");

/** Takes one CPU profile and one heap profile at a time. */
export class Profiling {
  readonly #clock: Clock;
  readonly #busy = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined for other paths. */
  async answer(path: string, query: URLSearchParams, signal?: AbortSignal): Promise<Answer | undefined> {
    if (path === "/debug/pprof") return moved(prefix);
    if (!path.startsWith(prefix)) return undefined;
    const name = path.slice(prefix.length);
    if (name === "") return index();
    if (name === "symbol") return textAnswer(200, "num_symbols: 0\n");
    if (!Object.hasOwn(kinds, name)) return unknown("Unknown profile", 404);
    const given = Number(query.get("seconds") ?? "0");
    const taker = takerOf(name);
    const seconds =
      Number.isFinite(given) && given > 0 ? given : taker === "memory" ? heapSeconds : usualSeconds;
    if (this.#busy.has(taker))
      return unknown(`Could not enable ${taker} profiling: ${taker} profiling already in use`, 500);
    this.#busy.add(taker);
    try {
      const bytes = await this.#take(name, seconds * 1000, signal);
      return {
        status: 200,
        headers: {
          "content-type": "application/octet-stream",
          "content-disposition": `attachment; filename="${name}"`,
          "cache-control": "no-cache, private",
          "x-content-type-options": "nosniff",
        },
        body: bytes,
      };
    } finally {
      this.#busy.delete(taker);
    }
  }

  async #take(name: string, ms: number, signal?: AbortSignal): Promise<Buffer> {
    const session = new Session();
    session.connect();
    const began = this.#clock.now();
    try {
      if (takerOf(name) === "memory") {
        const all = name === "allocs";
        await session.post("HeapProfiler.startSampling", {
          samplingInterval: 32 * 1024,
          includeObjectsCollectedByMajorGC: all,
          includeObjectsCollectedByMinorGC: all,
        });
        await this.#wait(ms, signal);
        const { profile } = await session.post("HeapProfiler.stopSampling");
        return heapProfile(profile, began, all ? "alloc_space" : "inuse_space");
      }
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: 10_000 });
      await session.post("Profiler.start");
      await this.#wait(ms, signal);
      return cpuProfile((await session.post("Profiler.stop")).profile, began);
    } finally {
      session.disconnect();
    }
  }

  async #wait(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, signal).catch((cause: unknown) => {
      throw new StatusError("ServiceUnavailable", "the profile was given up", { cause });
    });
  }
}

function moved(to: string): Answer {
  return {
    status: 302,
    headers: {
      "content-type": "text/html; charset=utf-8",
      location: to,
      "cache-control": "no-cache, private",
    },
    body: Buffer.from(`<a href="${to}">Found</a>.\n\n`),
  };
}

function unknown(text: string, status: number): Answer {
  const answer = textAnswer(status, `${text}\n`);
  answer.headers["x-go-pprof"] = "1";
  return answer;
}

function index(): Answer {
  const rows = Object.entries(kinds).map(([name, text]) => `<li><a href="${name}">${name}</a>: ${text}</li>`);
  const answer = textAnswer(
    200,
    `<html>\n<head>\n<title>${prefix}</title>\n</head>\n<body>\n${prefix}\n<ul>\n${rows.join("\n")}\n</ul>\n</body>\n</html>\n`,
  );
  answer.headers["content-type"] = "text/html; charset=utf-8";
  return answer;
}
