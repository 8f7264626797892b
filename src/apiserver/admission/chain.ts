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
 * Plugins that change the object may be asked once more, since who came before a change has not seen it: a plugin that
 * changed something sets `wanted`, and then all plugins run again.
 */
export class Reinvocation {
  /** The second time. */
  again = false;
  wanted = false;
  /** What a plugin wants to know the second time, by its name. */
  readonly notes = new Map<string, unknown>();
}

/** What is about to be written, as admission plugins see it. */
export interface AdmissionRequest {
  operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  resource: ServedResource;
  info: RequestInfo;
  subresource: string;
  namespace: string;
  /** "" for a name that is to be generated, and for each object of a collection that is deleted. */
  name: string;
  /** What the objects are: subresources may have a kind of their own (Scale, Binding). */
  kind: GroupVersionKind;
  /** CreateOptions, UpdateOptions, DeleteOptions (meta.k8s.io/v1); null for connections. */
  options: object | null;
  reinvocation: Reinvocation;
  /** The new object, in stored spelling if it is of the resource's kind; plugins that admit may change it. Absent for DELETE. */
  object: KubeObject | undefined;
  /** Read only. */
  oldObject: KubeObject | undefined;
  user: UserInfo;
  dryRun: boolean;
  warnings: string[];
  /** Where plugins note what is to be recorded; undefined where nothing is. */
  audit?: Pick<AuditTrail, "annotate" | "annotateBody" | "spent"> | undefined;
  /** Where it is noted how long others take that are asked. */
  span?: Span | undefined;
  /** Trace context as it came, where nothing is noted here. */
  passedOn?: Readonly<Record<string, string>> | undefined;
  /** By when all of them have to be done. */
  deadline?: Deadline | undefined;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Looks at connections (exec, attach, port-forward, proxy) too; others never see them. */
  readonly connects?: boolean;
  /** May change the object. Throws StatusError to refuse. */
  admit?(request: AdmissionRequest): void | Promise<void>;
  /** Takes what only one object may have (addresses, ports). Runs after the kind's own preparation of the object. */
  allocate?(request: AdmissionRequest): void;
  /** What is wrong with the object for who asks; it is told together with what the kind finds wrong. Runs before `validate`. */
  mistakes?(request: AdmissionRequest): readonly FieldError[] | Promise<readonly FieldError[]> | undefined;
  /** May only refuse. Runs after every `admit` and after the kind's own validation. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** Gives back what `allocate` took: the write failed, was a dry run, or is in the cache by now. */
  release?(request: AdmissionRequest): void;
}

/** With what plugins are timed. */
export interface AdmissionTiming {
  clock: Clock;
  metrics: AdmissionMetrics;
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #finding: readonly AdmissionPlugin[];
  readonly #admitting: TimedStep;
  readonly #judging: TimedStep;
  /** Of connections: whoever looks at those at all. */
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

  /** What plugins find wrong with an object; undefined, mostly: nobody looks for anything. */
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

  /** Of a connection: first what may change, then what may only refuse. */
  async connect(request: AdmissionRequest): Promise<void> {
    const [admitting, judging] = this.#connecting;
    await twice(admitting, request);
    await judging.run(request);
  }

  allocate(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.allocate?.(request);
  }

  release(request: AdmissionRequest): void {
    for (const plugin of this.#plugins) plugin.release?.(request);
  }
}

async function twice(step: TimedStep, request: AdmissionRequest): Promise<void> {
  await step.run(request);
  const { reinvocation } = request;
  if (!reinvocation.wanted) return;
  reinvocation.again = true;
  await step.run(request);
}

/** One step of admission: plugins in their order, and how long they took. */
class TimedStep {
  readonly #step: AdmissionStep;
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #clock: Clock;
  readonly #metrics: AdmissionMetrics;
  /** By operation, one for each plugin. */
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
    /** The first plugin that nothing is noted of yet: those that do not wait take next to nothing, and are timed together. */
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
