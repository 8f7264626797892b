/** The checks behind /livez, /readyz and /healthz, in kube-apiserver's order. */
import type { HealthCheck } from "../discovery/health.ts";
import type { StartSteps } from "../discovery/start-steps.ts";
import type { Shutdown } from "../shutdown.ts";

export interface CheckedParts {
  steps: StartSteps;
  shutdown: Shutdown;
  /** Why the store cannot be followed any more; undefined while it can. */
  storeError(): Error | undefined;
  /** Checks of other parts, by name. */
  others: ReadonlyMap<string, HealthCheck["run"]>;
}

export function healthChecks({ steps, shutdown, storeError, others }: CheckedParts): HealthCheck[] {
  const storeAnswers = (): void => {
    const error = storeError();
    if (error) throw error;
  };
  return [
    { name: "ping", run: () => {} },
    { name: "log", run: () => {} },
    { name: "etcd", run: storeAnswers },
    { name: "etcd-readiness", run: storeAnswers, at: ["readyz"] },
    { name: "informer-sync", run: storeAnswers, at: ["readyz"] },
    ...withOthers(steps.checks(), others),
    { name: "shutdown", run: () => shutdown.check(), at: ["readyz"] },
  ];
}

/** kube-apiserver lists the start steps of other parts just before it makes priority classes, and their other checks last. */
function withOthers(own: HealthCheck[], others: CheckedParts["others"]): HealthCheck[] {
  const more = [...others].map(([name, run]) => ({ name, run }));
  const isStep = ({ name }: HealthCheck): boolean => name.startsWith("poststarthook/");
  const at = own.findIndex(({ name }) => name.endsWith("/bootstrap-system-priority-classes"));
  return [
    ...own.slice(0, at),
    ...more.filter(isStep),
    ...own.slice(at),
    ...more.filter((each) => !isStep(each)),
  ];
}
