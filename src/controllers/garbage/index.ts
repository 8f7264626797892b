import type { KubeObject } from "../../api/index.ts";
import { createInformer, type Informer, settled } from "../../client/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { type DiscoveredResource, discover } from "../discovery.ts";
import { Collector } from "./collector.ts";
import { mustOrphan, ObjectGraph, ownersOf, resourceKey, waitsForDependents } from "./object-graph.ts";

/** Frequently changing objects without owners or dependents. */
const ignored = new Set(["events.", "events.events.k8s.io"]);
/** Resources whose changes affect discovery. */
const definitions = new Set(["customresourcedefinitions", "apiservices"]);
const retryDiscoveryMs = 10_000;
const afterDefinitionMs = 100;
const firstLookMs = 10_000;

/**
 * Deletes objects whose owners are gone (in the background or foreground), and orphans dependents when their owner is deleted
 * with that policy. Watches the metadata of all resources.
 */
export async function runGarbageCollector(context: ControllerContext): Promise<void> {
  const { client, informers, clock, log, signal, random } = context;
  const graph = new ObjectGraph();
  const queue = newQueue(context);
  const kinds = new Map<string, DiscoveredResource>();
  const stops = new Map<string, AbortController>();
  const ended: Promise<void>[] = [];
  /** Objects with an owner whose kind is unknown to discovery. */
  const unresolved = new Set<string>();
  const collector = new Collector({
    client,
    graph,
    queue,
    log: log.with({ controller: "garbage-collector" }),
    recorder: context.recorder("garbage-collector-controller"),
    unresolved: (uid) => unresolved.add(uid),
    findResource: (apiVersion, kind) => kinds.get(`${groupOf(apiVersion)}/${kind}`),
  });

  const follow = (resource: DiscoveredResource): void => {
    const stop = new AbortController();
    const shared = informers.existing(resource.group, resource.plural);
    const informer = shared ?? metadataInformer(resource, AbortSignal.any([signal, stop.signal]));
    if (!shared) ended.push(informer.ended);
    stops.set(resourceKey(resource), stop);
    graph.add(resource, informer);
    if (definitions.has(resource.plural)) {
      informer.onChange(() => queue.addAfter(discoveryKey, afterDefinitionMs));
    }
    informer.onChange((type, object, old) => {
      const uid = object.metadata?.uid ?? "";
      if (type === "delete") {
        graph.delete(uid);
        for (const each of graph.dependents(uid)) queue.add(each.object.metadata?.uid ?? "");
        wakeOwners(object);
        return;
      }
      graph.set(resource, object);
      const owners = ownersOf(object);
      if (owners.length > 0 && concerns(object, old)) queue.add(uid);
      else if (mustOrphan(object) || waitsForDependents(object)) queue.add(uid);
      // The removed reference may have blocked an owner.
      if (old && old.metadata?.ownerReferences !== object.metadata?.ownerReferences) wakeOwners(old);
      if (waitsForDependents(object) && !(old && waitsForDependents(old))) {
        for (const each of graph.dependents(uid)) queue.add(each.object.metadata?.uid ?? "");
      }
    });
  };

  const wakeOwners = (object: KubeObject): void => {
    for (const { uid } of ownersOf(object)) {
      const owner = graph.get(uid);
      if (owner && waitsForDependents(owner.object)) queue.add(uid);
    }
  };

  /** Most owners exist and stay, so only other cases are queued. */
  const concerns = (object: KubeObject, old: KubeObject | undefined): boolean => {
    if (old && old.metadata?.deletionTimestamp !== object.metadata?.deletionTimestamp) return true;
    return ownersOf(object).some(({ uid }) => {
      const owner = graph.get(uid);
      return !owner || waitsForDependents(owner.object);
    });
  };

  const metadataInformer = (resource: DiscoveredResource, until: AbortSignal): Informer<KubeObject> =>
    createInformer<KubeObject>({
      resource: client.metadata(resource.group, resource.version, resource.plural, resource.namespaced),
      clock,
      log,
      signal: until,
      random,
      transform: ({ metadata }) => slim(resource, metadata),
    });

  const refresh = async (): Promise<void> => {
    const { resources, failures } = await discover(client.transport, signal);
    const known = kinds.size;
    for (const resource of resources) kinds.set(`${resource.group}/${resource.kind}`, resource);
    const wanted = resources.filter(
      ({ group, plural, verbs }) =>
        ["list", "watch", "delete"].every((verb) => verbs.includes(verb)) &&
        !ignored.has(`${plural}.${group}`),
    );
    for (const resource of wanted) if (!graph.watches(resource)) follow(resource);
    if (failures.length > 0) {
      log.warn("some resources are unknown", { groups: failures.map((each) => each.groupVersion) });
      queue.addAfter(discoveryKey, retryDiscoveryMs);
    } else {
      const served = new Set(wanted.map(resourceKey));
      for (const key of graph.keys()) if (!served.has(key)) forget(key);
    }
    if (kinds.size === known) return;
    for (const uid of unresolved) queue.add(uid);
    unresolved.clear();
  };

  const forget = (key: string): void => {
    stops.get(key)?.abort();
    stops.delete(key);
    graph.drop(key);
  };

  queue.add(discoveryKey);
  await runLoop(context, {
    name: "garbage-collector",
    queue,
    workers: 20,
    needs: [{ synced: firstLook() }],
    async reconcile(key) {
      if (key !== discoveryKey) return await collector.reconcile(key);
      await refresh();
      return settled;
    },
  });
  await Promise.all(ended);

  /** With full caches few owners are read from the server, so a failing resource is not waited for long. */
  async function firstLook(): Promise<void> {
    await refresh();
    const enough = new AbortController();
    const timeout = clock.sleep(firstLookMs, AbortSignal.any([signal, enough.signal])).catch(() => {});
    await Promise.race([timeout, graph.synced()]);
    enough.abort();
  }
}

const discoveryKey = "discovery";

const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";

/** The fields that the collector uses. */
function slim({ group, version, kind }: DiscoveredResource, metadata: KubeObject["metadata"]): KubeObject {
  const { name, namespace, uid, resourceVersion, ownerReferences, finalizers, deletionTimestamp } =
    metadata ?? {};
  return {
    apiVersion: group ? `${group}/${version}` : version,
    kind,
    metadata: {
      ...(name ? { name } : {}),
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(ownerReferences ? { ownerReferences } : {}),
      ...(finalizers ? { finalizers } : {}),
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
    },
  };
}
