import type { FieldError, KubeObject } from "../../api/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { Clock } from "../../machinery/index.ts";
import type { AuditTrail, RequestInfo } from "../contract.ts";
import type { Deadline } from "../deadline.ts";
import type { AdmissionMetrics, AdmissionStep, StepMeters } from "../metrics/admission.ts";
import type { Histogram } from "../metrics/values.ts";
import type { ServedResource } from "../registry/resource.ts";
import type { Span } from "../tracing/span.ts";

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/**
 * The second round of mutating admission: a webhook or policy that changed the object sets `wanted`, and then all plugins
 * run again, since earlier ones have not seen the change.
 */
export class Reinvocation {
  /** This is the second round. */
  again = false;
  wanted = false;
  /** What plugins remember for the second round, by their name. */
  readonly notes = new Map<string, unknown>();
}

/** A write or connection as admission plugins see it. */
export interface AdmissionRequest {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  resource: ServedResource;
  info: RequestInfo;
  subresource: string;
  namespace: string;
  /** "" while the name is to be generated, and for each object of a deleted collection. */
  name: string;
  /** Kind of the object: subresources may have their own (Scale, Binding). */
  kind: GroupVersionKind;
  /** CreateOptions, UpdateOptions, DeleteOptions (meta.k8s.io/v1); null for connections. */
  options: object | null;
  reinvocation: Reinvocation;
  /** The new object, in the stored version if it is of the resource's kind; `admit` may change it. Absent for DELETE. */
  object: KubeObject | undefined;
  /** Read only. */
  oldObject: KubeObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  warnings: string[];
  /** For audit annotations; undefined when the request is not recorded. */
  audit?: Pick<AuditTrail, "annotate" | "annotateBody" | "spent"> | undefined;
  /** Parent of the spans of webhook calls. */
  span?: Span | undefined;
  /** Trace context of the request, propagated when it is not traced here. */
  passedOn?: Readonly<Record<string, string>> | undefined;
  /** When all plugins must have finished. */
  deadline?: Deadline | undefined;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Also called for connections (exec, attach, port-forward, proxy). */
  readonly connects?: boolean;
  /** May change the object. Throws StatusError to refuse. */
  admit?(request: AdmissionRequest): void | Promise<void>;
  /** Allocates addresses and ports. Runs after the strategy's `prepareForCreate`/`prepareForUpdate`. */
  allocate?(request: AdmissionRequest): void | Promise<void>;
  /**
   * Errors that depend on the user or on other objects; reported together with those of the kind's validation. Runs before
   * `validate`.
   */
  mistakes?(request: AdmissionRequest): readonly FieldError[] | Promise<readonly FieldError[]> | undefined;
  /** May only refuse. Runs after every `admit` and after the kind's own validation. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** Gives back what `allocate` took. `stored`: the write is in the cache; else it failed, or was a dry run. */
  release?(request: AdmissionRequest, stored: boolean): void | Promise<void>;
}

/** Measures the plugins. */
export interface AdmissionTiming {
  clock: Clock;
  metrics: AdmissionMetrics;
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #finding: readonly AdmissionPlugin[];
  readonly #admitting: TimedStep;
  readonly #judging: TimedStep;
  /** The plugins with `connects`. */
  readonly #connecting: readonly [TimedStep, TimedStep];

  constructor(plugins: readonly AdmissionPlugin[], timing: AdmissionTiming) {
    this.#plugins = plugins;
    this.#finding = plugins.filter((plugin) => plugin.mistakes);
    this.#admitting = new TimedStep("admit", plugins, timing);
    this.#judging = new TimedStep("validate", plugins, timing);
    const asked = plugins.filter((plugin) => plugin.connects);
    this.#connecting = [new TimedStep("admit", asked, timing), new TimedStep("validate", asked, timing)];
  }

  async admit(request: AdmissionRequest): Promise<void> {
    await twice(this.#admitting, request);
  }

  /** Errors found by plugins; undefined in the usual case that no plugin looks for any. */
  mistakes(request: AdmissionRequest): Promise<FieldError[]> | undefined {
    let found: Promise<readonly FieldError[]>[] | undefined;
    for (const plugin of this.#finding) {
      const errors = plugin.mistakes?.(request);
      if (errors) (found ??= []).push(Promise.resolve(errors));
    }
    return found && Promise.all(found).then((all) => all.flat());
  }

  async validate(request: AdmissionRequest): Promise<void> {
    await this.#judging.run(request);
  }

  /** Admits a connection: first the mutating, then the validating plugins. */
  async connect(request: AdmissionRequest): Promise<void> {
    const [admitting, judging] = this.#connecting;
    await twice(admitting, request);
    await judging.run(request);
  }

  /** Undefined in the usual case that there is nothing to wait for. */
  allocate(request: AdmissionRequest): Promise<void> | undefined {
    return inOrder(this.#plugins, (plugin) => plugin.allocate?.(request));
  }

  release(request: AdmissionRequest, stored: boolean): Promise<void> | undefined {
    return inOrder(this.#plugins, (plugin) => plugin.release?.(request, stored));
  }
}

/** Runs the steps one after the other; returns a promise from the first asynchronous one on. */
function inOrder(
  plugins: readonly AdmissionPlugin[],
  step: (plugin: AdmissionPlugin) => void | Promise<void>,
): Promise<void> | undefined {
  let pending: Promise<void> | undefined;
  for (const plugin of plugins) {
    if (pending) pending = pending.then(() => step(plugin));
    else pending = step(plugin) ?? undefined;
  }
  return pending;
}

async function twice(step: TimedStep, request: AdmissionRequest): Promise<void> {
  await step.run(request);
  const { reinvocation } = request;
  if (!reinvocation.wanted) return;
  reinvocation.again = true;
  await step.run(request);
}

/** One step of admission: runs the plugins in order and measures them. */
class TimedStep {
  readonly #step: AdmissionStep;
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #clock: Clock;
  readonly #metrics: AdmissionMetrics;
  /** By operation: one per plugin. */
  readonly #meters = new Map<AdmissionRequest["operation"], readonly Histogram[]>();

  constructor(step: AdmissionStep, plugins: readonly AdmissionPlugin[], { clock, metrics }: AdmissionTiming) {
    this.#step = step;
    this.#plugins = plugins.filter((plugin) => plugin[step]);
    this.#clock = clock;
    this.#metrics = metrics;
  }

  async run(request: AdmissionRequest): Promise<void> {
    const { operation } = request;
    const step = this.#metrics.of(this.#step, operation);
    const meters = this.#of(operation, step);
    const began = this.#clock.monotonic();
    let at = began;
    /** The first plugin not measured yet: consecutive synchronous plugins are fast, and measured together. */
    let from = 0;
    const note = (to: number): void => {
      const now = this.#clock.monotonic();
      const seconds = (now - at) / 1000 / (to - from);
      while (from < to) meters[from++]?.observe(seconds);
      at = now;
    };
    let i = 0;
    try {
      for (; i < this.#plugins.length; i++) {
        const pending = this.#plugins[i]?.[this.#step]?.(request);
        if (!pending) continue;
        if (i > from) note(i);
        await pending;
        note(i + 1);
        request.deadline?.check();
      }
      if (i > from) note(i);
    } catch (error) {
      if (i > from) note(i);
      const ms = this.#clock.monotonic() - began;
      this.#metrics.rejected(this.#step, operation, this.#plugins[i]?.name ?? "", ms);
      throw error;
    }
    step.whole.observe((at - began) / 1000);
  }

  #of(operation: AdmissionRequest["operation"], step: StepMeters): readonly Histogram[] {
    let meters = this.#meters.get(operation);
    if (!meters) {
      meters = this.#plugins.map(({ name }) => step.plugin(name));
      this.#meters.set(operation, meters);
    }
    return meters;
  }
}
