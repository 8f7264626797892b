/** The part of the Chrome DevTools protocol for CPU profiles. */

export interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: number[];
}

export interface CpuProfile {
  nodes: ProfileNode[];
  /** The node of each sample, and the microseconds before it. */
  samples: number[];
  timeDeltas: number[];
}

/** Between samples. */
const intervalUs = 200;

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { done(result: unknown): void; fail(error: Error): void }>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result, error } = JSON.parse(String(data)) as {
        id?: number;
        result?: unknown;
        error?: { message: string };
      };
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (id !== undefined) this.#waiting.delete(id);
      if (error) waiting?.fail(new Error(error.message));
      else waiting?.done(result);
    });
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await new Promise<void>((done, fail) => {
      socket.addEventListener("open", () => done(), { once: true });
      socket.addEventListener("error", () => fail(new Error(`${url} does not answer`)), { once: true });
    });
    return new Inspector(socket);
  }

  /** A CPU profile of the main thread while `work` runs. */
  async profiled(work: () => Promise<unknown>): Promise<CpuProfile> {
    await this.#post("Profiler.enable");
    await this.#post("Profiler.setSamplingInterval", { interval: intervalUs });
    await this.#post("Profiler.start");
    await work();
    const { profile } = (await this.#post("Profiler.stop")) as { profile: CpuProfile };
    return profile;
  }

  close(): void {
    this.#socket.close();
  }

  #post(method: string, params: object = {}): Promise<unknown> {
    const id = this.#next++;
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
