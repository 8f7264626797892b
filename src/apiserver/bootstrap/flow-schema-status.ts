/** Maintains the condition `Dangling` of FlowSchemas: whether their priority level is missing. */
import type { FlowSchema } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import { type Core, nowTime } from "../core.ts";
import { serverSideApply } from "../verbs/apply.ts";
import { serverCall } from "./server-call.ts";

const group = "flowcontrol.apiserver.k8s.io";
const manager = "api-priority-and-fairness-config-consumer-v1";

export class FlowSchemaStatus {
  readonly #core: Core;
  #stops: (() => void)[] = [];
  /** A run in progress; `#again`: something changed since it began. */
  #running: Promise<void> | undefined;
  #again = false;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Resolves when every existing schema has its condition. */
  async start(): Promise<void> {
    if (!this.#core.registry.find(group, "v1", "flowschemas")) return;
    const { caches } = this.#core;
    this.#stops = ["flowschemas", "prioritylevelconfigurations"].map((plural) =>
      caches.onChange(group, plural, () => this.#touch()),
    );
    this.#touch();
    await this.#running;
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#again = false;
    await this.#running;
  }

  #touch(): void {
    this.#again = true;
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined;
    });
  }

  async #rounds(): Promise<void> {
    // Changes come in bursts: run once after the current one.
    await Promise.resolve();
    while (this.#again) {
      this.#again = false;
      await Promise.all([...this.#wrong()].map((each) => this.#write(each)));
    }
  }

  *#wrong(): Iterable<{ name: string; status: NonNullable<FlowSchema["status"]> }> {
    const { registry, caches, clock } = this.#core;
    const levels = registry.find(group, "v1", "prioritylevelconfigurations");
    for (const { metadata, spec, status } of caches.list<FlowSchema>(group, "flowschemas")) {
      const level = spec?.priorityLevelConfiguration?.name ?? "";
      const found = levels?.cache.get(level) !== undefined;
      const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
      const wanted = {
        type: "Dangling",
        status: found ? "False" : "True",
        reason: found ? "Found" : "NotFound",
        message: `${about} ${found ? "and it exists" : "but there is no such object"}`,
      };
      const present = status?.conditions?.find(({ type }) => type === wanted.type);
      if (present?.status === wanted.status && present.message === wanted.message) continue;
      const since = present?.status === wanted.status ? present.lastTransitionTime : undefined;
      const condition = { ...wanted, lastTransitionTime: since ?? nowTime(clock) };
      yield { name: metadata?.name ?? "", status: { conditions: [condition] } };
    }
  }

  async #write({ name, status }: { name: string; status: object }): Promise<void> {
    const resource = this.#core.registry.find(group, "v1", "flowschemas");
    if (!resource) return;
    const { apiVersion, def } = resource;
    const body = Buffer.from(JSON.stringify({ apiVersion, kind: def.kind, metadata: { name }, status }));
    const query = new URLSearchParams({ fieldManager: manager, force: "true" });
    const call = serverCall(this.#core, resource, "", name, "status");
    try {
      await serverSideApply({
        ...call,
        info: { ...call.info, verb: "patch", query },
        request: { ...call.request, method: "PATCH", body },
      });
    } catch (error) {
      // Deleted or changed concurrently: the change starts the next run.
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) this.#core.log.warn?.(String(error));
    }
  }
}
