/**
 * Serves CustomResourceDefinitions. Level-triggered: changed definitions are processed one by one; what is served follows from
 * the definition alone.
 */
import {
  cleanupFinalizer,
  type CustomResourceDefinition,
  type CustomResourceDefinitionSpec,
  customKinds,
  isEstablished,
  type KindDefinition,
  type KubeObject,
  withCondition,
} from "../../api/index.ts";
import { deepEqual, isReason, Multimap } from "../../machinery/index.ts";
import { serverCall } from "../bootstrap/server-call.ts";
import { type Call, type Core, nowTime } from "../core.ts";
import { forbidden } from "../errors.ts";
import { Converter, conversionWebhook } from "../conversion/converter.ts";
import type { Converted } from "../metrics/conversion.ts";
import type { Conversion, ServedResource } from "../registry/resource.ts";
import { ReviewClient } from "../webhooks/review-client.ts";
import type { DeleteOptions } from "../verbs/delete-options.ts";
import { deleteObject } from "../verbs/delete.ts";
import { updateObject } from "../verbs/update.ts";
import { HeldNames } from "./held-names.ts";
import { acceptNames, approval, established, type OthersNames } from "./names.ts";

const group = "apiextensions.k8s.io";
const plural = "customresourcedefinitions";

const atOnce: DeleteOptions = {
  gracePeriodSeconds: undefined,
  propagation: undefined,
  preconditions: {},
  dryRun: false,
};

interface Served {
  crd: CustomResourceDefinition;
  resources: readonly ServedResource[];
}

export class CustomResources {
  readonly #core: Core;
  readonly #definitions: ServedResource;
  /** Served definitions by name, and the objects that watches began with. */
  readonly #served = new Map<string, Served>();
  readonly #names = new HeldNames();
  /** Definitions that are not established, by group: they may be when names become free. */
  readonly #unestablished = new Multimap<string, string>();
  readonly #waiting = new Set<string>();
  readonly #watched = new Map<string, () => void>();
  #running: Promise<void> | undefined;
  #stop: (() => void) | undefined;
  readonly #client: ReviewClient;

  constructor(core: Core, definitions: ServedResource) {
    this.#core = core;
    this.#definitions = definitions;
    this.#client = new ReviewClient(core.caches, core.random, {
      now: () => core.clock.monotonic(),
      meters: core.meters.restClient,
    });
  }

  /** Resolves when all existing definitions are served. */
  async start(): Promise<void> {
    for (const { def } of this.#core.registry.all())
      if (!def.type)
        this.#names.hold(`${def.group}/${def.version} ${def.plural}`, def.group, {
          ...def,
          shortNames: [...def.shortNames],
          categories: [],
        });
    this.#stop = this.#core.caches.onChange(group, plural, (type, object) => {
      const crd = object as CustomResourceDefinition;
      if (type === "deleted") this.#forget(crd);
      else this.#note(crd);
      this.#touch(nameOf(crd));
    });
    for (const entry of this.#definitions.cache.list("")) {
      this.#note(entry.object as CustomResourceDefinition);
      this.#touch(entry.name);
    }
    await this.#running;
  }

  stop(): void {
    this.#stop?.();
    for (const stop of this.#watched.values()) stop();
    this.#client.close();
  }

  #note(crd: CustomResourceDefinition): void {
    const group = crd.spec?.group ?? "";
    const name = nameOf(crd);
    const accepted = crd.status?.acceptedNames;
    if (accepted) this.#names.hold(name, group, accepted);
    else this.#names.release(name);
    if (isEstablished(crd)) this.#unestablished.delete(group, name);
    else this.#unestablished.add(group, name);
  }

  #forget(crd: CustomResourceDefinition): void {
    this.#names.release(nameOf(crd));
    this.#unestablished.delete(crd.spec?.group ?? "", nameOf(crd));
  }

  #touch(name: string): void {
    this.#waiting.add(name);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      const [next] = this.#waiting;
      if (next !== undefined && !this.#core.closing.aborted) this.#touch(next);
    });
  }

  async #run(): Promise<void> {
    for (let [name] = this.#waiting; name !== undefined; [name] = this.#waiting) {
      this.#waiting.delete(name);
      if (this.#core.closing.aborted) return;
      try {
        await this.#look(name);
      } catch (error) {
        this.#core.log.error("custom resource definition failed", { name, error });
        this.#core.clock.timer(1000, () => this.#touch(name as string));
      }
    }
  }

  async #look(name: string): Promise<void> {
    const entry = this.#definitions.cache.get(name);
    if (!entry) {
      this.#unserve(name);
      return;
    }
    const crd = entry.object as CustomResourceDefinition;
    if (crd.metadata?.deletionTimestamp) await this.#cleanUp(name, crd);
    else await this.#accept(name, crd);
  }

  async #accept(name: string, crd: CustomResourceDefinition): Promise<void> {
    const { accepted, condition } = acceptNames(crd, this.#othersNames(name, crd));
    const now = nowTime(this.#core.clock);
    const approved = approval(crd);
    let conditions = crd.status?.conditions ?? [];
    if (approved) conditions = withCondition(conditions, approved, now);
    conditions = withCondition(conditions, condition, now);
    conditions = withCondition(conditions, established(crd, condition.status === "True"), now);
    const status = { conditions, acceptedNames: accepted };
    // Webhooks would be asked about a write that changes nothing, too, and may hang while the server starts.
    if (!deepEqual({ ...crd.status, ...status }, crd.status)) await this.#setStatus(name, status);
    const current = this.#definitions.cache.get(name)?.object as CustomResourceDefinition | undefined;
    if (!current || !isEstablished(current)) return;
    await this.#definitions.def.ready?.(current as KubeObject);
    this.#serve(name, current);
  }

  #othersNames(own: string, { spec }: CustomResourceDefinition): OthersNames {
    const group = spec?.group ?? "";
    return {
      hasResource: (name) => this.#names.hasResource(group, name, own),
      hasKind: (name) => this.#names.hasKind(group, name, own),
    };
  }

  async #setStatus(
    name: string,
    part: Partial<NonNullable<CustomResourceDefinition["status"]>>,
  ): Promise<void> {
    await updateObject(this.#statusCall(name), (existing) => {
      const object = existing.copy() as CustomResourceDefinition;
      const next = { ...object.status, ...part };
      if (!deepEqual(next, object.status)) object.status = next as CustomResourceDefinition["status"];
      return object as KubeObject;
    });
  }

  #statusCall(name: string): Call {
    return serverCall(this.#core, this.#definitions, "", name, "status");
  }

  #serve(name: string, crd: CustomResourceDefinition): void {
    const before = this.#served.get(name);
    const known = before?.crd;
    const same =
      known?.metadata?.uid === crd.metadata?.uid &&
      deepEqual(known?.spec, crd.spec) &&
      known?.metadata?.deletionTimestamp === crd.metadata?.deletionTimestamp;
    if (same || !crd.spec) return;
    const terminating = crd.metadata?.deletionTimestamp !== undefined;
    const kinds = customKinds(crd.spec).map((def) => (terminating ? closed(def) : def));
    const { group, names } = crd.spec;
    const { registry } = this.#core;
    const hidden = customKinds(crd.spec, false);
    const resources = registry.replace(group, names.plural, kinds, hidden, this.#conversion(crd.spec));
    // Watches see the deletion of a definition's instances before its own.
    const kept = deepEqual(known?.spec, crd.spec) ? (before?.resources ?? []) : [];
    this.#served.set(name, { crd, resources: [...kept, ...resources] });
    if (kept.length === 0) for (const resource of before?.resources ?? []) resource.retire();
  }

  #conversion(spec: CustomResourceDefinitionSpec): Conversion | undefined {
    const webhook = conversionWebhook(spec);
    if (!webhook) return undefined;
    const { clock, meters, tracer } = this.#core;
    const name = `${spec.names.plural}.${spec.group}`;
    const watch = {
      now: () => clock.monotonic(),
      converted: (conversion: Omit<Converted, "name">) =>
        meters.conversion.converted({ name, ...conversion }),
    };
    const converter = new Converter(this.#client, webhook, watch, tracer);
    return { converter, clock };
  }

  #unserve(name: string): void {
    const { crd, resources = [] } = this.#served.get(name) ?? {};
    this.#served.delete(name);
    this.#watched.get(name)?.();
    this.#watched.delete(name);
    if (crd?.spec) this.#core.registry.replace(crd.spec.group, crd.spec.names.plural, []);
    for (const resource of resources) resource.retire();
    // Its names may have become free.
    for (const other of this.#unestablished.get(crd?.spec?.group ?? "")) this.#touch(other);
  }

  /** Deletes the instances, and removes the definition's finalizer when none is left. */
  async #cleanUp(name: string, crd: CustomResourceDefinition): Promise<void> {
    if (!crd.metadata?.finalizers?.includes(cleanupFinalizer)) return;
    const now = nowTime(this.#core.clock);
    const resource = this.#resourceOf(crd);
    if (!resource) {
      await this.#release(name);
      return;
    }
    await this.#definitions.def.ready?.(crd as KubeObject);
    this.#serve(name, crd);
    const serving = this.#resourceOf(crd) ?? resource;
    await this.#setStatus(name, {
      conditions: withCondition(
        crd.status?.conditions,
        {
          type: "Terminating",
          status: "True",
          reason: "InstanceDeletionInProgress",
          message: "CustomResource deletion is in progress",
        },
        now,
      ),
    });
    for (const entry of serving.cache.list("").slice()) {
      const call = serverCall(this.#core, serving, entry.namespace, entry.name);
      const deletion = { ...call, info: { ...call.info, verb: "delete" } };
      await deleteObject(deletion, entry.namespace, entry.name, atOnce).catch((error) => {
        if (!isReason(error, "NotFound")) throw error;
      });
    }
    if (serving.cache.size > 0) {
      // Instances with finalizers are deleted later; each change triggers another run.
      if (!this.#watched.has(name))
        this.#watched.set(
          name,
          serving.cache.subscribe(() => this.#touch(name)),
        );
      return;
    }
    await this.#release(name);
  }

  /** The storage version if it is served, which avoids conversions. */
  #resourceOf({ spec }: CustomResourceDefinition): ServedResource | undefined {
    if (!spec) return undefined;
    const { registry } = this.#core;
    const storage = spec.versions.find((each) => each.storage);
    return (
      (storage && registry.find(spec.group, storage.name, spec.names.plural)) ??
      registry.findAny(spec.group, spec.names.plural)
    );
  }

  async #release(name: string): Promise<void> {
    // Through the status, with its few rules: works for definitions that are no longer valid, too.
    await updateObject(this.#statusCall(name), (existing) => {
      const object = existing.copy();
      const { metadata } = object;
      if (metadata?.finalizers)
        metadata.finalizers = metadata.finalizers.filter((each) => each !== cleanupFinalizer);
      return object;
    }).catch((error) => {
      if (!isReason(error, "NotFound")) throw error;
    });
  }
}

const nameOf = ({ metadata }: CustomResourceDefinition): string => metadata?.name ?? "";

/** A kind whose definition is being deleted: refuses creation. */
function closed(def: KindDefinition): KindDefinition {
  return {
    ...def,
    strategy: {
      ...def.strategy,
      prepareForCreate(object) {
        const why = "create not allowed while custom resource definition is terminating";
        throw forbidden(def, object.metadata?.name ?? "", why);
      },
    },
  };
}
