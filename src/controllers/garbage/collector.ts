import type { KubeObject, OwnerReference } from "../../api/index.ts";
import {
  type Client,
  type EventRecorder,
  forEachParallel,
  type Outcome,
  type ResourceClient,
  settled,
  type WorkQueue,
} from "../../client/index.ts";
import { isReason, type Logger } from "../../machinery/index.ts";
import type { DiscoveredResource } from "../discovery.ts";
import {
  foreground,
  isBeingDeleted,
  type Known,
  mustOrphan,
  type ObjectGraph,
  orphan,
  ownersOf,
  waitsForDependents,
} from "./object-graph.ts";
import { decideFate, type OwnerState } from "./reconcile.ts";

/** Limit of concurrent writes to dependents of one owner. */
const width = 16;

export interface CollectorOptions {
  client: Client;
  graph: ObjectGraph;
  queue: WorkQueue;
  log: Logger;
  recorder: EventRecorder;
  /** The owner's kind is unknown; retried when kinds change. */
  unresolved(uid: string): void;
  /** The resource of a kind in owner references; undefined when discovery does not know it. */
  findResource(apiVersion: string, kind: string): DiscoveredResource | undefined;
}

/** Processes one object by UID: deletes it when its owners are gone, and handles its finalizers when it is terminating. */
export class Collector {
  readonly #client: Client;
  readonly #graph: ObjectGraph;
  readonly #queue: WorkQueue;
  readonly #log: Logger;
  readonly #recorder: EventRecorder;
  readonly #findResource: CollectorOptions["findResource"];
  readonly #unresolved: CollectorOptions["unresolved"];

  constructor(options: CollectorOptions) {
    this.#client = options.client;
    this.#graph = options.graph;
    this.#queue = options.queue;
    this.#log = options.log;
    this.#recorder = options.recorder;
    this.#findResource = options.findResource;
    this.#unresolved = options.unresolved;
  }

  async reconcile(uid: string): Promise<Outcome> {
    const known = this.#graph.get(uid);
    if (!known) return settled;
    if (mustOrphan(known.object)) return await this.#orphanDependents(known);
    if (waitsForDependents(known.object)) return await this.#finishForeground(known);
    if (isBeingDeleted(known.object) || ownersOf(known.object).length === 0) return settled;
    return await this.#checkOwners(known);
  }

  async #checkOwners({ resource, object: cached }: Known): Promise<Outcome> {
    const { namespace, name = "", uid = "" } = cached.metadata ?? {};
    const owners = await this.#stateOfOwners(resource, cached, ownersOf(cached));
    if (!owners) return this.#waitForKind(uid);
    if (owners.every((owner) => owner.state === "solid")) return settled;

    // The cache found something to do. Act on the current state of the object.
    const access = this.#access(resource);
    const object = await present(access.get(namespace, name));
    if (!object || object.metadata?.uid !== uid || isBeingDeleted(object)) return settled;
    const fresh = await this.#stateOfOwners(resource, object, ownersOf(object));
    if (!fresh) return this.#waitForKind(uid);
    const dependents = this.#graph
      .dependents(uid)
      .map((each) => ({ waits: waitsForDependents(each.object) }));
    const fate = decideFate(object, fresh, dependents);
    if (fate.kind === "keep") return settled;
    if (fate.kind === "unlink") {
      await this.#writeOwners(access, object, fate.owners);
      return settled;
    }
    let { resourceVersion } = object.metadata ?? {};
    if (fate.unblock) {
      const unblocked = ownersOf(object).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
      resourceVersion = (await this.#writeOwners(access, object, unblocked))?.metadata?.resourceVersion;
    }
    this.#log.debug("deleting what lost its owner", { kind: resource.kind, namespace, name, fate });
    await present(
      access.delete(namespace, name, {
        preconditions: { uid, resourceVersion },
        propagationPolicy: fate.propagation,
      }),
    );
    return settled;
  }

  #waitForKind(uid: string): Outcome {
    this.#unresolved(uid);
    return { kind: "waitFor", what: "the kind of an owner" };
  }

  /** Undefined when an owner's kind is unknown: the object must not be deleted then. */
  async #stateOfOwners(
    resource: DiscoveredResource,
    object: KubeObject,
    references: readonly OwnerReference[],
  ): Promise<{ reference: OwnerReference; state: OwnerState }[] | undefined> {
    const states: { reference: OwnerReference; state: OwnerState }[] = [];
    for (const reference of references) {
      const state = await this.#stateOf(resource, object, reference);
      if (!state) return undefined;
      states.push({ reference, state });
    }
    return states;
  }

  async #stateOf(
    resource: DiscoveredResource,
    object: KubeObject,
    reference: OwnerReference,
  ): Promise<OwnerState | undefined> {
    const ownerResource = this.#findResource(reference.apiVersion, reference.kind);
    if (!ownerResource) return undefined;
    const namespace = ownerResource.namespaced ? object.metadata?.namespace : undefined;
    const cached = this.#graph.get(reference.uid);
    const same =
      cached?.object.metadata?.name === reference.name &&
      (cached.object.metadata?.namespace ?? undefined) === namespace &&
      cached.resource.kind === reference.kind;
    if (cached && same) return waitsForDependents(cached.object) ? "waiting" : "solid";
    if (ownerResource.namespaced && !resource.namespaced) {
      const text = `ownerRef ${JSON.stringify(reference)} is not allowed: a cluster-scoped object cannot have a namespaced owner`;
      this.#recorder.event(object, "Warning", "OwnerRefInvalidNamespace", text);
      return undefined;
    }
    // The cache may be incomplete or behind, so absence from it is no proof.
    const live = await present(this.#access(ownerResource).get(namespace, reference.name));
    if (!live || live.metadata?.uid !== reference.uid) {
      if (cached) {
        const text = `ownerRef ${JSON.stringify(reference)} does not exist in namespace "${object.metadata?.namespace ?? ""}"`;
        this.#recorder.event(object, "Warning", "OwnerRefInvalidNamespace", text);
      }
      return "absent";
    }
    return waitsForDependents(live) ? "waiting" : "solid";
  }

  /** Handles the dependents, then removes the owner's finalizer when none blocks it. */
  async #finishForeground({ resource, object }: Known): Promise<Outcome> {
    const uid = object.metadata?.uid ?? "";
    const dependents = this.#graph.dependents(uid);
    const blocking = dependents.filter((each) =>
      ownersOf(each.object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
    if (blocking.length === 0) {
      await this.#removeFinalizer(resource, object, foreground);
      return settled;
    }
    for (const each of dependents) {
      if (!waitsForDependents(each.object)) this.#queue.add(each.object.metadata?.uid ?? "");
    }
    return { kind: "waitFor", what: "dependents" };
  }

  async #orphanDependents({ resource, object }: Known): Promise<Outcome> {
    const uid = object.metadata?.uid ?? "";
    await forEachParallel(this.#graph.dependents(uid), width, async (each) => {
      const access = this.#access(each.resource);
      const left = ownersOf(each.object).filter((owner) => owner.uid !== uid);
      await this.#writeOwners(access, each.object, left);
    });
    await this.#removeFinalizer(resource, object, orphan);
    return settled;
  }

  async #removeFinalizer(resource: DiscoveredResource, object: KubeObject, finalizer: string): Promise<void> {
    const { namespace, name = "", uid } = object.metadata ?? {};
    const access = this.#access(resource);
    const live = await present(access.get(namespace, name));
    if (live?.metadata?.uid !== uid || !live?.metadata?.finalizers?.includes(finalizer)) return;
    const finalizers = live.metadata.finalizers.filter((each) => each !== finalizer);
    const { resourceVersion } = live.metadata;
    await present(access.patch(namespace, name, "merge", { metadata: { resourceVersion, uid, finalizers } }));
  }

  async #writeOwners(
    access: ResourceClient,
    object: KubeObject,
    ownerReferences: readonly OwnerReference[],
  ): Promise<KubeObject | undefined> {
    const { namespace, name = "", uid, resourceVersion } = object.metadata ?? {};
    return await present(
      access.patch(namespace, name, "merge", { metadata: { uid, resourceVersion, ownerReferences } }),
    );
  }

  #access({ group, version, plural, namespaced }: DiscoveredResource): ResourceClient {
    return this.#client.metadata(group, version, plural, namespaced);
  }
}

/** Treats "not found" as success. */
async function present<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
