/** kube_apiserver_*_allocator_*: allocation of addresses and node ports of Services. */
import type { MetricsRegistry } from "./registry.ts";
import { defaultBounds } from "./values.ts";

/** A requested number, or any. */
type Scope = "static" | "dynamic";

/** Of one pool. */
export interface PoolMeters {
  /** `ms`: duration, if measured. */
  allocated(scope: Scope, ms?: number): void;
  failed(scope: Scope): void;
  /** The pool is gone: what was counted of it stays as it is. */
  end(): void;
}

export interface PoolState {
  taken: number;
  size: number;
}

/** `cidr`: of addresses; undefined for ports. `state`: read at collection. */
export type PoolFamilies = (cidr: string | undefined, state: () => PoolState) => PoolMeters;

/** The families shared by all pools of a kind. */
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
  // Kubernetes does not measure the allocation of ports.
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
