/** The checks behind /livez, /readyz and /healthz, in kube-apiserver's order. */
import type { HealthCheck } from "../discovery/health.ts";
import type { StartSteps } from "../discovery/start-steps.ts";
import type { Shutdown } from "../shutdown.ts";

export interface CheckedParts {
  steps: StartSteps;
  shutdown: Shutdown;
  /** Why the caches do not follow the store; undefined while they do. */
  storeError(): Error | undefined;
  /** Whether unfinished post-start hooks fail /livez. */
  stepsCount(): boolean;
  /** Checks of other components, by name. */
  others: ReadonlyMap<string, HealthCheck["run"]>;
}

export function healthChecks(parts: CheckedParts): HealthCheck[] {
  const { steps, shutdown, storeError, others, stepsCount } = parts;
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
    ...withOthers(steps.checks(), others).flatMap((check) => patient(check, stepsCount)),
    { name: "shutdown", run: () => shutdown.check(), at: ["readyz"] },
  ];
}

/** Ignores post-start hooks in /livez for a while. */
function patient(check: HealthCheck, counts: () => boolean): HealthCheck[] {
  if (!isHook(check) && check.name !== "autoregister-completion") return [check];
  return [
    { ...check, at: ["readyz", "healthz"] },
    { ...check, at: ["livez"], run: () => (counts() ? check.run() : undefined) },
  ];
}

const isHook = ({ name }: HealthCheck): boolean => name.startsWith("poststarthook/");

/** kube-apiserver lists other components' post-start hooks just before that of priority classes, and their other checks last. */
function withOthers(own: HealthCheck[], others: CheckedParts["others"]): HealthCheck[] {
  const more = [...others].map(([name, run]) => ({ name, run }));
  const at = own.findIndex(({ name }) => name.endsWith("/bootstrap-system-priority-classes"));
  return [
    ...own.slice(0, at),
    ...more.filter(isHook),
    ...own.slice(at),
    ...more.filter((each) => !isHook(each)),
  ];
}
