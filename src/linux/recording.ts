import type { Native } from "./contract.ts";

export interface RecordingNative extends Native {
  /** All calls, e.g. `["addVeth", {...}]`. */
  readonly calls: (readonly [method: string, ...args: unknown[]])[];
}

/** Only records calls. `answers` replaces methods, for results or errors. For tests. */
export function recordingNative(answers: Partial<Native> = {}): RecordingNative {
  const calls: [string, ...unknown[]][] = [];
  const defaults: Partial<Record<keyof Native, unknown>> = {
    addVeth: { hostMac: "02:00:00:00:00:01", mac: "02:00:00:00:00:02" },
    deleteNamespace: true,
    deleteLink: true,
    deleteAddress: true,
    deleteRoute: true,
    umount: true,
    links: [],
    routes: [],
    sysctl: "",
  };
  const fixed: Record<string, unknown> = { calls, launchSocket: "/run/recording.sock" };
  return new Proxy({} as RecordingNative, {
    get(_target, name) {
      if (typeof name === "symbol" || name === "then") return undefined;
      if (name in fixed) return fixed[name];
      return async (...args: unknown[]): Promise<unknown> => {
        calls.push([name, ...args]);
        const answer = answers[name as keyof Native] as ((...a: unknown[]) => unknown) | undefined;
        return answer ? answer(...args) : defaults[name as keyof Native];
      };
    },
  });
}
