/** kube_apiserver_*_allocator_*: addresses and node ports of Services. */
import type { MetricsRegistry } from "./registry.ts";
import { defaultBounds } from "./values.ts";

/** Asked for by name, or any. */
type Scope = "static" | "dynamic";

/** Of one pool. */
export interface PoolMeters {
  /** `ms`: how long it took, where that is measured. */
  allocated(scope: Scope, ms?: number): void;
  failed(scope: Scope): void;
  /** The pool is gone: what was counted of it stays as it is. */
  end(): void;
}

export interface PoolState {
  taken: number;
  size: number;
}

/** `cidr`: of the addresses; undefined for ports. `state`: read when somebody asks. */
export type PoolFamilies = (cidr: string | undefined, state: () => PoolState) => PoolMeters;

/** What all pools of a sort share. */
export function poolFamilies(registry: MetricsRegistry, sort: "nodeport" | "clusterip"): PoolFamilies {
  const isPort = sort === "nodeport";
  const what = isPort ? "ports" : "ips";
  const prefix = `kube_apiserver_${sort}_allocator_`;
  const labels = isPort ? [] : ["cidr"];
  const stability = "ALPHA";
  const gauge = (name: string, help: string) =>
    registry.gauge({ name: `${prefix}${name}_${what}`, help, stability, labels });
  const [allocated, available] = [
    gauge("allocated", "How many are taken."),
    gauge("available", "How many are free."),
  ];
  const counter = (name: string, help: string) =>
    registry.counter({ name: prefix + name, help, stability, labels: [...labels, "scope"] });
  const total = counter("allocation_total", "How many were given.");
  const errors = counter("allocation_errors_total", "How often none could be given.");
  // Of ports nobody asks how long they take, in Kubernetes.
  const seconds = isPort
    ? undefined
    : registry.histogram({
        name: `${prefix}allocation_duration_seconds`,
        help: "Time that it took to find one.",
        stability,
        labels,
        bounds: defaultBounds,
      });
  return (cidr, state) => {
    const own = cidr === undefined ? [] : [cidr];
    const end = registry.beforeReading(() => {
      const { taken, size } = state();
      allocated.with(...own).set(taken);
      available.with(...own).set(size - taken);
    });
    return {
      allocated(scope, ms) {
        total.with(...own, scope).add();
        if (ms !== undefined) seconds?.with(...own).observe(ms / 1000);
      },
      failed: (scope) => errors.with(...own, scope).add(),
      end,
    };
  };
}
