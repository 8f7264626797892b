import type { Container, Namespace, Pod, ReplicaSet } from "../api/index.ts";
import { type Client, type ComponentContext, createInformer } from "../client/index.ts";
import { type ClusterState, isFinished } from "./cluster-state.ts";
import type { ClusterEvent } from "./plugin.ts";
import type { Snapshot } from "./snapshot.ts";

/** Callbacks of the scheduler. */
export interface ClusterHandlers {
  /** A new or changed unscheduled pod. */
  waiting(pod: Pod): void;
  placed(pod: Pod): void;
  gone(pod: Pod): void;
  event(event: ClusterEvent): void;
  /** `namespace/name` */
  claimChanged(key: string): void;
}

/** Starts the informers; resolves with the scheduler's view when all caches are filled. */
export async function watchCluster(
  context: ComponentContext,
  client: Client,
  state: ClusterState,
  handlers: ClusterHandlers,
): Promise<Snapshot> {
  const { clock, log, signal } = context;
  const base = { clock, log, signal };
  const nodes = createInformer({ ...base, resource: client.nodes });
  // Finished pods use no resources, so they are not cached.
  const pods = createInformer({
    ...base,
    resource: client.pods,
    fieldSelector: "status.phase!=Succeeded,status.phase!=Failed",
    transform: trimmed,
  });
  const claims = createInformer({ ...base, resource: client.persistentVolumeClaims });
  const volumes = createInformer({ ...base, resource: client.persistentVolumes });
  const classes = createInformer({ ...base, resource: client.storageClasses });
  const namespaces = createInformer<Namespace>({ ...base, resource: client.namespaces });
  const services = createInformer({ ...base, resource: client.services });
  const replicaSets = createInformer<ReplicaSet>({ ...base, resource: client.replicaSets });
  services.addIndex("namespace", (service) => [service.metadata?.namespace ?? ""]);
  volumes.addIndex("class", (volume) => [volume.spec?.storageClassName ?? ""]);

  nodes.onChange((type, node) => {
    if (type === "delete") state.removeNode(node.metadata?.name ?? "");
    else for (const event of state.setNode(node)) handlers.event(event);
  });
  pods.onChange((type, pod, old) => {
    if (type === "delete") {
      const held = state.removePod(pod.metadata?.uid ?? "");
      handlers.gone(pod);
      if (held) handlers.event("PodDelete");
    } else if (pod.spec?.nodeName) {
      const wasPlaced = Boolean(old?.spec?.nodeName);
      state.setPod(pod);
      handlers.placed(pod);
      if (isFinished(pod)) handlers.event("PodDelete");
      else if (!wasPlaced) handlers.event("PodAdd");
      else if (JSON.stringify(old?.metadata?.labels) !== JSON.stringify(pod.metadata?.labels)) {
        handlers.event("PodLabels");
      }
    } else {
      handlers.waiting(pod);
    }
  });
  claims.onChange((type, claim) => {
    handlers.claimChanged(`${claim.metadata?.namespace}/${claim.metadata?.name}`);
    if (type !== "delete") handlers.event("Claim");
  });
  volumes.onChange(() => handlers.event("Volume"));
  classes.onChange(() => handlers.event("StorageClass"));
  namespaces.onChange(() => handlers.event("Namespace"));

  const all = [nodes, pods, claims, volumes, classes, namespaces, services, replicaSets];
  await Promise.all(all.map((informer) => informer.synced));
  return {
    nodes: state.nodes,
    namespaceLabels: (name) => namespaces.get(name)?.metadata?.labels,
    storage: {
      claim: (namespace, name) => claims.get(`${namespace}/${name}`),
      volume: (name) => volumes.get(name),
      storageClass: (name) => classes.get(name),
      availableVolumes: (name) =>
        volumes.byIndex("class", name).filter((volume) => state.isAvailable(volume)),
    },
    owners: {
      services: (namespace) => services.byIndex("namespace", namespace),
      replicaSet: (namespace, name) => replicaSets.get(`${namespace}/${name}`),
    },
  };
}

/** A pod without the fields that scheduling ignores, which are most of its bytes. */
function trimmed(pod: Pod): Pod {
  if (!pod.spec) return pod;
  const slim = (container: Container): Container => ({
    name: container.name,
    ...(container.image ? { image: container.image } : {}),
    ...(container.resources ? { resources: container.resources } : {}),
    ...(container.ports ? { ports: container.ports } : {}),
    ...(container.restartPolicy ? { restartPolicy: container.restartPolicy } : {}),
  });
  pod.spec.containers = pod.spec.containers.map(slim);
  if (pod.spec.initContainers) pod.spec.initContainers = pod.spec.initContainers.map(slim);
  const claims = pod.spec.volumes?.filter((volume) => volume.persistentVolumeClaim || volume.ephemeral);
  if (claims) pod.spec.volumes = claims;
  return pod;
}
