import type {
  ConfigMap,
  CoreV1Event,
  CSIStorageCapacity,
  Deployment,
  Endpoints,
  EndpointSlice,
  KubeObject,
  Lease,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  Secret,
  Service,
  ServiceAccount,
  StorageClass,
} from "../api/index.ts";
import { type Clock, systemClock } from "../machinery/index.ts";
import { createResourceClient, type ResourceClient } from "./resource.ts";
import { Turnstile } from "./transport/turnstile.ts";
import type { ApiTransport } from "./transport.ts";

export interface ClientOptions {
  /** Appears in the server's logs. */
  userAgent?: string;
  fieldManager?: string;
  /** For the delays of retries. */
  clock?: Clock;
}

/** Limit of concurrent requests: more would only fill the server's queues, and be rejected when they are full. */
const atOnce = 200;

/** A typed client of one API server with one identity. */
export interface Client {
  readonly transport: ApiTransport;
  resource<T extends KubeObject = KubeObject>(
    group: string,
    version: string,
    plural: string,
    namespaced?: boolean,
  ): ResourceClient<T>;
  /** Likewise, but reads return only `metadata`: for controllers of objects of all kinds. */
  metadata(group: string, version: string, plural: string, namespaced?: boolean): ResourceClient;
  readonly pods: ResourceClient<Pod>;
  readonly nodes: ResourceClient<Node>;
  readonly services: ResourceClient<Service>;
  readonly endpoints: ResourceClient<Endpoints>;
  readonly endpointSlices: ResourceClient<EndpointSlice>;
  readonly deployments: ResourceClient<Deployment>;
  readonly replicaSets: ResourceClient<ReplicaSet>;
  readonly namespaces: ResourceClient<Namespace>;
  readonly secrets: ResourceClient<Secret>;
  readonly configMaps: ResourceClient<ConfigMap>;
  readonly events: ResourceClient<CoreV1Event>;
  readonly serviceAccounts: ResourceClient<ServiceAccount>;
  readonly persistentVolumes: ResourceClient<PersistentVolume>;
  readonly persistentVolumeClaims: ResourceClient<PersistentVolumeClaim>;
  readonly storageClasses: ResourceClient<StorageClass>;
  readonly storageCapacities: ResourceClient<CSIStorageCapacity>;
  readonly leases: ResourceClient<Lease>;
}

export function createClient(transport: ApiTransport, options: ClientOptions = {}): Client {
  const userAgent = options.userAgent ?? "wherry";
  const clock = options.clock ?? systemClock;
  const turnstile = new Turnstile(atOnce);
  const resource = <T extends KubeObject>(
    group: string,
    version: string,
    plural: string,
    namespaced = true,
  ): ResourceClient<T> =>
    createResourceClient<T>(transport, {
      group,
      version,
      plural,
      namespaced,
      userAgent,
      clock,
      turnstile,
      fieldManager: options.fieldManager,
    });
  return {
    transport,
    resource,
    metadata: (group, version, plural, namespaced = true) =>
      createResourceClient(transport, {
        group,
        version,
        plural,
        namespaced,
        userAgent,
        clock,
        turnstile,
        fieldManager: options.fieldManager,
        metadataOnly: true,
      }),
    pods: resource("", "v1", "pods"),
    nodes: resource("", "v1", "nodes", false),
    services: resource("", "v1", "services"),
    endpoints: resource("", "v1", "endpoints"),
    endpointSlices: resource("discovery.k8s.io", "v1", "endpointslices"),
    deployments: resource("apps", "v1", "deployments"),
    replicaSets: resource("apps", "v1", "replicasets"),
    namespaces: resource("", "v1", "namespaces", false),
    secrets: resource("", "v1", "secrets"),
    configMaps: resource("", "v1", "configmaps"),
    events: resource("", "v1", "events"),
    serviceAccounts: resource("", "v1", "serviceaccounts"),
    persistentVolumes: resource("", "v1", "persistentvolumes", false),
    persistentVolumeClaims: resource("", "v1", "persistentvolumeclaims"),
    storageClasses: resource("storage.k8s.io", "v1", "storageclasses", false),
    storageCapacities: resource("storage.k8s.io", "v1", "csistoragecapacities"),
    leases: resource("coordination.k8s.io", "v1", "leases"),
  };
}
